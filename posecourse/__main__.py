"""``python -m posecourse`` is the same as ``posecourse``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
