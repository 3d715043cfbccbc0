"""Every command and option there is stands in docs/cli.md, and every command takes what the contract says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from classtap_cli.main import app

DOCS = (Path(__file__).resolve().parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
SHARED = {"--data", "--as", "--now", "--json"}


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_is_documented(name: str) -> None:
    assert f"`{name}" in DOCS or f"`classtap {name}" in DOCS


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_takes_what_every_command_takes(name: str) -> None:
    options = {option for param in COMMANDS[name].params for option in param.opts}
    assert options >= SHARED


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_says_what_it_does(name: str) -> None:
    assert COMMANDS[name].help
