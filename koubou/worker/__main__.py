"""`python -m koubou.worker FD [NAME]`: started by the master with its end of the wire as an inherited descriptor."""

from __future__ import annotations

import sys

from koubou.worker.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
