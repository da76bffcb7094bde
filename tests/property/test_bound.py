"""A bill is never above what was held for it, whatever the price, the text and the provider that honours the cap."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from hypothesis import example, given
from hypothesis import strategies as some

from koubou.model.account import Account, Amounts
from koubou.model.call import Bill, Usage
from koubou.model.decision import Admitted, Breach, Refused
from koubou.model.money import Price, Rates
from koubou.model.task import Attachment, Message, TaskRequest
from koubou.rules.admit import ask_accounts
from koubou.rules.bound import affordable_cap, bound, input_bound
from koubou.rules.price import cost
from koubou.rules.request_body import chat_body, conversation, conversation_bytes, conversation_growth
from koubou.rules.settle import settlement
from tests.builders import a_bearer, a_tier, an_account

RATE = some.integers(0, 50_000_000_000) | some.sampled_from([0, 1, 125_000_000])
RATES = some.builds(Rates, input=RATE, output=RATE, cached_input=RATE, cache_write=RATE, cache_write_1h=RATE)
STEPS = some.lists(some.tuples(some.integers(0, 3_000), RATES), max_size=3, unique_by=lambda step: step[0])
PRICES = some.builds(Price, base=RATES, steps=STEPS.map(lambda steps: tuple(sorted(steps, key=lambda s: s[0]))))
TOKENS = some.integers(0, 4_000)

# Everything a file or a model can bring: other planes, controls that JSON writes as six bytes, halves of pairs.
TEXTS = some.text(max_size=40) | some.text(alphabet='\x00\x1f"\\{} .\ud800é日🏮', max_size=20)
MESSAGES = some.builds(Message, role=some.sampled_from(["system", "user", "assistant"]), content=TEXTS)
FILES = some.builds(Attachment, name=TEXTS, content=TEXTS)
NAMES = ("plan", "b")
PLACES = some.sampled_from([f"{{{{ inputs.{name} }}}}" for name in NAMES] + ["{{inputs.b}}", "{{", "}}", "{{ b }}"])
TEMPLATES = some.lists(TEXTS | PLACES, max_size=4).map("".join)


@some.composite
def usages(draw: some.DrawFn, most_input: int, cap: int) -> Usage:
    """What a provider can report that honours the cap: cached and written tokens are part of the input."""
    read = draw(some.just(most_input) | some.integers(0, most_input))
    cached = draw(some.integers(0, read))
    written = draw(some.integers(0, read - cached))
    output = draw(some.integers(0, cap))
    return Usage(
        input_tokens=read,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=draw(some.integers(0, written)),
        reasoning_tokens=draw(some.integers(0, output)),
    )


@given(PRICES, TOKENS, some.data())
def test_no_bill_is_above_its_hold(price: Price, cap: int, data: some.DataObject) -> None:
    """Also where a request stands exactly at the edge of a step."""
    edges = [threshold + beside for threshold, _ in price.steps for beside in (0, 1)]
    most_input = data.draw(some.sampled_from(edges) | TOKENS if edges else TOKENS)
    hold = bound(price, most_input, cap)
    usage = data.draw(usages(most_input, cap))
    assert cost(usage, price) == exact_bill(usage, price) <= hold
    outcome = settlement(bill=Bill.REPORTED, usage=usage, price=price, hold=hold)
    assert outcome.amount <= hold
    assert not outcome.above_hold


def exact_bill(usage: Usage, price: Price) -> int:
    """What a provider charges, in fractions and rounded up once; our own sum, to hold the product's against."""
    rates = max([(-1, price.base), *price.steps], key=lambda step: (step[0] < usage.input_tokens, step[0]))[1]
    plain = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    kinds = ((plain, rates.input), (usage.cached_input_tokens, rates.cached_input))
    hour = usage.cache_write_1h_tokens
    more = (
        (usage.cache_write_tokens - hour, rates.cache_write),
        (hour, rates.cache_write_1h),
        (usage.output_tokens, rates.output),
    )
    return ceil(sum(Fraction(count * rate, 1_000_000) for count, rate in (*kinds, *more)))


@given(PRICES)
def test_a_step_begins_just_above_its_edge(price: Price) -> None:
    for edge, _ in price.steps:
        for read in (edge, edge + 1):
            usage = Usage(input_tokens=read, output_tokens=1_000)
            assert cost(usage, price) == exact_bill(usage, price)


@given(PRICES, TOKENS, TOKENS, some.integers(0, 500), some.integers(0, 500))
def test_a_larger_request_never_needs_less(price: Price, read: int, cap: int, more: int, longer: int) -> None:
    assert bound(price, read, cap) <= bound(price, read + more, cap + longer)


