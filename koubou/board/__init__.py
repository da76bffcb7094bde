"""伝言板, the one durable place where everybody leaves word; the only room that speaks SQL."""

from koubou.board.board import Board
from koubou.board.connection import open_for_reading, open_for_writing, open_in_memory

__all__ = ["Board", "open_for_reading", "open_for_writing", "open_in_memory"]
