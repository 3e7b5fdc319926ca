"""What a page takes for granted, and how its commands end where that is not with 0."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from tests.docs.worlds import PEOPLE
from tests.e2e.copies import SANDBOX
from voiceid_optout.register import Ensure, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.docs.session import Session
    from tests.docs.worlds import World

    Prepare = Callable[[World, Session], None]

_RELEASED = "released:\n  - id: caller-000002\n    reason: consented again in writing\n    ticket: PRIV-90\n"
_OBJECTION = (
    "  - id: caller-000044\n    requested_on: 2026-03-05\n    reason: objection by letter\n    ticket: PRIV-236\n"
)
_ENROLLED = "caller-000023"


def done(session: Session, text: str) -> str:
    """Run a command that must succeed."""
    code, said = session.run(text)
    assert code == 0, said
    return said


def production(world: World, session: Session) -> None:
    """Let the stack be `production`, with a passphrase, and the register applied."""
    done(session, "export PULUMI_STACK=production PULUMI_CONFIG_PASSPHRASE=rehearsal")
    done(session, "optout up --yes")


def evidence(world: World, session: Session) -> None:
    """Somebody asks for the story of one person."""
    production(world, session)
    (world.root / "id.txt").write_text("caller-000017\n", encoding="utf-8")


def wrong(world: World, session: Session) -> None:
    """Let `production` have a secret key for its labels, as stacks outside a sandbox do."""
    world.edit(Path(world.copy.stack_file.name), "guessableLabels: true", "guessableLabels: false")
    production(world, session)


def plan(world: World, session: Session) -> None:
    """Somebody is new, somebody is released, and somebody was enrolled again."""
    world.edit(PEOPLE, _OBJECTION, "")
    world.edit(PEOPLE, _RELEASED, "  - caller-000002\n")
    production(world, session)
    world.git("checkout", "--quiet", "config")
    world.service.seed(world.copy.domain_id, _ENROLLED, "ENROLLED")


def same_again(world: World, session: Session) -> None:
    """The plan was done: somebody is enrolled once more, and a preview shows what that asks for."""
    world.service.seed(world.copy.domain_id, _ENROLLED, "ENROLLED")
    session.type("optout preview")


def forty(world: World, session: Session) -> None:
    """Forty people are opted out; then thirteen lines go."""
    entries = load(world.root / "config", domains={"sandbox": world.copy.domain_id}, default_domain=None).entries
    people = [entry.speaker_id for entry in entries if entry.ensure is Ensure.OPTED_OUT]
    people += [f"caller-{n:06}" for n in range(100, 140 - len(people))]
    world.copy.write(people)
    done(session, "optout up --yes")
    world.copy.write(people[13:])


def register(world: World, session: Session) -> None:
    """There are a list and a table of people, somebody to release, and somebody to adopt."""
    done(session, "export PULUMI_CONFIG_PASSPHRASE=rehearsal")
    world.edit(PEOPLE, _RELEASED, "")
    offices = world.root / "config" / "branch-offices.yaml"
    offices.write_text(f"{offices.read_text(encoding='utf-8')}  - caller-000002\n", encoding="utf-8")
    (world.root / "new-ids.txt").write_text("caller-000091\ncaller-000092\n", encoding="utf-8")
    (world.root / "objections.csv").write_text("id,reason\ncaller-000093,objection by phone\n", encoding="utf-8")
    world.service.seed(world.main_id, "caller-000094", "OPTED_OUT")


def faults(world: World, _session: Session) -> None:
    """The register is one file with two faults."""
    world.copy.write_raw(
        "domain: sandbox\nspeakers:\n  - caller-000017\n  - caller-000018\n  - id: caller-000019\n"
        "    reason: objection by phone\n    requestd_on: 2026-03-02\n    ticket: PRIV-231\n"
        "  - caller-000020\n  - caller-000021\n  - caller-000022\n  - caller-000023\n"
        "  - caller-000024\n  - caller-000017\n"
    )


def pipeline(world: World, session: Session) -> None:
    """There is a pull request, merged as it is, and last night's report."""
    done(session, "export PULUMI_CONFIG_PASSPHRASE=rehearsal")
    done(session, "git update-ref refs/remotes/origin/main HEAD")
    head = done(session, "git rev-parse HEAD").strip()
    world.github.add_pull(7, head={"sha": head}, merge_commit_sha=head)
    (world.root / "drift.md").write_text("### Drift\n", encoding="utf-8")


def tasks(world: World, session: Session) -> None:
    """The stack manages the sandbox's domain, of which the page has another one elsewhere; somebody drifted."""
    world.service.hook("/domains", DomainId=SANDBOX)
    stack = Path(world.copy.stack_file.name)
    world.edit(stack, world.copy.domain_id, SANDBOX)
    world.edit(stack, f', "main": "{world.main_id}"', "")
    production(world, session)
    world.service.seed(SANDBOX, _ENROLLED, "ENROLLED")
    (world.root / "new-passphrase").write_text("another rehearsal\n", encoding="utf-8")


def checkout(world: World, session: Session) -> None:
    """Go from the new repository, which asks nobody yet, to one whose stack `production` has a service."""
    done(session, f"cd {shlex.quote(str(world.root))}")


def fork(world: World, session: Session) -> None:
    """The project is a fork that has run: what this project's repository is, with people of one's own."""
    production(world, session)
    done(session, "unset PULUMI_STACK && git add --all && git commit --quiet --message 'The fork'")


PREPARED: Mapping[str, Prepare] = {
    "docs/ci.md": pipeline,
    "docs/evidence.md": evidence,
    "docs/how-to.md": tasks,
    "docs/plan.md": plan,
    "docs/register.md": register,
    "docs/runbook.md": wrong,
    "docs/upgrade.md": fork,
}

# By page and a part of the command before which it is done.
BEFORE: Mapping[tuple[str, str], Prepare] = {
    ("README.md", "make up"): checkout,
    ("README.md", "optout doctor"): checkout,
    ("docs/plan.md", "--approve"): same_again,
    ("docs/plan.md", "up --yes"): forty,
    ("docs/register.md", "optout validate"): faults,
}

# By page, command and how often it was seen before on that page.
CODES: Mapping[tuple[str, str, int], int] = {
    ("docs/how-to.md", "optout drift --stack production", 0): 5,
    ("docs/plan.md", "optout up --yes", 0): 6,
    ("docs/register.md", "optout validate", 0): 3,
    ("docs/tutorial.md", "optout drift", 1): 5,
}
