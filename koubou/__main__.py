"""`python -m koubou` is the command `koubou`."""

from koubou.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
