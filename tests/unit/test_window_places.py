"""Places of which there are so many, and of which nobody takes more than a quarter."""

from __future__ import annotations

from koubou.window.places import Places


def test_nobody_takes_more_than_a_quarter_and_what_is_given_back_is_free_again() -> None:
    places = Places(8)
    assert [places.take("one") for _ in range(3)] == [True, True, False]
    assert places.take("another")
    places.leave("one")
    assert places.take("one")


def test_all_together_take_no_more_than_there_are() -> None:
    places = Places(8)
    assert all(places.take(name) for name in "aabbccdd")
    assert not places.take("e")


def test_where_there_are_few_everybody_may_have_one() -> None:
    assert Places(1).take("one")


def test_a_larger_number_is_taken_whole_or_not_at_all() -> None:
    places = Places(400)
    assert places.take("one", 60)
    assert not places.take("one", 60)
    assert places.take("one", 40)
