"""Which rows make which tasks, by the options of the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from koubou.cli.rows.drafting import Plan
from koubou.errors import UsageMistake

if TYPE_CHECKING:
    from koubou.views.wishes import Wishes


def plan_of(arguments: argparse.Namespace, wishes: Wishes) -> Plan:
    """The plan that --from, --template and --id-column say. Raises UsageMistake."""
    if arguments.template is None:
        raise UsageMistake("--from needs a --template: a task file with {{ row.COLUMN }} in its texts")
    if "id" in wishes.keys:
        raise UsageMistake("--id would give all rows one id: use --id-column, or id: in the template")
    return Plan(rows=arguments.rows, template=arguments.template, id_column=arguments.id_column, wishes=wishes)
