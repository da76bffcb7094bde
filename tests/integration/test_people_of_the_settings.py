"""Roles and bounds as the settings name them: users and groups of this machine, each once, and with nearest names."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest
from settings_files import Shelf

from koubou.config.people import access_of
from koubou.model.access import Role
from koubou.model.task import Bounds, TaskBudget

ROOT, ROOTS = pwd.getpwuid(0).pw_name, grp.getgrgid(0).gr_name


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_names_become_the_numbers_that_the_kernel_speaks_of(shelf: Shelf) -> None:
    shelf.write(
        f"security: {{roles: {{viewer: [1007, '@{ROOTS}'], guardian: [{ROOT}]}},\n"
        "  bounds: {'1007': {tiers: [local], priority: high, budget: {cost_usd: 0.5, time: 1m}},\n"
        "           '@7': {executors: [chat, codex]}, '*': {priority: 3}}}\n"
    )
    access = access_of(shelf.load().security)
    assert access.user_roles == {1007: Role.VIEWER, 0: Role.GUARDIAN}
    assert access.group_roles == {0: Role.VIEWER}
    budget = TaskBudget(cost=500_000_000, time=60_000)
    assert access.user_bounds == {1007: Bounds(tiers=("local",), priority=7, budget=budget)}
    assert access.group_bounds == {7: Bounds(executors=("chat", "codex"))}
    assert access.other_bounds == Bounds(priority=3)
    assert access.house == {0, os.geteuid()}


def test_without_a_word_nobody_is_anything_but_a_submitter(shelf: Shelf) -> None:
    shelf.write("home: /tmp/none\n")
    access = access_of(shelf.load().security)
    assert not access.user_roles
    assert access.other_bounds == Bounds()


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("roles: {operator: [roto]}", "security.roles.operator[0]", ROOT),
        ("roles: {operator: ['@roto']}", "security.roles.operator[0]", f"@{ROOTS}"),
        ("roles: {operater: [root]}", "security.roles.operater", "operator"),
        ("roles: {operator: ['*']}", "security.roles.operator[0]", None),
        ("roles: {operator: [r\u043e\u043et]}", "security.roles.operator[0]", None),
        ("roles: {operator: [true]}", "security.roles.operator[0]", None),
        ("roles: {operator: ['@']}", "security.roles.operator[0]", None),
        ("roles: {operator: [root, root]}", "security.roles.operator[1]", None),
        ("roles: {operator: [root], viewer: [0]}", "security.roles.operator[0]", None),
        ("bounds: {root: {tiers: [lokal]}}", "security.bounds.root.tiers[0]", "local"),
        ("bounds: {root: {executors: [shell]}}", "security.bounds.root.executors[0]", None),
        ("bounds: {root: {priority: 11}}", "security.bounds.root.priority", None),
        ("bounds: {root: {priority: hihg}}", "security.bounds.root.priority", None),
        ("bounds: {root: {budget: {cost: 1}}}", "security.bounds.root.budget.cost", "cost_usd"),
        ("bounds: {root: {budget: {cost_usd: -1}}}", "security.bounds.root.budget.cost_usd", None),
        ("bounds: {root: {}, '0': {}}", "security.bounds", None),
        ("bounds: {'everybody else': {}}", "security.bounds", None),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_the_nearest_word(
    shelf: Shelf, text: str, key: str, nearest: str | None
) -> None:
    shelf.write(f"security: {{{text}}}\n")
    (problem,) = shelf.problems()
    assert (problem.key or "").startswith(key), problem
    assert problem.nearest == nearest
