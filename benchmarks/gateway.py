"""What the gateway adds to a call: latency and calls a second, over a bare provider, at several calls at once.

    python benchmarks/gateway.py [--calls N] [--bytes N]

The gateway runs in a process of its own, as in a worker, and so does the provider. Each call is held for and settled on
a board on disk, several in one transaction as in a turn of the master. Prints JSON; milliseconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]

import aiohttp
from builders import NOW, a_new_task, a_tier
from simulator import Simulator

from koubou.board import Board, open_on_disk
from koubou.gateway.gateway import Gateway
from koubou.model.account import Amounts, Hold
from koubou.model.call import CallResult
from koubou.model.gate import Denied, Granted, Wanted
from koubou.model.policy import OPEN

AT_ONCE = (1, 16, 64)
