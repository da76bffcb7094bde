"""A command that behaves as the task asks: `BEHAVE name ROLL file` on its standard input; see hostile.py.

Started as `python -I -S as_asked.py`. What it turns into signs the roll, also where it forgets its environment.
"""

import os
import sys

words = sys.stdin.read().split()
behaviour, roll = words[words.index("BEHAVE") + 1], words[words.index("ROLL") + 1]
hostile = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile.py")
os.environ.pop("ROLL", None)
os.execv(sys.executable, [sys.executable, "-I", "-S", hostile, behaviour, roll])
