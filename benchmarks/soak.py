"""A workshop in bad weather for minutes, and whether every promise held. Prints JSON; exit status 1 where one did not.

    .venv/bin/python benchmarks/soak.py [--seed N] [--minutes M] [--under FOLDER]

A failing provider, kill -9 of master, workers, hands and leashes, commands that fork, leave, ignore, flood and eat,
good and bad files, cancels, retries, pauses, reloads, limits: all by chance from the seed. Then it is left in peace,
and what must hold is looked at from outside (tests/soak_audit.py).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from simulator import Simulator
from soak import Storm, settings
from soak_audit import complaints, report, wait_for_rest
from workshop import Workshop


def soak(seed: int, seconds: float, under: Path) -> dict[str, Any]:
    """Let a storm rage; what came of it, with all `complaints`."""
    with Simulator() as provider:
        workshop = Workshop(provider, under, **settings(provider))
        storm = Storm(workshop, provider, seed)
        found: list[str] = []
        try:
            began = time.monotonic()
            workshop.start()
            storm.rage(seconds)
            print("left in peace …", file=sys.stderr)
            storm.calm_down()
            wait_for_rest(storm, within=max(120, seconds))
            figures = report(storm, seconds, began)
            found += complaints(storm)
            check = workshop.koubou("board", "check", within=120)
            if check.returncode:
                found.append(f"koubou board check: {check.stdout}{check.stderr}")
        finally:
            found += workshop.close()
        return {**figures, "complaints": found}


def main() -> int:
    """Storm and print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--under", type=Path, default="/tmp", help="where the home is made; a short path")
    parser.add_argument("--keep", action="store_true", help="leave the home where it is, to look at")
    options = parser.parse_args()
    under = Path(tempfile.mkdtemp(prefix="kb-", dir=options.under))
    figures = soak(options.seed, 60 * options.minutes, under)
    figures["home"] = str(under)
    print(json.dumps(figures, indent=2))
    return 1 if figures["complaints"] else 0


if __name__ == "__main__":
    sys.exit(main())
