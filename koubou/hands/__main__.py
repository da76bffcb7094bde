"""`python -m koubou.hands intake|shelving FD`: for the master to start, not for people."""

import sys

from koubou.hands.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
