"""Words of all who show something: what is safe on one line, lengths of time, and the present."""

from __future__ import annotations

from datetime import datetime

from koubou.model.instant import DAY, HOUR, MINUTE, SECOND, Instant, Milliseconds


def clean(text: str) -> str:
    """Text of others as a terminal may show it: control characters, which could move its cursor, are replaced."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def one_line(text: str) -> str:
    """The same on one line."""
    return clean(" ".join(text.split()))


def lasting(time: Milliseconds) -> str:
    """A length of time by its two largest units: 340ms, 12s, 5m 3s, 2h 5m, 3d 4h."""
    if time < SECOND:
        return f"{max(0, time)}ms"
    if time < MINUTE:
        return f"{time / SECOND:.1f}s" if time < 10 * SECOND else f"{time // SECOND}s"
    for unit, name, smaller, small in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "m"), (MINUTE, "m", SECOND, "s")):
        if time >= unit:
            rest = time % unit // smaller
            return f"{time // unit}{name}" + (f" {rest}{small}" if rest else "")
    raise AssertionError("every length has a unit")


def now() -> Instant:
    """The present, as everything here measures it."""
    return round(datetime.now().astimezone().timestamp() * 1000)
