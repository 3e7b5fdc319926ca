"""``optout validate``, run as people run it."""

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.cli.validate import command
from voiceid_optout.register.fields import schema_text

PROJECT = Path(__file__).parents[2]
FAULTS = PROJECT / "tests" / "register" / "faults"
STACK = "config:\n  voiceid-optout:domains:\n    sandbox: UcUuCPFOsAjzg9xoByUatN\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one stack and a register of one."""
    (tmp_path / "Pulumi.local.yaml").write_text(STACK)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "people.yaml").write_text("domain: sandbox\nspeakers: [caller-zq01]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PULUMI_STACK", raising=False)
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(command, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def test_a_valid_register(project: Path) -> None:
    result = run()
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "ok: 1 person in 1 file, 0 released\n")


def test_ten_different_faults_make_ten_lines(project: Path) -> None:
    shutil.copy(FAULTS / "ten-faults" / "people.yaml", project / "config")
    result = run()
    assert result.exit_code == ExitCode.REGISTER_INVALID
    lines = result.stdout.splitlines()
    assert [":".join(line.split(":", 4)[:4]) for line in lines] == [
        "config/people.yaml:4:5: not-text",
        "config/people.yaml:5:5: bad-id",
        "config/people.yaml:7:5: unknown-key",
        "config/people.yaml:9:19: bad-date",
        "config/people.yaml:10:5: missing-id",
        "config/people.yaml:13:5: duplicate-key",
        "config/people.yaml:14:5: duplicate-speaker",
        "config/people.yaml:16:5: missing-reason",
        "config/people.yaml:18:13: blank-text",
        "config/people.yaml:19:5: listed-and-released",
    ]
    assert lines[6].endswith("; first listed at config/people.yaml:3:5")
    assert result.stderr == "10 faults in 1 file\n"
    assert "zq" not in result.output


def test_annotations_for_github(project: Path) -> None:
    (project / "config" / "b.yaml").write_text("domain: sandbox\nspeakers: [caller-zq01, ' ']\n")
    result = run("--format", "github")
    assert result.exit_code == ExitCode.REGISTER_INVALID
    first, second = result.stdout.splitlines()
    assert first.startswith("::error file=config/b.yaml,line=2,col=25,title=bad-id::not a speaker id: 1 to")
    assert second.startswith("::error file=config/people.yaml,line=2,col=12,title=duplicate-across-files::this")
    assert result.stderr == "2 faults in 2 files\n"


def test_one_object_for_programs(project: Path) -> None:
    result = run("--format", "json")
    assert json.loads(result.stdout)["people"] == 1
    (project / "config" / "people.yaml").write_text("")
    result = run("--format", "json")
    assert result.exit_code == ExitCode.REGISTER_INVALID
    assert result.stderr == ""
    (fault,) = json.loads(result.stdout)["faults"]
    assert (fault["file"], fault["line"], fault["code"]) == ("config/people.yaml", 1, "empty-file")


