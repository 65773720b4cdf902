"""`python -m s_isync` is the `s-isync` command."""

import sys

from s_isync.cli import main

sys.exit(main())
