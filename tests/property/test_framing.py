"""What is said on the wire arrives, however the bytes are cut, and what is no message is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koubou.errors import ProtocolError
from koubou.model.call import Bill, CallError, CallResult, ErrorClass, Usage
from koubou.model.gate import Denied
from koubou.model.money import Price, Rates
from koubou.model.tier import Reach, Tier
from koubou.wire.framing import FROM_WORKER, LIMIT, TO_WORKER, Decoder, encode
from koubou.wire.messages import VERSION, Assign, Beat, CallDenied, CallDone, Finished, Hello, Started, Welcome
from koubou.wire.record import Record, decode_record, encode_record

EVERYTHING = (*FROM_WORKER, *TO_WORKER)
TEXT = st.text(max_size=30)
COUNT = st.integers(0, 2**62)
JSON = st.recursive(
    st.none() | st.booleans() | COUNT | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
RATES = st.builds(Rates, input=COUNT, output=COUNT, cached_input=COUNT, cache_write=COUNT, cache_write_1h=COUNT)
PRICES = st.builds(Price, base=RATES, steps=st.lists(st.tuples(COUNT, RATES), max_size=2).map(tuple), source=TEXT)
RESULTS = st.builds(
    CallResult,
    usage=st.none() | st.builds(Usage),
    error=st.none() | st.builds(CallError, kind=st.sampled_from(ErrorClass)),
    bill=st.sampled_from(Bill),
)
TIERS = st.builds(Tier, reach=st.sampled_from(Reach), price=st.none() | PRICES, temperature=st.none() | st.floats(0, 2))
ASSIGNS = st.builds(Assign, body=st.dictionaries(TEXT, JSON, max_size=4))
WELCOMES = st.builds(Welcome, version=st.just(VERSION), tier=TIERS)
HELLOS = st.builds(Hello, version=st.just(VERSION))
DENIALS = st.builds(Denied, facts=st.dictionaries(TEXT, TEXT, max_size=3))
SPECIAL = {
    Assign: ASSIGNS,
    Welcome: WELCOMES,
    Hello: HELLOS,
    Finished: st.builds(Finished, result=RESULTS),
    CallDone: st.builds(CallDone, result=RESULTS),
    CallDenied: st.builds(CallDenied, denied=DENIALS),
}
MESSAGES = st.one_of(*(SPECIAL.get(cls, st.builds(cls)) for cls in EVERYTHING))


@given(st.lists(MESSAGES, max_size=6), st.lists(st.integers(0, 200), max_size=30))
def test_messages_arrive_as_they_were_said_however_they_are_cut(said: list[Any], cuts: list[int]) -> None:
    stream = b"".join(encode(message) for message in said)
    decoder = Decoder(EVERYTHING)
    heard = []
    for cut in cuts:
        piece, stream = stream[:cut], stream[cut:]
        heard += decoder.feed(piece)
    heard += decoder.feed(stream)
    decoder.end()
    assert heard == said
    assert [type(message) for message in heard] == [type(message) for message in said]


@given(st.lists(MESSAGES, min_size=1, max_size=3), st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=20))
def test_damage_gives_a_protocol_error_and_nothing_else(said: list[Any], damage: bytes, cuts: list[int]) -> None:
    stream = b"".join(encode(message) for message in said) + damage
    decoder = Decoder(EVERYTHING)
    heard = []
    try:
        for cut in cuts:
            piece, stream = stream[:cut], stream[cut:]
            heard += decoder.feed(piece)
        heard += decoder.feed(stream)
        decoder.end()
    except ProtocolError:
        pass
    assert heard[: len(said)] == said[: len(heard)]


@given(RESULTS, st.text(alphabet=st.characters(), max_size=50))
def test_a_record_is_read_as_it_was_left(result: CallResult, answer: str) -> None:
    record = Record(result=result, answer=answer)
    assert decode_record(encode_record(record)) == record


@given(RESULTS, st.integers(0, 400))
def test_a_torn_record_is_no_record(result: CallResult, length: int) -> None:
    whole = encode_record(Record(result=result, answer="all of it"))
    torn = whole[: min(length, len(whole) - 2)]
    with pytest.raises(ProtocolError):
        decode_record(torn)


def frame(value: object) -> bytes:
    payload = json.dumps(value).encode()
    return len(payload).to_bytes(4, "big") + payload


@pytest.mark.parametrize(
    "value",
    [
        {"type": "Bet", "running": 1},
        {"type": "Assign"},  # known, but not from this side
        {"type": ["Beat"], "running": 1},
        {"running": 1},
        {"type": "Beat"},
        {"type": "Beat", "running": "1"},
        {"type": "Beat", "running": True},
        {"type": "Beat", "running": None},
        {"type": "Beat", "running": 1.0},
        {"type": "Beat", "running": 1, "\ud800": 2},
        {"type": "Finished", "result": {}},
        ["Beat"],
        "Beat",
        None,
    ],
)
def test_what_is_no_message_from_this_side_is_refused(value: object) -> None:
    with pytest.raises(ProtocolError):
        Decoder(FROM_WORKER).feed(frame(value))


def test_a_word_that_no_enum_has_is_refused_with_its_place() -> None:
    result = {"task": "t", "run": 1, "call": "c", "bill": "free", "started_at": 0, "finished_at": 0}
    with pytest.raises(ProtocolError, match=r"Finished: Unknown word - at `\$\.result\.bill`"):
        Decoder(FROM_WORKER).feed(frame({"type": "Finished", "result": result}))


def test_fields_of_a_newer_minor_version_are_passed_over() -> None:
    assert Decoder(FROM_WORKER).feed(frame({"type": "Beat", "running": 2, "load": 0.5})) == [Beat(running=2)]


def test_another_version_is_refused_with_what_to_do_before_its_fields_are_looked_at() -> None:
    with pytest.raises(ProtocolError, match=r"version 999 .* stop the workshop and start it again"):
        Decoder(FROM_WORKER).feed(frame({"type": "Hello", "version": 999, "crew": "new"}))
    with pytest.raises(ProtocolError, match="version"):
        Decoder(TO_WORKER).feed(frame({"type": "Welcome", "version": "2"}))


def test_what_came_whole_before_damage_is_heard_first() -> None:
    decoder = Decoder(FROM_WORKER)
    started = Started(task="t", run=1)
    assert decoder.feed(encode(started) + b"\xff\xff\xff\xff") == [started]
    with pytest.raises(ProtocolError, match="announced"):
        decoder.feed(b"")


def test_an_end_in_the_middle_of_a_message_is_told() -> None:
    decoder = Decoder(FROM_WORKER)
    decoder.feed(encode(Beat(running=0))[:-1])
    with pytest.raises(ProtocolError, match="middle"):
        decoder.end()


def test_a_message_too_long_for_the_wire_is_not_sent() -> None:
    assign = Assign(task="t", run=1, call="c", folder="/", body={"messages": "x" * LIMIT}, timeout=1)
    with pytest.raises(ProtocolError, match="the wire takes"):
        encode(assign)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_cannot_say_is_refused_without_being_quoted(value: object) -> None:
    with pytest.raises(ProtocolError, match="Assign holds what JSON cannot say"):
        encode(Assign(task="t", run=1, call="c", folder="/", body={"x": value}, timeout=1))


def test_no_message_has_a_field_that_hides_its_type() -> None:
    for cls in EVERYTHING:
        assert "type" not in cls.__struct_fields__


def test_a_welcome_does_not_show_its_key() -> None:
    tier = Tier(
        name="t",
        reach=Reach.LOCAL,
        provider="p",
        executor="chat",
        base_url="http://127.0.0.1/v1",
        model="m",
        price=None,
        context_tokens=1,
        max_output_tokens=1,
        min_output_tokens=1,
        timeout=1,
        retry_delay=1,
        workers_max=1,
        concurrency=1,
    )
    welcome = Welcome(version=VERSION, tier=tier, api_keys=("sk-secret",), beat_every=1, orphan_grace=1)
    assert "sk-secret" not in repr(welcome)