def test_a_terminal_gets_colour(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "config" / "people.yaml").write_text("")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[31mempty-file\x1b[0m: the file says nothing" in run().stdout


def test_paths_are_shown_as_one_sees_them(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = project / "config"
    (folder / "people.yaml").write_text("")
    for path in ("config", "./config", "config/people.yaml", str(folder)):
        assert run(path).stdout.startswith("config/people.yaml:1:1: empty-file")
    monkeypatch.chdir(folder)
    assert run(".").stdout.startswith("people.yaml:1:1: empty-file")
    assert run("--cwd", "..").stdout.startswith("../config/people.yaml:1:1: empty-file")
    monkeypatch.chdir("/")
    assert run(str(folder)).stdout.startswith(f"{str(folder).removeprefix('/')}/people.yaml:1:1")


def test_several_paths_are_one_register(project: Path) -> None:
    (project / "more").mkdir()
    shutil.copy(project / "config" / "people.yaml", project / "more" / "b.yaml")
    result = run("config", "more/b.yaml")
    assert result.stdout.startswith("more/b.yaml:2:12: duplicate-across-files: ")


def test_no_register_at_all(project: Path) -> None:
    result = run("--config-dir", "elsewhere")
    assert result.exit_code == ExitCode.REGISTER_INVALID
    assert result.stdout.startswith("elsewhere:1:1: missing-directory: ")


def test_the_stack_says_what_an_alias_means(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "Pulumi.production.yaml").write_text("config: {voiceid-optout:domain: '0123456789012345678901'}\n")
    assert run("--stack", "local").exit_code == 0
    assert run("-s", "organisation/voiceid-optout/local").exit_code == 0
    assert "unknown-alias" in run("--stack", "production").stdout
    monkeypatch.setenv("PULUMI_STACK", "production")
    assert "unknown-alias" in run().stdout


def test_a_stack_of_another_project_is_refused(project: Path) -> None:
    (project / "Pulumi.yaml").write_text("name: voiceid-optout\nruntime: python\n")
    assert run("-s", "organisation/voiceid-optout/local").exit_code == 0
    refused = run("-s", "organisation/support-line/local")
    assert refused.exit_code == ExitCode.USAGE
    assert "the stack is of project support-line, and this folder has project voiceid-optout" in refused.stderr


def test_without_a_stack_every_register_is_checked_by_its_own(project: Path) -> None:
    (project / "people-b").mkdir()
    (project / "people-b" / "b.yaml").write_text("domain: sandbox\nspeakers: [caller-zq01, caller-zq02]\n")
    domains = "{sandbox: 0123456789abcdefghijkl}"
    (project / "Pulumi.b.yaml").write_text(
        f"config:\n  voiceid-optout:register: people-b\n  voiceid-optout:domains: {domains}\n"
    )
    result = run()
    assert (result.exit_code, result.stdout) == (0, ""), "the same alias stands for two domains"
    assert result.stderr == "ok: 3 people in 2 files, 0 released\n"
    assert json.loads(run("--json").stdout)["files"] == ["people-b/b.yaml", "config/people.yaml"]
    (project / "people-b" / "b.yaml").write_text("domain: sandbox\nspeakers: [a, a]\n")
    result = run()
    assert result.exit_code == ExitCode.REGISTER_INVALID
    (line,) = result.stdout.splitlines()
    assert line.startswith("people-b/b.yaml:2:15: duplicate-speaker: ")
    assert line.endswith("people-b/b.yaml:2:12 (stack b)")
    assert run("--stack", "local").exit_code == 0


def test_an_alias_of_two_stacks_makes_no_duplicates_of_two_people(project: Path) -> None:
    other = "0123456789abcdefghijkl"
    (project / "config" / "b.yaml").write_text(f"domain: {other}\nspeakers: [caller-zq01]\n")
    assert run().exit_code == 0
    (project / "Pulumi.b.yaml").write_text(f"config: {{voiceid-optout:domains: {{sandbox: {other}}}}}\n")
    result = run()
    assert result.exit_code == ExitCode.REGISTER_INVALID
    (line,) = result.stdout.splitlines()
    assert line.endswith("first listed at config/b.yaml:2:12 (stack b)")


def test_a_fault_of_all_stacks_is_told_once_and_of_some_with_their_names(project: Path) -> None:
    (project / "Pulumi.b.yaml").write_text("config: {}\n")
    (project / "Pulumi.c.yaml").write_text("config: {}\n")
    (project / "config" / "people.yaml").write_text("domain: sandbox\nspeakers: [a, ' ']\n")
    first, second = run().stdout.splitlines()
    assert first.startswith("config/people.yaml:1:9: unknown-alias: ")
    assert first.endswith(" (stacks b, c)")
    assert second.startswith("config/people.yaml:2:15: bad-id: ")
    assert "stack" not in second


def test_a_stack_of_guardrails_alone_has_no_register(project: Path) -> None:
    (project / "Pulumi.guardrails.yaml").write_text("config: {voiceid-optout:guardrails: only}\n")
    assert run().exit_code == 0
    assert "unknown-alias" in run("--stack", "guardrails").stdout


def test_files_are_judged_by_the_stack_they_belong_to(project: Path) -> None:
    (project / "Pulumi.a.yaml").write_text("config: {voiceid-optout:register: people-a}\n")
    assert run("config/people.yaml").exit_code == 0
    assert "missing-directory" in run().stdout
    shutil.copytree(project / "config", project / "new")
    assert run("new").exit_code == 0, "some stack knows the alias"
    (project / "new" / "people.yaml").write_text("domain: nowhere\nspeakers: []\n")
    assert "unknown-alias" in run("--config-dir", "new").stdout


def test_the_same_file_by_two_paths_counts_once(project: Path) -> None:
    (project / "Pulumi.b.yaml").write_text(STACK + "  voiceid-optout:register: ./config/people.yaml\n")
    (project / "alias").symlink_to("config", target_is_directory=True)
    (project / "config" / "second.yaml").symlink_to("people.yaml")
    for arguments in ([], ["config", "alias"], ["alias/people.yaml", "config/../config/people.yaml", "config"]):
        assert run(*arguments).stderr == "ok: 1 person in 1 file, 0 released\n"


def test_a_project_of_another_name(project: Path) -> None:
    (project / "Pulumi.yaml").write_text("name: opt-outs\nruntime: python\n")
    result = run()
    assert result.exit_code == ExitCode.USAGE
    assert "Pulumi.local.yaml: voiceid-optout:domains is no setting of the project opt-outs" in result.stderr
    (project / "Pulumi.local.yaml").write_text(STACK.replace("voiceid-optout", "opt-outs"))
    assert run().exit_code == 0
    (project / "Pulumi.yaml").write_text("runtime: python\n")
    assert "Pulumi.yaml: `name` is missing" in run().stderr
    (project / "Pulumi.yaml").write_text("[")
    assert "Pulumi.yaml:1:" in run().stderr


@pytest.mark.parametrize("stack", [[], ["--stack", "local"]])
def test_settings_in_the_project_file_are_refused(project: Path, stack: list[str]) -> None:
    (project / "Pulumi.yaml").write_text(
        "name: voiceid-optout\nruntime: python\nconfig: {voiceid-optout:grouping: sharded}\n"
    )
    result = run(*stack)
    assert result.exit_code == ExitCode.USAGE
    assert "Pulumi.yaml: `config` is not supported here" in result.stderr


def test_a_misspelled_setting_is_refused(project: Path) -> None:
    (project / "Pulumi.b.yaml").write_text("config: {voiceid-optout:gaurd: {maxLosses: 0}}\n")
    result = run()
    assert result.exit_code == ExitCode.USAGE
    assert "Pulumi.b.yaml: voiceid-optout:gaurd is no setting: did you mean guard?" in result.stderr


def test_the_stack_says_where_the_register_is(project: Path) -> None:
    (project / "Pulumi.local.yaml").write_text(STACK + "  voiceid-optout:register: people\n")
    (project / "config").rename(project / "people")
    assert run().exit_code == 0


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('\'{"sandbox": "UcUuCPFOsAjzg9xoByUatN"}\'', 0),
        ("{sandbox: 1234567890123456789012}", ExitCode.USAGE),  # the Pulumi CLI makes 1.23e+21 of it
        ('{sandbox: "17"}', ExitCode.REGISTER_INVALID),
        ("'{not json'", ExitCode.USAGE),
        ("[sandbox]", ExitCode.USAGE),
    ],
)
def test_notations_of_domains(project: Path, value: str, code: int) -> None:
    (project / "Pulumi.local.yaml").write_text(f"config:\n  voiceid-optout:domains: {value}\n")
    assert run().exit_code == code


def test_an_empty_stack_file_defines_nothing(project: Path) -> None:
    (project / "Pulumi.local.yaml").write_text("")
    assert "unknown-alias" in run().stdout


@pytest.mark.parametrize("content", ["[", "- a", "config: text", "\udcff"])
def test_a_stack_file_that_is_none(project: Path, content: str) -> None:
    (project / "Pulumi.local.yaml").write_bytes(content.encode(errors="surrogateescape"))
    result = run()
    assert result.exit_code == ExitCode.USAGE
    assert "Error: Pulumi.local.yaml:" in result.stderr


def test_wrong_usage(project: Path) -> None:
    result = run("--stack", "nowhere")
    assert result.exit_code == ExitCode.USAGE
    assert "no Pulumi.nowhere.yaml here" in result.stderr
    assert run("config", "--config-dir", "config").exit_code == ExitCode.USAGE


def test_the_schema_is_printed(project: Path) -> None:
    assert run("--print-schema").stdout == schema_text()


def test_the_example_in_the_help_is_valid(project: Path) -> None:
    lines = run("--help").stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("  Example:"))
    example = "\n".join(lines[start + 1 : lines.index("", start)])
    (project / "config" / "people.yaml").write_text(example)
    told = run()
    assert told.stderr == "ok: 3 people in 1 file, 1 released\n"
    assert f"  {told.stderr.strip()}" in lines


