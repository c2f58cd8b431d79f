"""``python -m idaware`` is the ``idaware`` command."""

import sys

from idaware.cli import main

sys.exit(main())
