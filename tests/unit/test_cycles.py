"""Tasks that would wait for one another."""

from koubou.rules.cycles import in_a_circle


def test_a_chain_and_a_diamond_are_no_circle() -> None:
    assert in_a_circle([("a", "b"), ("b", "c"), ("a", "c"), ("d", "a")]) is None
    assert in_a_circle([]) is None


def test_a_circle_is_named_by_one_of_its_tasks() -> None:
    assert in_a_circle([("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "y")]) in {"a", "b", "c", "x"}
    assert in_a_circle([("a", "a")]) == "a"


def test_many_edges_take_no_time_to_speak_of() -> None:
    edges = [(str(task), str(needed)) for task in range(2_000) for needed in range(max(0, task - 50), task)]
    assert in_a_circle(edges) is None
    assert in_a_circle([*edges, ("0", "1999")]) is not None
