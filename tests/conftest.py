"""What every test stands on: no configuration of this machine reaches git or ssh-keygen."""

import os

from hypothesis import HealthCheck, Phase, settings

_SHUT_OUT = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_CEILING_DIRECTORIES",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_AUTHOR_DATE",
    "GIT_COMMITTER_DATE",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "SSH_AUTH_SOCK",
    "SSH_ASKPASS",
    "GOVERNOR_CONFIG",
)
_SET = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Test Author",
    "GIT_AUTHOR_EMAIL": "author@example.invalid",
    "GIT_COMMITTER_NAME": "Test Author",
    "GIT_COMMITTER_EMAIL": "author@example.invalid",
    "LC_ALL": "C.UTF-8",
    "TERM": "dumb",
    "NO_COLOR": "1",
    "COLUMNS": "120",
}

# Set once for the process, before any test module is imported: child processes and the workers of
# xdist inherit it, and no test can forget it.
for _name in _SHUT_OUT:
    os.environ.pop(_name, None)
os.environ.update(_SET)

# Two cores shared by git and ssh-keygen make time a poor judge of a property, hence no deadline.
_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
settings.register_profile("desk", deadline=None, suppress_health_check=_SLOW_IS_FINE)
settings.register_profile(
    "ci", parent=settings.get_profile("desk"), derandomize=True, print_blob=True
)
settings.register_profile("deep", parent=settings.get_profile("desk"), max_examples=2_000)
# Each mutant is killed each time or never, and nobody reads the shortest example that does it.
settings.register_profile(
    "mutation",
    parent=settings.get_profile("desk"),
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
)
settings.register_profile("fuzz", parent=settings.get_profile("desk"), max_examples=20_000)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
