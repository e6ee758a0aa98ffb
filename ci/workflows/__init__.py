"""Ready-made workflow files, as text."""

from importlib.resources import files


def workflow_text(forge: str) -> str:
    """The file for one forge, by its name."""
    return files(__name__).joinpath(f"{forge}.yml").read_text(encoding="utf-8")
