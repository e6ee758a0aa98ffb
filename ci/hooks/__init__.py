"""The hook of a plain git server, as text."""

from importlib.resources import files


def script() -> str:
    """The pre-receive hook, the same for every repository; its settings stand in git's own."""
    return files(__name__).joinpath("pre-receive").read_text(encoding="utf-8")
