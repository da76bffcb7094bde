"""What the settings say of one tier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from koubou.config.agent_settings import TierAgentSettings
from koubou.config.words import (
    AbsolutePath,
    BaseUrl,
    Count,
    Duration,
    Executor,
    Name,
    Number,
    Positive,
    Section,
    Shown,
    SomeTime,
    TierNamed,
    Usd,
    Whole,
)


class KeySource(Section):
    """Where a key comes from; the key itself never stands in the settings."""

    env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$"), Shown("text")] | None = Field(
        default=None, description="Name of an environment variable."
    )
    credential: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$"), Shown("text")] | None = Field(
        default=None, description="Name of a systemd credential (LoadCredential=)."
    )
    secret: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$"), Shown("text")] | None = Field(
        default=None, description="Name of a systemd credential or else in the workshop's vault (koubou secret set)."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.env, self.credential, self.secret].count(None) != 2:
            raise ValueError("must name exactly one of env, credential, secret")
        return self


def _key_source(value: object) -> object:
    # Said before the model looks: a key that stands here in plain text gets a sentence of its own.
    if isinstance(value, str):
        raise ValueError(
            "must be {env: NAME}, {credential: NAME} or {secret: NAME}; a key never stands in the settings"
        )
    return value


def _key_sources(value: object) -> object:
    # One source is a list of one; each is looked at by itself, so that a mistake is told at its own place.
    return value if isinstance(value, list | tuple) else (value,)


Key = Annotated[KeySource, BeforeValidator(_key_source), Shown("key source")]
Keys = Annotated[
    tuple[Key, ...], Field(min_length=1, max_length=20), BeforeValidator(_key_sources), Shown("key source or a list")
]


class RateSettings(Section):
    """How fast the provider may be asked."""

    requests_per_minute: Positive | None = Field(default=None, description="Calls begun in a minute; null = no limit.")
    tokens_per_minute: Positive | None = Field(default=None, description="Tokens in a minute; null = no limit.")


class CrewSettings(Section):
    """How many worker processes a tier has."""

    min: Count = Field(default=0, description="Workers kept even when there is nothing to do.")
    max: Positive | None = Field(default=None, description="Workers at most; 2, or 1 for a local tier, when null.")


class RateStep(Section):
    """Other rates for the whole request once its input passes a number of tokens."""

    above: Positive = Field(description="Input tokens beyond which these rates hold for the whole request.")
    input: Usd = Field(description="USD per million input tokens.")
    output: Usd = Field(description="USD per million output tokens.")
    cached_input: Usd | None = Field(default=None, description="USD per million cached input tokens; null = as input.")
    cache_write: Usd | None = Field(
        default=None, description="USD per million tokens written to a cache; null = as input."
    )
    cache_write_1h: Usd | None = Field(
        default=None, description="USD per million tokens written to a cache for an hour; null = as cache_write."
    )


class PriceSettings(Section):
    """What the model costs, in USD per million tokens."""

    input: Usd = Field(description="USD per million input tokens.")
    output: Usd = Field(description="USD per million output tokens.")
    cached_input: Usd | None = Field(default=None, description="USD per million cached input tokens; null = as input.")
    cache_write: Usd | None = Field(
        default=None, description="USD per million tokens written to a cache; null = as input."
    )
    cache_write_1h: Usd | None = Field(
        default=None, description="USD per million tokens written to a cache for an hour; null = as cache_write."
    )
    steps: tuple[RateStep, ...] = Field(
        default=(),
        description="Rates of long requests: a list of {above: <tokens>, input, output, cached_input, …}.",
    )


def _none(word: object) -> object:
    """`off`, as it was called before; YAML reads a bare one as false."""
    return "none" if word is False or word == "off" else word


Sandbox = Annotated[Literal["required", "none"], BeforeValidator(_none)]
_FEWEST_MEMBERS, _MOST_MEMBERS = 2, 4
_WITHOUT_A_SERVER = ("rehearsal", "command:", "hybrid")


class TierSettings(Section):
    """A class of model: where it is, what it may cost, how many calls it bears at once."""

    reach: Literal["local", "cloud"] = Field(
        description="How far a task's text travels: local = this machine or a private network, cloud = further."
    )
    provider: Name | None = Field(
        default=None, description="Whose price list counts (openai, anthropic, …); null = found from base_url."
    )
    executor: Executor = Field(
        default="chat",
        description="Who does the work: chat (any OpenAI-compatible server), messages (Anthropic's API), "
        "command:<name> (of `commands`) or rehearsal (answers from a script); codex and claude, agents that work in a "
        "folder; hybrid, several of them side by side.",
    )
    base_url: BaseUrl | None = Field(
        default=None,
        description="Address of the server's API; not required of rehearsal, commands, hybrid and the embedded server. "
        "A command that has one makes its calls through the gateway.",
    )
    model: Name | None = Field(default=None, description="The model's name at the server; required where base_url is.")
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = Field(
        default=None, description="How long a reasoning model thinks; null = not sent."
    )
    api_key: Keys | None = Field(
        default=None,
        description="Where the key comes from; a cloud tier needs one. Of several the next serves where one is bad.",
    )
    context_tokens: Positive | None = Field(
        default=None,
        description="The model's window, input and output together; 128000, or 8192 for a local tier that is no agent, "
        "when null.",
    )
    max_output_tokens: Positive | None = Field(
        default=None,
        description="The longest answer asked for; 16000, 2048 for a local tier, or 32000 for an agent, when null.",
    )
    min_output_tokens: Positive | None = Field(
        default=None,
        description="A cap is never lowered below this to fit a budget; 1024, or 256 for a local tier, when null.",
    )
    temperature: Annotated[Number, Field(ge=0, le=2), Shown("number")] | None = Field(
        default=None, description="Sampling temperature; null = not sent."
    )
    top_p: Annotated[Number, Field(gt=0, le=1), Shown("number")] | None = Field(
        default=None, description="Nucleus sampling; null = not sent."
    )
    sandbox: Sandbox = Field(
        default="required",
        description="none = an agent or a command runs without a sandbox, sees what koubou sees, and gets nothing "
        "confidential.",
    )
    errors_are_billed: bool = Field(
        default=False, description="Whether the provider bills calls that it answers with an error."
    )
    timeout: SomeTime | None = Field(
        default=None, description="How long one call, or the whole run of an agent, may take; 5m, or 30m, when null."
    )
    slow_after: SomeTime | None = Field(
        default=None,
        description="An answer that took longer counts against its provider, as a failure does; four fifths of timeout "
        "when null (of a program: never).",
    )
    rate: RateSettings = Field(default=RateSettings(), description="How fast the provider may be asked.")
    retries: Annotated[Whole, Field(ge=0, le=100), Shown("count")] = Field(
        default=3, description="How often a call that failed for a passing reason is made again."
    )
    retry_delay: Duration = Field(
        default="30s", validate_default=True, description="The wait before the first retry; later ones wait longer."
    )
    workers: CrewSettings = Field(default=CrewSettings(), description="How many worker processes serve the tier.")
    concurrency: Annotated[Whole, Field(ge=1, le=1000), Shown("count from 1")] | None = Field(
        default=None,
        description="Calls, or runs of an agent, at once per worker; 16, or 2 for a local tier or an agent, when null.",
    )
    fallback: TierNamed | None = Field(default=None, description="The tier that is tried when this one cannot answer.")
    price: Annotated[Literal["auto"] | PriceSettings, Shown("auto or prices")] = Field(
        default="auto",
        description="auto = from `prices`, else from the price table, by provider and model; what has none is refused.",
    )
    server: Literal["embedded"] | None = Field(
        default=None,
        description="embedded = keep the built-in model server for this tier when base_url does not answer.",
    )
    script: AbsolutePath | None = Field(
        default=None, description="The script that the executor rehearsal answers from."
    )
    agent: TierAgentSettings = Field(
        default=TierAgentSettings(), description="How its agent is run, where that is not as `agents` says."
    )
    of: tuple[TierNamed, ...] = Field(
        default=(), max_length=_MOST_MEMBERS, description="For hybrid: the tiers whose agents work side by side."
    )
    join: Literal["first", "pick"] = Field(
        default="first",
        description="For hybrid: first = the first good answer counts, and the others are ended; pick = all are waited "
        "for, and `test` decides, or else a model of the first of them.",
    )
    test: tuple[Annotated[str, Field(min_length=1, max_length=4096), Shown("text")], ...] = Field(
        default=(),
        max_length=200,
        description="For hybrid with join: pick: a program and its words, run in what each has left; 0 = good.",
    )
    trusted_host: bool = Field(
        default=False,
        description="The operator vouches that the host is as safe as reach says, though its address does not show it.",
    )

    @model_validator(mode="before")
    @classmethod
    def _as_far_as_its_members(cls, values: Any) -> Any:
        """What is not said of a hybrid's reach is taken for the wider one, until its members are known."""
        if isinstance(values, Mapping) and values.get("executor") == "hybrid":
            return {"reach": "cloud", **values}
        return values

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.executor.startswith(_WITHOUT_A_SERVER) and self.server is None:
            for name in ("base_url", "model"):
                if getattr(self, name) is None:
                    raise ValueError(
                        f"needs {name} (only rehearsal, a command, a hybrid and the embedded server do without)"
                    )
        if (self.executor == "hybrid") != bool(self.of):
            raise ValueError("needs executor: hybrid and the tiers that it is `of` together")
        if self.executor == "hybrid" and len(set(self.of)) < _FEWEST_MEMBERS:
            raise ValueError("must be of two different tiers or more")
        if self.test and self.join != "pick":
            raise ValueError("has a test, which decides only with join: pick")
        if self.server == "embedded" and (self.reach != "local" or self.executor != "chat"):
            raise ValueError("can have server: embedded only with reach: local and executor: chat")
        if self.workers.max is not None and self.workers.min > self.workers.max:
            raise ValueError("has workers.min above workers.max")
        return self