def test_the_sample_register_is_valid() -> None:
    result = run("--cwd", str(PROJECT))
    assert result.exit_code == 0, result.output
    people = int(result.stderr.split()[1])
    assert people >= 12


def test_many_people_should_share_resources(project: Path) -> None:
    crowd = "".join(f"  - caller-zq{number}\n" for number in range(2001))
    (project / "config" / "people.yaml").write_text(f"domain: sandbox\nspeakers:\n{crowd}")
    [verdict, note] = run().stderr.splitlines()
    assert verdict == "ok: 2001 people in 1 file, 0 released"
    assert note.startswith("note: 2,001 people with a resource each: ")
    (project / "Pulumi.local.yaml").write_text(f"{STACK}  voiceid-optout:grouping: sharded\n")
    assert run().stderr.splitlines() == [verdict]


CONTACTS = """\
domain: sandbox
speakers:
  - "00491701234567"
  - id: caller-zq02
    reason: wrote as maria@example.org
    ticket: call 0170 1234567
"""


def test_what_looks_like_a_contact_is_a_warning_and_no_fault(project: Path) -> None:
    (project / "config" / "people.yaml").write_text(CONTACTS)
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    assert [line.partition(":")[0] + ":" + line.split(":")[1] for line in result.stderr.splitlines()[:-1]] == [
        "config/people.yaml:3", "config/people.yaml:4", "config/people.yaml:4",
    ]  # fmt: skip
    assert result.stderr.splitlines()[0].startswith(
        "config/people.yaml:3: warning: id looks like a telephone number"
    )
    github = run("--format", "github")
    assert github.stdout.splitlines()[0].startswith("::warning file=config/people.yaml,line=3,col=")
    told = json.loads(run("--json").stdout)
    assert (told["valid"], [warning["line"] for warning in told["warnings"]]) == (True, [3, 4, 4])
    for text in ("0170", "491701234567", "maria"):
        assert text not in result.output + github.output + json.dumps(told)


