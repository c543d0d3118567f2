"""`python -m bot` does what `bot` does."""

import sys

from bot.cli import main

sys.exit(main())
