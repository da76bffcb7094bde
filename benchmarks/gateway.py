"""What the gateway adds to a call: latency and calls a second, over a bare provider, at several calls at once.

    python benchmarks/gateway.py [--calls N] [--bytes N]

The gateway runs in a process of its own, as in a worker, and so does the provider. Each call is held for and settled on
a board on disk, several in one transaction as in a turn of the master. Prints JSON; milliseconds.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]


AT_ONCE = (1, 16, 64)
