"""What the project promises up to 100,000 people: each claim names the cells it needs, and judges their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.cells import FULL, Cell, Phase, Quotas
from benchmarks.claims_of_a_million import OF_A_MILLION
from benchmarks.judging import MB, Claim, Verdict, beside, each, loads, pages
from benchmarks.people import COMMITS, speaker_id
from benchmarks.turns import COLD, HELP, IMPORT, KEY, SANDBOX, seconds

if TYPE_CHECKING:
    from benchmarks.judging import Results

_BOTH = ("sharded", "sharded-cli")
_REFRESH, _PAGES = Cell("sharded", FULL, Phase.REFRESH), Cell("raw", FULL, Phase.REFRESH)


def _preview(peer: str, most: float, memory: float | None = None) -> Claim:
    """``memory`` is in MB."""
    cell = Cell(peer, FULL, Phase.PREVIEW)

    def judge(results: Results) -> Verdict:
        found = results[cell]
        ratio = loads(found)
        text = f"{found.wall:.1f} s ({found.cpu:.1f} cpu s), {found.peak / MB:.0f} MB"
        share = max(ratio / most, found.peak / (memory * MB) if memory else 0)
        return Verdict(f"{text}; {ratio:.1f} x the register alone", share)

    limit = (
        f"100,000 people, unchanged preview that does not ask: at most {most:g} x the processor time of loading "
        "the register alone, right before and after"
        + (f", and {memory:.0f} MB in the largest process" if memory else "")
    )
    return Claim(f"preview-{peer}", limit, (cell,), judge)


def _added(name: str, phase: Phase, peer: str, what: str, most: float) -> Claim:
    added, unchanged = Cell(peer, FULL, phase), Cell(peer, FULL, Phase.PREVIEW)
    threads = Cell("threads", FULL, Phase.ADD)

    def judge(results: Results) -> Verdict:
        found, before = results[added], results[unchanged]
        writes, ratio = found.calls.get("OptOutSpeaker", 0), loads(found) / loads(before)
        text = (
            f"{loads(found):.1f} and {loads(before):.1f} x the register alone: {ratio:.2f} x; {found.wall:.1f} s "
            f"({found.cpu:.1f} cpu s), {writes} OptOutSpeaker"
        )
        return Verdict(text + beside(results, threads, found.cpu, "boto3 threads"), ratio / most, exact=writes == 1)

    limit = (
        f"one person added to 100,000: {what} takes at most {most:g} x the processor time of an unchanged preview "
        "that does not ask, both in loads of the register right before and after, and one OptOutSpeaker"
    )
    return Claim(f"{name}-{peer}", limit, (added, unchanged), judge, beside=(threads,))


def _shown(peer: str) -> Claim:
    cell = Cell(peer, FULL, Phase.DIFF)

    def judge(results: Results) -> Verdict:
        told = results[cell].told
        lines, resources = int(told.get("lines", 0)), int(told.get("resources", 0))
        return Verdict(f"{resources} resource(s), {lines} `+` line(s)", 1, exact=lines == resources == 1)

    shown = "raw `pulumi preview --diff`" if peer.endswith("cli") else "`optout preview`"
    limit = f"one person added to 100,000: {shown} changes one resource and shows one `+` line"
    return Claim(f"diff-{peer}", limit, (cell,), judge)


def _quota(name: str, cell: Cell, floor: float, most: float = 1.05) -> Claim:
    def judge(results: Results) -> Verdict:
        found = results[cell]
        ratio = found.wall / floor
        text = f"{found.wall:.1f} s, {ratio:.2f} x the quota's own time, {found.throttled_share:.2%} throttled"
        return Verdict(text, ratio / most, exact=found.throttled_share < 0.01)

    late = f", {cell.latency} ms away" if cell.latency else ""
    what = f"AWS's quotas{late}: {cell.phase.value} of {cell.people:,} people"
    limit = f"{what}: at most {most} x {floor:.0f} s, under 1 % throttled"
    return Claim(name, limit, (cell,), judge)


def _writes() -> Claim:
    ours, theirs, raw = (Cell(peer, FULL, Phase.UP) for peer in ("sharded", "threads", "raw"))
    least = 2.0

    def judge(results: Results) -> Verdict:
        rates = [results[cell].told["writes"] / results[cell].told["write_seconds"] for cell in (ours, theirs)]
        most = FULL / results[raw].told["seconds"]
        costs = [results[cell].cpu / FULL * 1000 for cell in (ours, theirs, raw)]
        text = (
            f"{rates[0]:,.0f}/s, boto3 threads {rates[1]:,.0f}/s: {rates[0] / rates[1]:.2f} x; the service's own "
            f"maximum {most:,.0f}/s. Whole run {results[ours].wall:.0f} s, boto3 {results[theirs].wall:.0f} s"
            f"; processor time of a person {costs[0]:.2f}, {costs[1]:.2f} and {costs[2]:.2f} ms, "
            "the service's aside"
        )
        return Verdict(text, least * rates[1] / rates[0])

    limit = (
        f"without quotas `up` of 100,000 writes at least {least:.0f} x as fast as boto3 in threads, with as many "
        "connections"
    )
    return Claim("writes", limit, (theirs, ours, raw), judge)


def _state() -> Claim:
    cell, textbook = Cell("sharded", FULL, Phase.UP), Cell("textbook", 300, Phase.UP)
    line = len(f"- {speaker_id(0)}\n")

    def judge(results: Results) -> Verdict:
        found, theirs = results[cell], results.get(textbook)
        of_each = found.state / FULL
        text = f"{of_each:.0f} bytes, {of_each / line:.1f} x the register's, {found.exposed} of 100 ids readable"
        if theirs is not None and theirs.is_done:
            text += f"; the textbook's {theirs.state / textbook.people:,.0f} bytes"
        return Verdict(text, of_each / 180, exact=not found.exposed)

    limit = "state of 100,000 people: at most 180 bytes a person, ids encrypted"
    return Claim("state", limit, (cell,), judge, beside=(textbook,))


def _register() -> Claim:
    cell = Cell("register-full", FULL, Phase.LOAD)

    def judge(results: Results) -> Verdict:
        found = results[cell]
        took, events = found.told["cpu"], found.told["events"]
        text = f"{took:.2f} and {events:.2f} cpu s: {took / events:.2f} x, {found.peak / MB:.0f} MB"
        return Verdict(text, max(took / events / 3, found.peak / (300 * MB)))

    limit = (
        "register of 100,000 full entries: loaded in at most 3 x the processor time of the events of PyYAML's C "
        "parser, and in 300 MB"
    )
    return Claim("register", limit, (cell,), judge)


def _report() -> Claim:
    cell = Cell("sharded", FULL, Phase.REPORT)
    most, memory = 8.0, 300

    def judge(results: Results) -> Verdict:
        found = results[cell]
        seconds, walk = found.told["seconds"], found.told["walk"]
        text = f"{seconds:.1f} s, the walk {walk:.1f} s: {seconds / walk:.2f} x; {found.peak / MB:.0f} MB"
        cpu = f"{found.cpu - found.told['walk_cpu']:.1f} cpu s and {found.told['walk_cpu']:.1f}"
        return Verdict(f"{text} ({cpu})", max(seconds / walk / most, found.peak / (memory * MB)))

    limit = (
        f"`optout report` of 100,000 full entries and {COMMITS} commits, without quotas: at most {most:.0f} x the "
        f"walk through the domain alone, right before it, and {memory} MB"
    )
    return Claim("report", limit, (cell,), judge)


def _start(name: str, what: str, most: float) -> Claim:
    cell = Cell("turns", 10, Phase.START)
    aside = name == COLD  # the sandbox's key is known, and --help needs none

    def judge(results: Results) -> Verdict:
        told = results[cell].told
        ours, floor, key = told[name], told[IMPORT], told[KEY] if aside else 0.0
        text = f"{ours:.2f} and {floor:.2f} cpu s: {ours / floor:.2f} x"
        if aside:
            text += f", of these {key / floor:.2f} x for the key"
        text += f"; {told[seconds(name)]:.2f} and {told[seconds(IMPORT)]:.2f} s"
        return Verdict(text, (ours - key) / floor / most)

    limit = f'{what}: at most {most:g} x the processor time of `python -c "import pulumi"`, in turn with it'
    if aside:
        limit += ", the derivation of the passphrase's key aside (a million rounds of SHA-256, as Pulumi has it)"
    return Claim(f"start-{name}", limit, (cell,), judge)


ALL = (
    _preview("sharded", 16, 300),
    _preview("sharded-cli", 72),
    _added("add", Phase.ADD, "sharded", "`optout up`, its plan included,", 1.5),
    # The CLI runs twice: for the plan, and for the change.
    _added("add", Phase.ADD, "sharded-cli", "`optout up`, its plan included,", 2),
    *(_added("apply", Phase.APPLY, peer, "the engine alone, without the plan before,", 1.75) for peer in _BOTH),
    *(_shown(peer) for peer in _BOTH),
    _quota("up-quota", Cell("sharded", 600, Phase.UP, Quotas.AWS), 60),
    _quota("up-quota-far", Cell("sharded", 600, Phase.UP, Quotas.AWS, 200), 60),
    _quota("refresh-quota", Cell("sharded", 10_000, Phase.REFRESH, Quotas.AWS), 20),
    # A page is asked for with the token of the one before: a hundred of them wait for each other.
    _quota("refresh-quota-far", Cell("sharded", 10_000, Phase.REFRESH, Quotas.AWS, 200), 20, most=1.1),
    _writes(),
    pages("refresh-pages", _REFRESH, _PAGES, 8),
    each("sharded", Phase.PREVIEW, 10_000, FULL, 1.1),
    each("sharded", Phase.REFRESH, 10_000, FULL, 1.1),
    each("register-full", Phase.LOAD, 10_000, FULL, 1.1),
    each("register-bare", Phase.LOAD, 10_000, FULL, 1.1),
    each("single", Phase.PREVIEW, 1_000, 10_000, 1.2),
    each("single", Phase.UP, 1_000, 10_000, 1.2),
    _state(),
    _register(),
    _report(),
    _start(HELP, "`optout --help`", 0.6),
    _start(COLD, "unchanged preview of ten people, from nothing that runs", 3),
    _start(SANDBOX, "the same, with the sandbox's service started for it", 4.5),
    *OF_A_MILLION,
)
CLAIMS = {claim.name: claim for claim in ALL}
