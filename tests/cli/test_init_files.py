"""The files of `optout init`: every answer is refused or reads back, and no template says what is not so."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from tests.tables import each_row
from tools.rendered import CASES
from voiceid_optout.cli.init_files import (
    SANDBOX_DOMAIN,
    AnswerInvalid,
    Answers,
    Forge,
    check,
    current_version,
    exports,
    option,
    render,
    stack_file,
    yours,
)
from voiceid_optout.register import load_texts
from voiceid_optout.register.fields import build_schema

ROOT = Path(__file__).parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REAL = Answers(
    name="opt-outs",
    stack="production",
    region="eu-central-1",
    domain_id="0000000000000000000042",
    endpoint="https://voiceid.example.org/api",
)
HOSTED = replace(REAL, forge=Forge.GITHUB, workflows=f"example/voiceid-optout@{COMMIT}", branch="trunk")
LAB = replace(HOSTED, forge=Forge.GITLAB, workflows=f"a/b/voiceid-optout@{COMMIT}")
SANDBOX = Answers(name="opt-outs", stack="local", region="us-east-1", domain_id=SANDBOX_DOMAIN)
EVERY = [*CASES.values()]  # what `make lint-workflows` looks at too

HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["true", "null", "~", "1.0", "0x1F", "1e3", "-", "---", "...", "..", ".", "2026-01-01", "yes"]),
    st.from_regex(r"[A-Za-z0-9_.@/:#'\"$`\\&*!|>%{}\[\],?\n\t -]{1,60}", fullmatch=True),
    st.from_regex(r"https://[a-z]{1,5}[.:/?#&;$'(){}\n\" -]{0,9}[a-z]{0,3}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9_.-]{1,30}", fullmatch=True),
    st.from_regex(rf"[A-Za-z0-9_.-]{{1,9}}/[A-Za-z0-9_.-]{{1,9}}@{COMMIT}", fullmatch=True),
    st.from_regex(r"[0-9]{22}", fullmatch=True),
)


def test_what_every_repository_gets() -> None:
    assert {*render(REAL)} == {
        *("Pulumi.yaml", "Pulumi.production.yaml", "__main__.py", "README.md", "requirements.txt", ".gitignore"),
        *(".pre-commit-config.yaml", "config/people.yaml", "config/optouts.schema.json"),
    }
    workflows = {f".github/workflows/{name}.yml" for name in ("preview", "up", "drift")}
    assert {*render(HOSTED)} - {*render(REAL)} == {".github/CODEOWNERS", *workflows}
    assert {*render(LAB)} - {*render(REAL)} == {".gitlab-ci.yml", "CODEOWNERS"}
    assert yours(REAL) == {"Pulumi.production.yaml", "config/people.yaml"}


@pytest.mark.parametrize("answers", EVERY)
def test_every_file_is_whole_and_reads_back(answers: Answers, tmp_path: Path) -> None:
    for path, text in render(answers).items():
        assert "<<" not in text.replace("<<'PYTHON'", ""), path
        assert text.endswith("\n"), path
        assert not any(line != line.rstrip() for line in text.splitlines()), path
        if path.endswith((".yml", ".yaml")):
            assert isinstance(yaml.safe_load(text), dict), path
            assert "\t" not in text, path
        elif path.endswith(".py"):
            ast.parse(text)
        elif path.endswith(".json"):
            assert json.loads(text) == build_schema()
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    for words in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *words, "--no-cache", "--config", str(ROOT / "pyproject.toml")]
        done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("answers", [REAL, SANDBOX])
def test_the_register_is_valid_and_the_real_one_lists_nobody(answers: Answers) -> None:
    texts = render(answers)
    stack = yaml.safe_load(texts[stack_file(answers)])["config"]
    assert {key.partition(":")[0] for key in stack} == {"opt-outs"}
    register = load_texts(
        [("config/people.yaml", texts["config/people.yaml"].encode())],
        [],
        domains=stack["opt-outs:domains"],
        default_domain=stack["opt-outs:domain"],
    )
    assert [entry.ensure.value for entry in register.entries] == (
        [] if answers is REAL else ["opted_out", "opted_out", "opted_out", "released"]
    )


FIELDS = ("name", "stack", "region", "domain_id", "endpoint", "workflows", "branch", "owners", "backend")


@given(field=st.sampled_from(FIELDS), value=HOSTILE)
@example("name", "Yes")
@example("name", "name: x\nruntime: nodejs")
@example("branch", "1.0")
@example("domain_id", "1" * 22)
@example("backend", "s3://a'; touch x; '")
def test_every_answer_is_refused_or_is_what_the_files_say(field: str, value: str) -> None:
    if not value or check(field, value) is not None:
        return
    try:
        answers = replace(HOSTED, **{field: value})  # type: ignore[arg-type]  # of fields that are texts
    except AnswerInvalid:  # of several groups and a repository, and not on GitHub
        return
    texts = render(answers)
    assert yaml.safe_load(texts["Pulumi.yaml"])["name"] == answers.name
    assert yaml.safe_load(texts[f"Pulumi.{answers.stack}.yaml"])["config"] == {
        f"{answers.name}:endpoint": answers.endpoint,
        f"{answers.name}:region": answers.region,
        f"{answers.name}:domain": "main",
        f"{answers.name}:domains": {"main": answers.domain_id},
    }
    up = yaml.safe_load(texts[".github/workflows/up.yml"])
    repository, _, commit = answers.workflows.partition("@")
    assert up[True]["push"]["branches"] == [answers.branch]
    assert up["jobs"]["register"]["uses"] == f"{repository}/.github/workflows/optout-up.yml@{commit}"
    owned = [line.split() for line in texts[".github/CODEOWNERS"].splitlines() if line and line[0] != "#"]
    assert all(" ".join(words[1:]) == answers.owners for words in owned)
    exported = [shlex.split(line)[1] for line in exports(answers)]
    assert exported[1:] == ([f"PULUMI_BACKEND_URL={value}"] if field == "backend" else [])


@given(
    st.dictionaries(
        st.sampled_from([*REAL.document(), "other"]), st.one_of(HOSTILE, st.none(), st.integers(), st.just([]))
    )
)
def test_answers_of_a_record_are_checked_as_well(given_: dict[str, object]) -> None:
    try:
        answers = Answers.parse({**HOSTED.document(), **given_})
    except AnswerInvalid:
        return
    assert all(value is None or isinstance(value, str) for value in answers.document().values())
    render(answers)


def test_a_record_s_answers_read_back() -> None:
    for answers in [*EVERY, SANDBOX]:
        assert Answers.parse(json.loads(json.dumps(answers.document()))) == answers


@each_row(
    "wrong", [None, [], {"name": "x"}, {**REAL.document(), "forge": "sourcehut"}, {**REAL.document(), "x": "y"}]
)
def test_what_is_no_record_s_answers_is_refused(wrong: object) -> None:
    with pytest.raises(AnswerInvalid):
        Answers.parse(wrong)


@each_row(
    ("field", "value", "words"),
    [
        ("endpoint", "http://voiceid.example.org", "identifiers would travel there in clear"),
        ("endpoint", "https://ann:secret@voiceid.example.org", "without a user"),
        ("endpoint", "https://voiceid.example.org:99999", "give an http(s) URL"),
        ("backend", "postgres://ann:secret@db/states", "leave the password out"),
        ("backend", "ftp://x", "give a URL of file://, s3://"),
        ("workflows", "example/voiceid-optout@v1", "a tag or a branch can be moved"),
        ("stack", "-x", "must not begin with a hyphen"),
        ("name", "a b", "use letters"),
        ("forge", "sourcehut", "github, gitlab, none"),
    ],
)
def test_what_is_refused_is_told_why(field: str, value: str, words: str) -> None:
    assert words in (check(field, value) or "")


def test_a_pipeline_needs_its_commit_and_on_github_a_repository_that_can_be() -> None:
    with pytest.raises(AnswerInvalid, match="--workflows: is missing"):
        replace(REAL, forge=Forge.GITHUB)
    with pytest.raises(AnswerInvalid, match="on GitHub it is OWNER/NAME@COMMIT"):
        replace(LAB, forge=Forge.GITHUB)
    assert option("domain_id") == "--domain-id"


def test_the_pipelines_are_those_of_the_examples() -> None:
    """Both are read by people who compare them; only the names to fill in differ."""
    texts = render(HOSTED)
    for name in ("preview", "up", "drift"):
        shown = (ROOT / "examples" / "github" / f"{name}.yml").read_text(encoding="utf-8")
        made = texts[f".github/workflows/{name}.yml"]
        made = made.replace("example/", "OWNER/").replace(COMMIT, "0" * 40).replace("[trunk]", "[main]")
        assert made == re.sub(r"# v\S+", f"# v{current_version()}", shown)
    shown = (ROOT / "examples" / "gitlab" / ".gitlab-ci.yml").read_text(encoding="utf-8")
    assert render(LAB)[".gitlab-ci.yml"].replace("a/b/", "OWNER/").replace(COMMIT, "0" * 40) == shown


def test_the_requirements_pin_this_version_and_a_sandbox_s_have_the_service() -> None:
    assert f"\nvoiceid-optout=={current_version()}\n" in render(REAL)["requirements.txt"]
    assert f"\nvoiceid-optout[service]=={current_version()}\n" in render(SANDBOX)["requirements.txt"]


def test_owners_own_the_files_that_decide() -> None:
    lines = render(replace(HOSTED, owners="@example/privacy"))[".github/CODEOWNERS"].splitlines()
    owned = {line.split()[0] for line in lines if line.endswith(" @example/privacy")}
    assert {"/config/", "/Pulumi.yaml", "/Pulumi.*.yaml", "/__main__.py", "/.github/"} <= owned
    assert not [line for line in render(HOSTED)[".github/CODEOWNERS"].splitlines() if line and line[0] != "#"]
