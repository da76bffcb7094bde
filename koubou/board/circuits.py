"""The page of circuits: how the providers' models have served lately; what is not there serves well."""

from __future__ import annotations

import sqlite3

from koubou.board.sql import statements
from koubou.model.circuit import Circuit, CircuitState

SQL = statements("circuits")
_FIELDS = tuple(Circuit.__struct_fields__)


class Circuits:
    """Few rows: one for each model that has had a fault, or asked for silence."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._execute = connection.execute

    def all(self) -> dict[str, Circuit]:
        """All that are known, by name."""
        rows = self._execute(SQL["all"]).fetchall()
        return {row["name"]: _circuit(row) for row in rows}

    def put(self, circuit: Circuit) -> None:
        """Note how it stands now."""
        self._execute(SQL["put"], {name: getattr(circuit, name) for name in _FIELDS})

    def forget(self, name: str) -> bool:
        """Take it as serving well again; False when it was not known."""
        return self._execute(SQL["forget"], {"name": name}).rowcount == 1


def _circuit(row: sqlite3.Row) -> Circuit:
    return Circuit(**{name: row[name] for name in _FIELDS} | {"state": CircuitState(row["state"])})
