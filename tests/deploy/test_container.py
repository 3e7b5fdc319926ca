"""The Containerfile as far as it can be checked without building it."""

import json
import re
import tomllib
from pathlib import Path

from voiceid_optout.cli.serve import command

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "container" / "Containerfile"
LOCK = ROOT / "deploy" / "container" / "requirements.txt"


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [(name, rest.strip()) for name, rest in pairs]


def values(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def ignored_but(path: str) -> bool:
    kept = {
        line[1:] for line in (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    }
    return path in kept


def test_what_it_copies_is_there_and_is_sent_to_the_builder() -> None:
    sources = [source for line in values("COPY") if not line.startswith("--from") for source in line.split()[:-1]]
    assert len(sources) >= 6
    for source in sources:
        assert (ROOT / source).exists()
        assert ignored_but(source), source


def test_the_image_that_runs_is_not_the_one_that_builds_and_not_root() -> None:
    names = [name for name, _ in instructions()]
    assert names.count("FROM") == 2
    last = instructions()[len(names) - names[::-1].index("FROM") - 1 :]
    assert [rest for name, rest in last if name == "USER"] == ["65532:65532"]
    assert not any("pip" in rest for _, rest in last)


def test_the_dependencies_are_locked_by_hashes_and_can_speak_to_postgresql() -> None:
    installs = [line for line in values("RUN") if "pip install" in line]
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    lock = LOCK.read_text(encoding="utf-8")
    assert "psycopg[binary]==" in lock
    pinned = set(re.findall(r"^([a-z0-9-]+)(?:\[[a-z]+\])?==", lock, re.MULTILINE))
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["service"]]
    names = {re.split(r"[^A-Za-z0-9-]", requirement)[0].lower() for requirement in wanted}
    assert names <= pinned


def test_it_starts_the_command_with_options_that_there_are() -> None:
    (entry,), (more,) = values("ENTRYPOINT"), values("CMD")
    program, subcommand, *arguments = json.loads(entry) + json.loads(more)
    assert (program, subcommand) == ("/opt/voiceid-optout/bin/optout", "serve")
    chosen = command.make_context("serve", arguments).params
    assert chosen["host"] == "0.0.0.0"
    assert chosen["tls_certificate"]
    assert not chosen["first_key"]
    assert not chosen["insecure_plain_http"]
    (health,) = values("HEALTHCHECK")
    assert f"127.0.0.1:{chosen['admin_port']}/readyz" in health
    assert str(chosen["port"]) in values("EXPOSE")
