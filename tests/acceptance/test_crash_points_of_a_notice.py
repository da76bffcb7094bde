"""A master dies while it tells the guardian: the next one looks first; and nobody dies where no tests are run."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator

import pytest
from crashes import arm, wait_for_the_crash
from recorder import TOKEN, Recorder
from workshop import KOUBOU, OpenWorkshop

from koubou.crash import PERMISSION, POINTS, TOLD, WISH


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("notice.")])
def test_the_guardian_is_told_exactly_once_though_the_master_dies_while_telling(
    open_workshop: OpenWorkshop, recorder: Recorder, point: str
) -> None:
    github = {"repo": "house/shop", "token": {"env": "GUARDIANS_TOKEN"}, "api": recorder.address}
    workshop = open_workshop(guardian={"github": github})
    workshop.environment |= {"GUARDIANS_TOKEN": TOKEN, PERMISSION: str(workshop.folder), WISH: TOLD}
    workshop.start()
    arm(workshop, point)
    workshop.signal(signal.SIGUSR2)
    wait_for_the_crash(workshop, point)
    workshop.wait_for_event("guardian.told", within=60)
    assert len(recorder.issues) == 1


@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("notification.")])
def test_a_task_is_told_again_by_the_same_id_when_the_master_dies_while_telling(
    open_workshop: OpenWorkshop, recorder: Recorder, point: str
) -> None:
    target = {"webhook": recorder.webhook, "secret": {"env": "HOOKS_SECRET"}}
    workshop = open_workshop(notify={"targets": {"ops": target}, "default": ["ops"]})
    workshop.environment |= {"HOOKS_SECRET": TOKEN, PERMISSION: str(workshop.folder), WISH: TOLD}
    workshop.start()
    arm(workshop, point)
    workshop.drop("a.yaml", {"id": "a", "prompt": "x", "notify": ["ops"]})
    wait_for_the_crash(workshop, point)
    workshop.wait_for_event("notification.told", within=60)
    keys = [headers["Idempotency-Key"] for _, path, headers, _ in recorder.requests]
    assert len(keys) == (2 if point.endswith("delivered") else 1)
    assert len(set(keys)) == 1


def test_crash_points_are_refused_outside_tests(open_workshop: OpenWorkshop) -> None:
    workshop = open_workshop()
    workshop.environment[WISH] = "turn.committed"
    refused = subprocess.run(
        [KOUBOU, "serve"], env=workshop.environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert refused.returncode == 64
    assert WISH in refused.stderr
