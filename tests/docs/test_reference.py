"""The pages that are made from the code say all of it."""

from __future__ import annotations

import re
from pathlib import Path

import click

from tests.tables import each_row
from tools.site.reference import pages
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import main
from voiceid_optout.register.faults import ABOUT

MADE = pages()


def walk(group: click.Group, path: str) -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []
    for name, command in (
        (name, group.get_command(click.Context(group), name)) for name in group.list_commands(click.Context(group))
    ):
        assert command is not None
        found.append((f"{path} {name}", command))
        found += walk(command, f"{path} {name}") if isinstance(command, click.Group) else []
    return found


def test_every_command_has_a_section_with_its_options() -> None:
    commands = walk(main, "optout")
    assert len(commands) > 20
    missing = []
    for path, command in commands:
        _, _, rest = MADE["reference/commands.md"].partition(f"\n## {path}\n")
        section = rest.split("\n## ")[0]
        shown = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        missing += [path] if not section else []
        missing += [f"{path} {option}" for option in shown if not re.search(rf"{option}\b", section)]
    assert missing == []


@each_row(
    ("page", "names"),
    [
        ("faults", [*ABOUT]),
        ("exit-codes", [code.name for code in ExitCode]),
        ("register", ["domain", "speakers", "released", "id", "requested_on", "reason", "ticket"]),
        ("plan", ["digest", "steps", "guard", "label", "breaches"]),
        ("metrics", ["voiceid_requests_total", "voiceid_request_seconds", "voiceid_events_waiting"]),
    ],
)
def test_a_page_names_all_there_is(page: str, names: list[str]) -> None:
    assert [name for name in names if f"`{name}" not in MADE[f"reference/{page}.md"]] == []


@each_row("page", MADE)
def test_every_row_of_a_table_has_the_cells_of_its_head(page: str) -> None:
    for block in MADE[page].split("\n\n"):
        rows = [re.findall(r"(?<!\\)\|", line) for line in block.splitlines() if line.startswith("| ")]
        assert len({len(cells) for cells in rows}) <= 1, block


def test_the_readme_names_every_command() -> None:
    readme = Path(__file__).parents[2].joinpath("README.md").read_text(encoding="utf-8")
    table = readme.partition("\n## Commands\n")[2].partition("\n## ")[0]
    assert [name for name in main.list_commands(click.Context(main)) if f"`optout {name}`" not in table] == []
