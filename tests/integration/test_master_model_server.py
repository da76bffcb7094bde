"""The embedded model's server is kept alive: whoever kills it, the next task is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from workshop import Workshop, words_of

from koubou.embedded.registry import NoLocalModel
from koubou.embedded.weights import default_models_dir, fetch

NAME = "smollm2-135m"


@pytest.fixture
def models_dir() -> Path:
    """Where the weights are; skipped, with the reason, where they cannot be had."""
    pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
    folder = default_models_dir()
    try:
        fetch(NAME, folder)
    except NoLocalModel as error:
        pytest.skip(str(error))
    return folder


@pytest.fixture
def workshop(models_dir: Path) -> Iterator[Workshop]:
    tier = {
        "reach": "local",
        "server": "embedded",
        "price": {"input": 0, "output": 0},
        "context_tokens": 1024,
        "max_output_tokens": 8,
        "min_output_tokens": 1,
        "retries": 20,
        "retry_delay": "100ms",
    }
    with Workshop(
        None,
        tiers={"local": tier},
        routing={"high": "local", "medium": "local", "low": "local"},
        embedded={"model": NAME, "models_dir": str(models_dir), "context_tokens": 1024, "parallel": 1},
    ) as workshop:
        yield workshop.start()


def server(workshop: Workshop) -> psutil.Process | None:
    for each in workshop.notice_processes():
        with suppress(psutil.NoSuchProcess):
            if "koubou.embedded" in each.cmdline():
                return each
    return None


def test_a_killed_model_server_is_started_again_and_tasks_wait_for_it(workshop: Workshop) -> None:
    workshop.drop("a.yaml", {"id": "a", "prompt": "Say hello."})
    assert workshop.output("a")["answer"]
    workshop.wait_for_event("tier.recovered", tier="local")
    first = server(workshop)
    assert first is not None
    # Who ends what a killed worker has left takes the server for nothing of it.
    (worker,) = [each for each in workshop.notice_processes() if "koubou.worker" in words_of(each)]
    worker.kill()
    workshop.drop("again.yaml", {"id": "again", "prompt": "Say hello."})
    assert workshop.output("again")["answer"]
    assert first.is_running()
    first.kill()
    workshop.wait_for_event("tier.degraded", tier="local")
    # It comes while there is no server: it waits, and no worker is started for nothing.
    workshop.drop("b.yaml", {"id": "b", "prompt": "Say goodbye."})
    output = workshop.output("b")
    assert output["answer"]
    second = server(workshop)
    assert second is not None
    assert second.pid != first.pid
    assert len(list(workshop.events("tier.recovered", tier="local"))) == 2
    assert workshop.month()["settled_nusd"] == 0
