"""The commands of a page of the documentation, and what running them in a real bash came to.

They stand in blocks marked ```console, after `$ `. A line that ends in a backslash goes on; a here-document ends where
it says. What stands below a command is what it prints: numbers and ids may differ, and `…` stands for anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PROJECT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HERE = re.compile(r"<<'?(\w+)'?")
_COMMENT = re.compile(r"(^|\s{2,})# .*$")
_MARK = "\x1e"


@dataclass(slots=True)
class Command:
    """One command as it is written, and the lines that the page shows below it."""

    text: str
    shown: list[str] = field(default_factory=list)

    @property
    def bare(self) -> str:
        """Without the remark behind it."""
        first, *rest = self.text.splitlines()
        return "\n".join([_COMMENT.sub("", first), *rest])


@dataclass(slots=True, kw_only=True)
class Ran:
    """What came of a command."""

    command: Command
    text: str
    status: int
    output: str

    @property
    def complaints(self) -> Iterator[str]:
        """What is not as the page says."""
        if self.status != 0:
            yield f"$ {self.text}\nended with {self.status}:\n{self.output}"
        printed = [_plain(line) for line in self.output.splitlines()]
        for line in self.command.shown:
            plain = _plain(line)
            if plain in ("", "…"):
                continue
            wanted = re.compile(".*".join(re.escape(part) for part in plain.split("…")))
            if not any(wanted.fullmatch(each) for each in printed):
                yield f"$ {self.text}\nprints no line like\n  {line}\nbut\n{self.output}"


def commands(page: Path) -> list[Command]:
    """Every command of a page, in its order."""
    found: list[Command] = []
    for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        lines = iter(block.splitlines())
        for line in lines:
            if line.startswith("$ "):
                found.append(Command(_whole(line[2:], lines)))
            elif found:
                found[-1].shown.append(line)
    return found


def _whole(text: str, lines: Iterator[str]) -> str:
    while text.endswith("\\"):
        text += f"\n{next(lines)}"
    if here := _HERE.search(text):
        for line in lines:
            text += f"\n{line}"
            if line == here[1]:
                break
    return text


def run(
    wanted: Sequence[Command], substituted: Callable[[str], str], shell: Callable[[str], str], before: str = ""
) -> list[Ran]:
    """Run commands one after the other in one shell, which is given a script and returns what it printed."""
    texts = [substituted(command.bare) for command in wanted]
    wanted = [Command(command.text, [substituted(line) for line in command.shown]) for command in wanted]
    script = [before]
    for number, text in enumerate(texts):
        script += [f"printf '\\n{_MARK}{number}\\n'", f"{text}", f"printf '\\n{_MARK}%s\\n' \"$?\""]
    printed = shell("\n".join(script) + "\n")
    outputs = re.findall(rf"{_MARK}(\d+)\n(.*?)\n{_MARK}(\d+)\n", printed, re.DOTALL)
    ran = [
        Ran(command=wanted[int(number)], text=texts[int(number)], status=int(status), output=output)
        for number, output, status in outputs
    ]
    assert len(ran) == len(wanted), f"the shell ended early:\n{printed[-4000:]}"
    return ran


def _plain(line: str) -> str:
    """A line without what differs each time: ids, numbers, bars and how wide a table is."""
    line = re.sub(r"\b[0-9A-HJKMNP-TV-Z]{26}\b", "ID", line)
    line = re.sub(r"\d+(?:[.,:]\d+)*", "0", line)
    return re.sub(r"[\s─━█░▏▕]+", " ", line).strip()
