"""Who may do what: the one table of verbs and roles, for the control socket, the folder and the window alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from koubou.model.access import Access, Caller, Role, Scope

_NONE, _OWN, _ALL = Scope.NONE, Scope.OWN, Scope.ALL
_EVERYBODY = (_ALL, _ALL, _ALL, _ALL)
_SEE = (_ALL, _OWN, _ALL, _ALL)
_SEE_ALL = (_ALL, _NONE, _ALL, _ALL)
_OWN_ONLY = (_NONE, _OWN, _OWN, _OWN)
_SUBMITTERS = (_NONE, _OWN, _ALL, _ALL)
_OPERATORS = (_NONE, _NONE, _ALL, _ALL)
_GUARDIANS = (_NONE, _NONE, _NONE, _ALL)

_TABLE: Mapping[str, tuple[tuple[Scope, Scope, Scope, Scope], str]] = {
    "ping": (_EVERYBODY, "ask whether the workshop is open"),
    "me": (_EVERYBODY, "ask what he may do"),
    "state": (_EVERYBODY, "see how the workshop stands now"),
    "status": (_EVERYBODY, "see how many tasks stand where"),
    "tiers": (_EVERYBODY, "see the tiers"),
    "workers": (_EVERYBODY, "see the workers"),
    "budget": (_SEE_ALL, "see how the accounts stand"),
    "reports": (_SEE_ALL, "see what was spent on what"),
    "metrics": (_SEE_ALL, "read the metrics"),
    "list": (_SEE, "list tasks"),
    "show": (_SEE, "see how a task stands, and its history"),
    "standing": (_SEE, "ask how tasks stand"),
    "explain": (_SEE, "see why a task is where it is"),
    "events": (_SEE, "follow what happens to tasks"),
    "read": (_SEE, "read what a task says and its answer"),
    "read_confidential": (_SUBMITTERS, "read those of a confidential task"),
    "submit": (_OWN_ONLY, "submit a task"),
    "estimate": (_SUBMITTERS, "have the cost of a task estimated"),
    "cancel": (_SUBMITTERS, "cancel a task"),
    "retry": (_SUBMITTERS, "have a task tried again"),
    "finish": (_SUBMITTERS, "take what has come of an answer"),
    "rate": (_SUBMITTERS, "rate an answer"),
    "priority": (_SUBMITTERS, "change the priority of a task"),
    "purge": (_SUBMITTERS, "purge an ended task"),
    "pause": (_OPERATORS, "pause the workshop"),
    "resume": (_OPERATORS, "resume the workshop"),
    "drain": (_OPERATORS, "have the workshop drained"),
    "reload": (_OPERATORS, "have the settings and keys read anew"),
    "gc": (_OPERATORS, "have removed what has been kept long enough"),
    "latch": (_GUARDIANS, "stop the workshop"),
    "resume_budget": (_GUARDIANS, "end an emergency stop"),
    "budget_set": (_GUARDIANS, "set a limit"),
    "budget_add": (_GUARDIANS, "add to a budget"),
    "budget_reset": (_GUARDIANS, "begin a new accounting period"),
    "reconcile": (_GUARDIANS, "reconcile the ledger"),
    "release": (_GUARDIANS, "lower how secret a task is"),
    "token_add": (_GUARDIANS, "make a token"),
    "token_list": (_GUARDIANS, "list the tokens"),
    "token_rm": (_GUARDIANS, "revoke a token"),
    "audit": (_GUARDIANS, "list and verify the history"),
    "token_used": (_GUARDIANS, "note the use of a token"),
    "refused": (_GUARDIANS, "note that somebody was refused"),
    "speak": (_GUARDIANS, "speak for others"),
}
VERBS: Mapping[str, tuple[Scope, Scope, Scope, Scope]] = {verb: scopes for verb, (scopes, _) in _TABLE.items()}
"""For each verb how far a viewer, a submitter, an operator and a guardian reach with it."""

OF_THE_HOUSE = frozenset({"token_used", "refused", "speak"})
"""Verbs of the workshop's own programs: a guardian by the settings has no part in them."""


def scope_of(verb: str, role: Role) -> Scope:
    """How far a role reaches with a verb; not at all with one that is not in the table."""
    scopes = VERBS.get(verb)
    return Scope.NONE if scopes is None else scopes[role.rank]


def reach_of(caller: Caller, verb: str) -> Scope:
    """How far somebody reaches with a verb."""
    if verb in OF_THE_HOUSE and not caller.house:
        return Scope.NONE
    return scope_of(verb, caller.role)


def reaches(caller: Caller, verb: str, owner: int) -> bool:
    """Whether somebody may do it to a task of this owner."""
    match reach_of(caller, verb):
        case Scope.ALL:
            return True
        case Scope.OWN:
            return caller.uid == owner
    return False


def sees_text(caller: Caller, owner: int, *, confidential: bool) -> bool:
    """Whether somebody may see what a task of this owner says: its title, its text, its answer."""
    return reaches(caller, "read_confidential" if confidential else "read", owner)


def may_only(verb: str) -> str:
    """Who may do it, as a refusal says: "only an operator or a guardian may pause the workshop"."""
    able = [
        f"{'an' if role is Role.OPERATOR else 'a'} {role}" for role in Role if scope_of(verb, role) is not Scope.NONE
    ]
    if not able or verb in OF_THE_HOUSE:
        return "only the workshop's own user may do this"
    *others, last = able
    whoever = f"{', '.join(others)} or {last}" if others else last
    return f"only {whoever} may {words_of(verb)}"


def words_of(verb: str) -> str:
    """What a verb does, as it follows on "may"."""
    return _TABLE[verb][1] if verb in _TABLE else "do this"


def role_of(uid: int, groups: Collection[int], access: Access, *, house: bool) -> Role:
    """What somebody is: as he is named himself, else the strongest of his groups, else a submitter.

    Root and the workshop's own user (`house`) are guardians, whatever the settings say.
    """
    if house:
        return Role.GUARDIAN
    if uid in access.user_roles:
        return access.user_roles[uid]
    by_group = [role for group, role in access.group_roles.items() if group in groups]
    return max(by_group, key=lambda role: role.rank, default=Role.SUBMITTER)
