"""``python -m ci`` is ``governor-ci``."""

import sys

from ci.cli import main

sys.exit(main())
