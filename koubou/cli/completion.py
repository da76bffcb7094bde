"""koubou completion: the script with which a shell completes verbs, options, tiers, statuses and ids of tasks."""

from __future__ import annotations

import argparse

from koubou.cli.parser import Parser

SHELLS = ("bash", "zsh", "fish")


def declare(parser: Parser) -> None:
    parser.add_argument("shell", choices=SHELLS, help="the shell that is to read it")
    parser.examples(
        'eval "$(koubou completion bash)"        (in ~/.bashrc)',
        "koubou completion zsh > ~/.zfunc/_koubou",
        "koubou completion fish > ~/.config/fish/completions/koubou.fish",
    )


def run(arguments: argparse.Namespace) -> int:
    from argcomplete.shell_integration import shellcode

    print(shellcode(["koubou"], shell=arguments.shell))
    return 0
