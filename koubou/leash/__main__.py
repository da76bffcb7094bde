"""`python -I -S koubou/leash/__main__.py FD PARENT`: started by `holding`, with its end of a socket pair."""

from __future__ import annotations

import os
import sys

# Without `site` (12 ms) this package must be found by hand; behind everything else, so that it hides nothing.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from koubou.leash.main import main

sys.exit(main(sys.argv[1:]))
