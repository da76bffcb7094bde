"""What a look for secrets costs: milliseconds for 10 kB of every kind of text, with and without the detector.

    python benchmarks/classify.py [--rounds N]

Prints JSON; the least of N rounds. `growth` is what 200 kB take against 50 kB: 4 where the time is linear.
"""

from __future__ import annotations

import argparse
import base64
import inspect
import json
import random
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from koubou.detectors.kingfisher import Kingfisher
from koubou.embedded.weights import default_models_dir
from koubou.model.task import TaskRequest
from koubou.rules.classify import look, texts_of
from koubou.rules.examine import examine

KB = 1_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    rounds = parser.parse_args().rounds
    detector = Kingfisher(default_models_dir().with_name("rules"))
    detector.load()
    print(json.dumps({kind: measured(text, detector, rounds) for kind, text in texts().items()}, indent=2))


def measured(text: str, detector: Kingfisher, rounds: int) -> Mapping[str, float]:
    """Milliseconds by what is done with it."""
    request = TaskRequest(prompt=sized(text, 10 * KB))
    half, whole = (texts_of(TaskRequest(prompt=sized(text, size * KB))) for size in (50, 200))
    half_ms, whole_ms = (least(rounds // 3 + 1, lambda some=some: look(some)) for some in (half, whole))
    return {
        "rules_ms": least(rounds, lambda: look(texts_of(request))),
        "examination_ms": least(rounds, lambda: examine(request)),
        "detector_ms": least(rounds, lambda: detector.scan_texts(texts_of(request))),
        "growth": round(whole_ms / half_ms, 1),
    }


def least(rounds: int, deed: Callable[[], object]) -> float:
    """The least time of so many rounds, in milliseconds."""
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        deed()
        taken.append(time.perf_counter() - began)
    return round(min(taken) * 1000, 2)


def texts() -> Mapping[str, str]:
    """A text of every kind, always the same."""
    chance = random.Random(4)
    lines = range(300)
    return {
        "prose": (Path(__file__).parents[1] / "README.md").read_text(),
        "code": "\n".join(inspect.getsource(module) for module in (argparse, base64, json)),
        "logs": "\n".join(
            f"2026-11-{n % 28 + 1:02d}T10:{n % 60:02d}:07.{chance.randrange(1000):03d}Z INFO worker[{n}] task=fix-{n} "
            f"took {chance.random():.6f} s, id={chance.getrandbits(128):032x} from 10.0.{n % 250}.7:5432"
            for n in lines
        ),
        "base64": base64.encodebytes(chance.randbytes(40 * KB)).decode(),
        "digits": " ".join(str(chance.randrange(10 ** chance.randrange(1, 18))) for _ in range(5_000)),
        "japanese": "\n".join(
            f"{n}番目の利用者が画面からパスワードを再設定する機能を実装してください。" for n in lines
        ),
    }


def sized(text: str, size: int) -> str:
    """The first 10 kB of a text, again and again, cut at so many bytes of UTF-8."""
    whole = text.encode()[: 10 * KB]
    return (whole * (size // len(whole) + 1))[:size].decode("utf-8", "ignore")


if __name__ == "__main__":
    main()
