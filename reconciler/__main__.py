"""``python -m reconciler`` is ``governor``."""

import sys

from reconciler.cli import main

sys.exit(main())
