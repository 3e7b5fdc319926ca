"""What others rely on, as a document: frozen at each release, and compared with what the code has today."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.plan.plans import SCOPE, step
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.main import main
from voiceid_optout.config import KEYS
from voiceid_optout.plan import Action, Plan
from voiceid_optout.plan.render_json import render
from voiceid_optout.plan.review import Review
from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider
from voiceid_optout.register import RegisterInvalid, load_texts
from voiceid_optout.register.faults import Code
from voiceid_optout.register.report import as_json
from voiceid_optout.speakers import label

ROOT = Path(__file__).parents[2]
TEXTS = {"message", "reason", "description"}  # for people: may be said better in every version
FAULTY = {"config/people.yaml": "domain: UcUuCPFOsAjzg9xoByUatN\nspeakers: [caller-000001, caller-000001]\n"}
VALID = {
    "config/people.yaml": (
        "domain: main\nspeakers:\n  - caller-000017\n  - id: caller-000018\n    requested_on: 2026-03-02\n"
        "    reason: objection by phone\n    ticket: PRIV-231\n"
        "released:\n  - id: caller-000002\n    reason: consented again in writing\n    ticket: PRIV-90\n"
    ),
    "config/list.yaml": "- caller-000021\n- caller-000022\n",
}


def exit_codes() -> dict[str, int]:
    return {code.name: int(code) for code in ExitCode}


def settings() -> dict[str, Any]:
    return {name: {"kind": key.kind.name, "names": sorted(map(str, key.names))} for name, key in KEYS.items()}


def commands(group: click.Group | None = None, before: str = "") -> dict[str, list[str]]:
    """Return the options of each command."""
    found: dict[str, list[str]] = {}
    group = group or main
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= commands(command, f"{before}{name} ")
        else:
            found[f"{before}{name}"] = sorted(option for one in command.params for option in one.opts)
    return found


def workflows() -> dict[str, Any]:
    """Return what callers give, and the names of jobs, which are those of checks."""
    found = {}
    for path in sorted((ROOT / ".github" / "workflows").glob("optout-*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        takes = content[True]["workflow_call"]
        found[path.name] = {
            "inputs": sorted(takes["inputs"]),
            "secrets": sorted(takes["secrets"]),
            "jobs": sorted(content["jobs"]),
        }
    return found


def review() -> Review:
    steps = (step(Action.OPT_OUT, 1), step(Action.REPAIR, 2), step(Action.RELEASE, 3), step(Action.FORGET, 4))
    return Review(Plan(steps, 5), SCOPE)


def plan() -> str:
    return render(review())


def faults() -> str:
    with pytest.raises(RegisterInvalid) as refused:
        load_texts(((name, text.encode()) for name, text in FAULTY.items()), [], domains={}, default_domain=None)
    return as_json(refused.value.faults)


def labels() -> list[str]:
    """Labels are names of resources: another label is another resource."""
    return [label(key, "UcUuCPFOsAjzg9xoByUatN", "caller-000017") for key in ("a key", "another")]


def provider() -> str:
    """The reference that every state has."""
    return f"{OptedOutSpeakerProvider.__module__}.{OptedOutSpeakerProvider.__qualname__}"


def today() -> dict[str, Any]:
    return {
        "exit codes": exit_codes(),
        "codes of faults": sorted(map(str, Code)),
        "settings": settings(),
        "commands": commands(),
        "workflows": workflows(),
        "plan": json.loads(plan()),
        "faults": json.loads(faults()),
        "labels": labels(),
        "provider": provider(),
    }


def lost(frozen: Any, now: Any, where: str = "") -> list[str]:
    """Return what a frozen document has and today's has not, or has otherwise; more is no loss."""
    if where.rpartition("/")[2] in TEXTS and isinstance(now, str):
        return []
    if isinstance(frozen, Mapping) and isinstance(now, Mapping):
        gone = [f"{where}/{key}" for key in frozen if key not in now]
        return gone + [one for key in frozen if key in now for one in lost(frozen[key], now[key], f"{where}/{key}")]
    if isinstance(frozen, list) and isinstance(now, list):
        if all(isinstance(one, str) for one in frozen) and where != "/labels":
            return [f"{where}/{one}" for one in frozen if one not in now]
        if len(frozen) == len(now):
            pairs = enumerate(zip(frozen, now, strict=True))
            return [one for place, (old, new) in pairs for one in lost(old, new, f"{where}/{place}")]
    return [] if frozen == now else [f"{where}: {frozen!r} is {now!r}"]