def test_a_stack_may_want_no_warnings_of_contacts(project: Path) -> None:
    (project / "config" / "people.yaml").write_text(CONTACTS)
    with (project / "Pulumi.local.yaml").open("a") as file:
        file.write("  voiceid-optout:contactWarnings: false\n")
    assert run().stderr == "ok: 2 people in 1 file, 0 released\n"


def test_many_warnings_are_counted(project: Path) -> None:
    lines = "".join(f'  - "00491701234{n:03}"\n' for n in range(30))
    (project / "config" / "people.yaml").write_text(f"domain: sandbox\nspeakers:\n{lines}")
    assert run().stderr.splitlines()[-2:] == [
        "… 10 more warnings",
        "ok: 30 people in 1 file, 0 released",
    ]


REVIEWS = """\
domain: sandbox
speakers:
  - {id: caller-zq01, review_on: 2020-02-29}
  - {id: caller-zq02, review_on: 2999-12-31}
released:
  - {id: caller-zq03, reason: consented again, review_on: 2020-03-01}
"""


def test_a_review_that_is_past_is_a_warning_and_nobody_is_dropped(project: Path) -> None:
    (project / "config" / "people.yaml").write_text(REVIEWS)
    result = run()
    assert (result.exit_code, result.stdout) == (0, "")
    *warnings, verdict = result.stderr.splitlines()
    assert [line.partition(": ")[0] for line in warnings] == ["config/people.yaml:3", "config/people.yaml:6"]
    assert all("warning: the day in review_on is past" in line for line in warnings)
    assert verdict == "ok: 3 people in 1 file, 1 released"
    assert run("--format", "github").stdout.splitlines()[1].startswith("::warning file=config/people.yaml,line=6,")
    told = json.loads(run("--json").stdout)
    assert (told["valid"], [warning["line"] for warning in told["warnings"]]) == (True, [3, 6])
    assert not re.search("caller-zq|consented|2020|2999", result.output + json.dumps(told))


def test_reviews_are_told_first_and_where_contacts_are_not_wanted(project: Path) -> None:
    late = '  - id: "00491701234568"\n    review_on: 2020-01-01\n'
    (project / "config" / "people.yaml").write_text(f"{CONTACTS}{late}")
    assert "review_on" in run().stderr.splitlines()[0]
    with (project / "Pulumi.local.yaml").open("a") as file:
        file.write("  voiceid-optout:contactWarnings: false\n")
    assert [line.partition(": ")[0] for line in run().stderr.splitlines()[:-1]] == ["config/people.yaml:7"]
