"""Several keys of one tier: the first that is not resting serves."""

from __future__ import annotations

from koubou.providers.keyring import Keyring

MINUTE = 60.0


def test_the_first_key_serves_while_nobody_refuses_it() -> None:
    keys = Keyring(3)
    assert [keys.turn(now) for now in (0.0, 1.0, 1e6)] == [0, 0, 0]


def test_a_key_that_was_refused_rests_and_the_next_serves_until_it_may_again() -> None:
    keys = Keyring(3)
    keys.refused(0, 10.0)
    assert keys.turn(10.0) == 1
    keys.refused(1, 11.0)
    assert keys.turn(12.0) == 2
    assert keys.turn(10.0 + 5 * MINUTE) == 0


def test_a_key_that_is_refused_again_and_again_is_tried_ever_less_up_to_an_hour() -> None:
    keys, now, rests = Keyring(2), 0.0, []
    for _ in range(6):
        keys.refused(0, now)
        began = now
        while keys.turn(now) == 1:
            now += MINUTE
        rests.append((now - began) / MINUTE)
    assert rests == [5, 10, 20, 40, 60, 60]


def test_calls_that_were_refused_together_count_as_one_refusal() -> None:
    keys = Keyring(2)
    for _ in range(16):
        keys.refused(0, 0.0)
    assert keys.turn(5 * MINUTE) == 0


def test_when_all_rest_the_one_whose_rest_ends_first_is_asked() -> None:
    keys = Keyring(2)
    keys.refused(0, 0.0)
    keys.refused(1, 1.0)
    assert keys.turn(2.0) == 0
    only = Keyring(1)
    only.refused(0, 0.0)
    assert only.turn(1.0) == 0


def test_an_answer_makes_a_key_good_again_but_not_one_that_was_asked_for_before_the_refusal() -> None:
    keys = Keyring(2)
    keys.refused(0, 10.0)
    keys.served(0, began=5.0)
    assert keys.turn(11.0) == 1
    keys.served(0, began=12.0)
    assert keys.turn(13.0) == 0
