"""The model server's own process: one JSON line of settings on stdin, one JSON line on stdout when it serves.

It answers chat completions on 127.0.0.1 alone, for who has the key, and ends with its parent: by the kernel's word
where that works (it watches the thread that started us), and always when stdin ends.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import resource
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from koubou.embedded.registry import NoLocalModel

_PR_SET_PDEATHSIG = 1
_WARNINGS = 2  # llama.cpp's level; from 3 on it tells of every request
_PROMPT_CACHE_MIB = 256


def serve() -> int:
    """Serve until stdin ends; the exit status: 0 told to end, 1 could not start (the line on stdout says why)."""
    _close_leaks()
    _die_with_parent()
    settings = json.loads(sys.stdin.readline() or "null")
    if not isinstance(settings, dict):
        return 0  # the parent died before it could say anything
    try:
        server, address = start(settings)
    except NoLocalModel as error:
        _say({"ready": False, "message": error.message, "remedy": error.remedy})
        return 1
    _say({"ready": True, "port": int(address.rpartition(":")[2])})
    sys.stdin.read()
    del server
    return 0


def start(settings: Mapping[str, Any]) -> tuple[object, str]:
    """A running server and its address. Raises NoLocalModel."""
    if not can_compute(Path("/proc/cpuinfo"), platform.machine()):
        raise NoLocalModel(
            "this processor has no AVX2, which the embedded model needs (Intel and AMD since about 2013)",
            "point the local tier's base_url at a server on another machine (LM Studio, Ollama, vLLM, llama.cpp)",
        )
    try:
        from xllamacpp import CommonParams, Server
    except ImportError:
        raise NoLocalModel("the package xllamacpp is not installed", "pip install 'koubou[local]'") from None
    parameters = CommonParams()
    parameters.model.path = settings["model"]
    parameters.model_alias = {settings["alias"]}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = settings["port"]
    parameters.api_keys = [settings["api_key"]]
    parameters.n_parallel = settings["parallel"]
    parameters.n_ctx = settings["context_tokens"] * settings["parallel"]
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = settings["threads"]
    parameters.cache_ram_mib = _PROMPT_CACHE_MIB
    parameters.verbosity = _WARNINGS
    parameters.ui = False
    parameters.endpoint_slots = False  # would show one caller's prompt to another
    try:
        server = Server(parameters)
    except RuntimeError:
        raise NoLocalModel(
            f"the model {settings['model']} cannot be loaded, or there is too little memory for it",
            "check that it is a GGUF file of a chat model, or set fewer context_tokens or less concurrency",
        ) from None
    return server, server.listening_address


def can_compute(cpuinfo: Path, machine: str) -> bool:
    """Whether the prebuilt library runs here: on x86 it needs AVX2, and dies of SIGILL without."""
    if machine not in ("x86_64", "AMD64"):
        return True
    try:
        text = cpuinfo.read_text()
    except OSError:
        return True  # nobody says no
    return " avx2" in text


def _close_leaks() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A signal for the whole group is the master's to answer; it ends us by closing stdin, or by SIGTERM.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)


def _die_with_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:  # it died before we had asked to be told
        raise SystemExit(0)


def _say(line: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
