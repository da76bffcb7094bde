"""The one table of who may do what."""

import pytest

from koubou.model.access import Access, Caller, Role, Scope
from koubou.rules.access import OF_THE_HOUSE, VERBS, may_only, reach_of, reaches, role_of, scope_of, sees_text

KIM, LEE, STAFF, TEAM = 1001, 1002, 50, 60


def a_caller(role: Role, uid: int = KIM, *, house: bool = False) -> Caller:
    return Caller(actor="kim", role=role, uid=uid, source="socket", house=house)


def test_a_verb_that_is_not_in_the_table_is_nobodys() -> None:
    assert {scope_of("format_disk", role) for role in Role} == {Scope.NONE}
    assert may_only("format_disk") == "only the workshop's own user may do this"


def test_no_role_above_a_submitter_can_do_less_than_the_one_below() -> None:
    order = [Scope.NONE, Scope.OWN, Scope.ALL]
    for verb, (_, *scopes) in VERBS.items():
        assert scopes == sorted(scopes, key=order.index), verb


def test_a_viewer_changes_nothing() -> None:
    changes = {verb for verb in VERBS if scope_of(verb, Role.VIEWER) is not Scope.NONE}
    assert changes == {
        *("ping", "me", "state", "status", "tiers", "workers", "budget", "reports", "metrics"),
        *("list", "show", "standing", "explain", "events", "read"),
    }


def test_one_who_may_do_it_to_his_own_tasks_cannot_do_it_to_anothers() -> None:
    assert reaches(a_caller(Role.SUBMITTER), "cancel", KIM)
    assert not reaches(a_caller(Role.SUBMITTER), "cancel", LEE)
    assert reaches(a_caller(Role.OPERATOR), "cancel", LEE)
    assert not reaches(a_caller(Role.VIEWER), "cancel", KIM)


def test_what_is_confidential_stays_with_its_submitter_and_the_operator() -> None:
    assert sees_text(a_caller(Role.VIEWER), LEE, confidential=False)
    assert not sees_text(a_caller(Role.VIEWER), LEE, confidential=True)
    assert not sees_text(a_caller(Role.VIEWER), KIM, confidential=True)
    assert sees_text(a_caller(Role.SUBMITTER), KIM, confidential=True)
    assert not sees_text(a_caller(Role.SUBMITTER), LEE, confidential=False)
    assert sees_text(a_caller(Role.OPERATOR), LEE, confidential=True)


def test_a_guardian_by_the_settings_is_not_the_house() -> None:
    for verb in OF_THE_HOUSE:
        assert reach_of(a_caller(Role.GUARDIAN), verb) is Scope.NONE
        assert reach_of(a_caller(Role.GUARDIAN, house=True), verb) is Scope.ALL


@pytest.mark.parametrize(
    ("uid", "groups", "house", "role"),
    [
        (KIM, {STAFF}, False, Role.VIEWER),  # named himself: his groups make him no more
        (LEE, {STAFF}, False, Role.OPERATOR),
        (LEE, {STAFF, TEAM}, False, Role.GUARDIAN),
        (LEE, set(), False, Role.SUBMITTER),
        (KIM, set(), True, Role.GUARDIAN),
    ],
)
def test_who_one_is_tells_what_one_may(uid: int, groups: set[int], house: bool, role: Role) -> None:
    access = Access(user_roles={KIM: Role.VIEWER}, group_roles={STAFF: Role.OPERATOR, TEAM: Role.GUARDIAN})
    assert role_of(uid, groups, access, house=house) is role


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("pause", "only an operator or a guardian may pause the workshop"),
        ("budget_set", "only a guardian may set a limit"),
        ("cancel", "only a submitter, an operator or a guardian may cancel a task"),
        ("budget", "only a viewer, an operator or a guardian may see how the accounts stand"),
        ("token_used", "only the workshop's own user may do this"),
    ],
)
def test_a_refusal_says_who_may(verb: str, told: str) -> None:
    assert may_only(verb) == told
