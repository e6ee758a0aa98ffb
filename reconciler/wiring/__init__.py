"""Where adapters are built: one module for each thing that a program does."""

import os

# GitPython looks for git while it is imported, and raises where there is none; a halt needs no git.
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