@given(PRICES, TOKENS, some.integers(0, 10**12))
def test_an_affordable_cap_is_the_largest_that_fits(price: Price, read: int, amount: int) -> None:
    match affordable_cap(price, read, amount):
        case None:
            assert bound(price, read, 0) == bound(price, read, 10**9) <= amount
        case -1:
            assert bound(price, read, 0) > amount
        case cap:
            assert bound(price, read, cap) <= amount < bound(price, read, cap + 1)


AMOUNTS = some.integers(0, 10**9)
ACCOUNTS = some.lists(
    some.builds(
        an_account,
        settled=AMOUNTS,
        held=AMOUNTS,
        ceiling=AMOUNTS | some.none(),
        name=some.sampled_from(["month:2027-01", "task:a"]),
        reopens=some.none() | some.integers(1, 10**13),
    ),
    max_size=2,
    unique_by=lambda account: account.name,
)


@given(
    PRICES, TOKENS, some.none() | some.integers(1, 4_000), some.integers(1, 4_000), some.integers(1, 4_000), ACCOUNTS
)
def test_what_is_admitted_fits_every_account(
    price: Price, read: int, asked: int | None, most: int, least: int, accounts: list[Account]
) -> None:
    tier = a_tier(max_output_tokens=most, min_output_tokens=least)
    decision = ask_accounts(
        tier=tier, price=price, input_tokens=read, asked_cap=asked, accounts=list(map(a_bearer, accounts))
    )
    wanted = min(asked or most, most)
    floor = bound(price, read, min(least, wanted))
    match decision:
        case Admitted(hold=Amounts(usd=hold), cap=cap):
            assert all(account.left is None or hold <= account.left for account in accounts)
            assert min(least, wanted) <= cap <= wanted
            assert hold == bound(price, read, cap)
        case Breach(account=(name, _), need=need, least=at_least, park=park):
            (account,) = [account for account in accounts if account.name == name]
            assert account.left is not None
            assert need > account.left
            assert at_least == floor <= need
            assert park.detail
            if park.until is not None:  # money that is only held never parks a task until the window reopens
                assert any(other.ceiling is not None and other.settled + need > other.ceiling for other in accounts)
        case Refused(reason=reason, remedy=remedy):
            assert any(account.limit is not None and floor > account.limit for account in accounts)
            assert reason
            assert remedy


REQUESTS = some.builds(
    TaskRequest,
    prompt=some.builds(operator.mul, TEXTS, some.integers(1, 100)),
    messages=some.lists(MESSAGES, max_size=3),
    system=some.none() | TEXTS,
    attachments=some.lists(FILES, max_size=2),
    response_format=some.none() | some.dictionaries(TEXTS, TEXTS, max_size=2),
)


@given(REQUESTS)
@example(TaskRequest(prompt="工房" * 200))
@example(TaskRequest(prompt="\x00" * 50))
def test_the_input_bound_covers_every_byte_that_is_sent(request: TaskRequest) -> None:
    messages = conversation(request, {})
    least = input_bound(conversation_bytes(messages, request.response_format), len(messages))
    body = chat_body(a_tier(), request, messages, 100)
    read = sum(_bytes(message["role"]) + _bytes(message["content"]) for message in body["messages"])
    if request.response_format:
        # However a provider shows the schema to its model, it has no more than our bytes to show.
        read += _bytes(json.dumps(request.response_format, ensure_ascii=False, separators=(",", ":")))
    # OpenAI counts three or four tokens for the frame of a message and three for the answer's opening.
    assert read + 4 * len(messages) + 3 <= least


@given(
    some.builds(
        TaskRequest,
        prompt=TEMPLATES,
        messages=some.lists(some.builds(Message, role=some.just("user"), content=TEMPLATES), max_size=2),
        system=some.none() | TEMPLATES,
        attachments=some.lists(some.builds(Attachment, name=TEMPLATES, content=TEMPLATES), max_size=2),
    ),
    some.fixed_dictionaries(dict.fromkeys(NAMES, TEXTS | PLACES)),
)
@example(TaskRequest(attachments=(Attachment(name="{{ inputs.b }}", content=""),)), {"plan": "", "b": "a long answer"})
def test_answers_of_other_tasks_lengthen_a_conversation_by_no_more_than_was_held_for(
    request: TaskRequest, answers: Mapping[str, str]
) -> None:
    plain = conversation_bytes(conversation(request, {}), None)
    # As the worker measures an answer that it leaves in its record.
    lengths = {name: _bytes(json.dumps(text, ensure_ascii=False)) for name, text in answers.items()}
    growth = conversation_growth(request, lengths)
    assert conversation_bytes(conversation(request, answers), None) <= plain + growth


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
