"""The provider that `simulator.py` runs: what it is told, what it bills, and the words of each API."""
