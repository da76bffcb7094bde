"""Whether tasks would wait for one another in a circle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def in_a_circle(edges: Iterable[tuple[str, str]]) -> str | None:
    """A task that stands in a circle of needs (`edges`: who needs whom), or None. Linear in the edges (Kahn, 1962)."""
    needs: defaultdict[str, int] = defaultdict(int)
    needed_by: defaultdict[str, list[str]] = defaultdict(list)
    for task, needed in edges:
        needs[task] += 1
        needs[needed] += 0
        needed_by[needed].append(task)
    free = [task for task, count in needs.items() if count == 0]
    for task in free:
        for waiting in needed_by[task]:
            needs[waiting] -= 1
            if needs[waiting] == 0:
                free.append(waiting)
    return next((task for task, count in needs.items() if count > 0), None)
