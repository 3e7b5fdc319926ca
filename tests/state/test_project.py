from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tables import each_row
from tests.test_files import BOMB
from voiceid_optout.state import OutOfScopeError, ProjectError
from voiceid_optout.state import project as projects
from voiceid_optout.state.project import Project, StackSettings

SALT = "v1:AAECAwQFBgc=:v1:AAECAwQFBgcICQoL:Lsv0Mq4P43OA9/CWlvPiZJXoK3BhFA=="


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, "sample", ".")


def stack_file(project: Project, text: str, name: str = "dev") -> Path:
    path = project.root / f"Pulumi.{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class TestProject:
    @pytest.mark.parametrize(
        "runtime", ["runtime: python", "runtime: {name: python, options: {virtualenv: .venv}}"]
    )
    def test_load(self, tmp_path: Path, runtime: str) -> None:
        (tmp_path / "Pulumi.yaml").write_text(f"name: sample\n{runtime}\n")
        assert projects.load_project(tmp_path) == Project(tmp_path, "sample", ".")

    def test_main(self, tmp_path: Path) -> None:
        (tmp_path / "Pulumi.yaml").write_text("name: sample\nruntime: python\nmain: infra\n")
        project = projects.load_project(tmp_path)
        assert (project.main, project.cli_only) == ("infra", ("main",))

    def test_what_says_nothing(self, tmp_path: Path) -> None:
        text = (
            "name: sample\nruntime: python\nmain: .\nconfig: {}\noptions:\nplugins: {}\nrequiredPulumiVersion: ''\n"
        )
        (tmp_path / "Pulumi.yaml").write_text(text)
        assert projects.load_project(tmp_path) == Project(tmp_path, "sample", ".")

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            (
                "config: {sample:grouping: sharded}",
                "`config` is .*: put its values under `config:` of each stack file",
            ),
            ("config: {grouping: {type: string}}", "`config` is .*"),
            ("config: stacks", "`config` is .*"),
            ("stackConfigDir: stacks", "`stackConfigDir` is .*: keep the stack files beside Pulumi.yaml"),
            ("options: {refresh: always}", "`options` is .*: ask for a refresh with `--refresh`"),
        ],
    )
    def test_what_no_command_reads_is_refused(self, tmp_path: Path, line: str, words: str) -> None:
        (tmp_path / "Pulumi.yaml").write_text(f"name: sample\nruntime: python\n{line}\n")
        with pytest.raises(ProjectError, match=f"Pulumi.yaml: {words}"):
            projects.load_project(tmp_path)

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(
            ProjectError, match=r"no Pulumi.yaml in .*: run this in the project's folder, or pass --cwd"
        ):
            projects.load_project(tmp_path)

    @pytest.mark.parametrize("text", ["runtime: python", "name: 3\nruntime: python", ""])
    def test_without_a_name(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "Pulumi.yaml").write_text(text)
        with pytest.raises(ProjectError, match=r"Pulumi.yaml: `name` is missing"):
            projects.load_project(tmp_path)

    @pytest.mark.parametrize("runtime", ["runtime: nodejs", "runtime: {name: nodejs}"])
    def test_another_runtime(self, tmp_path: Path, runtime: str) -> None:
        (tmp_path / "Pulumi.yaml").write_text(f"name: sample\n{runtime}\n")
        with pytest.raises(OutOfScopeError, match=r"the runtime 'nodejs' of Pulumi.yaml: the embedded engine"):
            projects.load_project(tmp_path)

    def test_no_runtime(self, tmp_path: Path) -> None:
        (tmp_path / "Pulumi.yaml").write_text("name: sample\n")
        with pytest.raises(OutOfScopeError, match="the runtime None"):
            projects.load_project(tmp_path)

    @pytest.mark.parametrize(
        ("data", "place"),
        [(b"name: [1,\n  2", r"Pulumi.yaml:2:\d+"), (b"name: \xff", r"Pulumi.yaml"), (b"a: 1\n b: 2", r"yaml:2:3")],
    )
    def test_unreadable_yaml(self, tmp_path: Path, data: bytes, place: str) -> None:
        (tmp_path / "Pulumi.yaml").write_bytes(data)
        with pytest.raises(ProjectError, match=f"{place}: is not YAML that can be read"):
            projects.load_project(tmp_path)

    def test_a_list(self, tmp_path: Path) -> None:
        (tmp_path / "Pulumi.yaml").write_text("- name\n")
        with pytest.raises(ProjectError, match=r"Pulumi.yaml: must be a mapping"):
            projects.load_project(tmp_path)

    def test_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "Pulumi.yaml").mkdir()
        with pytest.raises(ProjectError, match=r"cannot read .*Pulumi.yaml: Is a directory"):
            projects.load_project(tmp_path)


class TestStack:
    def test_load(self, project: Project) -> None:
        path = stack_file(project, f"encryptionsalt: {SALT}\nconfig:\n  sample:a: 1\n  b: x\n  other:c: 2\n")
        config = {"sample:a": 1, "sample:b": "x", "other:c": 2}
        assert projects.load_stack(project, "dev") == StackSettings(path, config, SALT)

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("7: x", "Pulumi.dev.yaml: 7 is no config key: write it as `namespace:name`"),
            ("true: x", "True is no config key"),
            ("a:b:c: x", "'a:b:c' is no config key"),
            ("sample:config:a: x", "is no config key"),
            (
                "a: 1\n  sample:a: 2",
                "Pulumi.dev.yaml: `sample:a` stands twice, with its prefix and without: keep one",
            ),
            ("sample:a: 1\n  a: 2", "`sample:a` stands twice"),
            ("a: 1\n  a: 2", "Pulumi.dev.yaml:3:3: stands twice: take one of them out"),
            ("a: 2026-01-02", "Pulumi.dev.yaml:2:6: a date must stand in quotes"),
            ("a: .inf", "Pulumi.dev.yaml: `sample:a` is no number that config can hold"),
            ("a: {b: [.nan]}", "`sample:a` is no number"),
        ],
    )
    def test_config_that_the_engines_would_read_differently(self, project: Project, text: str, words: str) -> None:
        stack_file(project, f"config:\n  {text}\n")
        with pytest.raises(ProjectError, match=re.escape(words)):
            projects.load_stack(project, "dev")

    @pytest.mark.parametrize(
        "text", ["", "config:\n", "config: {}\n", "secretsprovider: passphrase\n", "secretsprovider: ''"]
    )
    def test_without_anything(self, project: Project, text: str) -> None:
        path = stack_file(project, text)
        assert projects.load_stack(project, "dev") == StackSettings(path, {}, None)

    @pytest.mark.parametrize("name", ["dev", "a", "A.b-c_9", "x" * 100])
    def test_names(self, project: Project, name: str) -> None:
        path = stack_file(project, "", name)
        assert projects.load_stack(project, name).path == path

    @pytest.mark.parametrize("name", ["", "a/b", "../dev", "org/p/dev", "x" * 101, "dév", "dev\n", "a b"])
    def test_no_names(self, project: Project, name: str) -> None:
        with pytest.raises(ProjectError, match="is no stack name"):
            projects.load_stack(project, name)

    def test_missing_among_others(self, project: Project) -> None:
        for name in ("prod", "eu.west"):
            stack_file(project, "", name)
        with pytest.raises(
            ProjectError, match=r"no stack file Pulumi.dev.yaml; the stacks here are: eu.west, prod"
        ):
            projects.load_stack(project, "dev")

    def test_missing_alone(self, project: Project) -> None:
        with pytest.raises(ProjectError, match="are: none"):
            projects.load_stack(project, "dev")

    def test_another_secrets_provider(self, project: Project) -> None:
        stack_file(project, "secretsprovider: awskms://alias/x\n")
        with pytest.raises(OutOfScopeError, match=r"the secrets provider of Pulumi.dev.yaml"):
            projects.load_stack(project, "dev")

    def test_environments(self, project: Project) -> None:
        stack_file(project, "environment:\n  - prod\n")
        with pytest.raises(OutOfScopeError, match=r"the `environment` of Pulumi.dev.yaml"):
            projects.load_stack(project, "dev")

    def test_config_of_another_shape(self, project: Project) -> None:
        stack_file(project, "config: [a]\n")
        with pytest.raises(ProjectError, match="`config` must be a mapping"):
            projects.load_stack(project, "dev")

    def test_salt_of_another_shape(self, project: Project) -> None:
        stack_file(project, "encryptionsalt: 5\n")
        with pytest.raises(ProjectError, match="`encryptionsalt` must be a text"):
            projects.load_stack(project, "dev")


class TestStoreSalt:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", "{salt}"),
            ("config:\n  a:b: 1 # why\n", "{salt}config:\n  a:b: 1 # why\n"),
            ("# about\nconfig: {{}}\n", "{salt}# about\nconfig: {{}}\n"),
            ("---\nconfig: {{}}\n", "---\n{salt}config: {{}}\n"),
            ("# about\n\n--- # start\na: 1\n", "# about\n\n--- # start\n{salt}a: 1\n"),
            ("%YAML 1.1\n---\na: 1\n", "%YAML 1.1\n---\n{salt}a: 1\n"),
        ],
    )
    def test_goes_first_and_keeps_the_rest(self, project: Project, before: str, after: str) -> None:
        path = stack_file(project, before.format())
        projects.store_salt(projects.load_stack(project, "dev"), SALT)
        assert path.read_text() == after.format(salt=f"encryptionsalt: {SALT}\n")
        assert projects.load_stack(project, "dev").salt == SALT
        assert path.stat().st_mode & 0o777 == 0o644

    def test_after_a_byte_order_mark(self, project: Project) -> None:
        stack_file(project, "\ufeffconfig:\n  a: b\n")
        projects.store_salt(projects.load_stack(project, "dev"), SALT)
        settings = projects.load_stack(project, "dev")
        assert (settings.salt, settings.config) == (SALT, {"sample:a": "b"})

    @pytest.mark.parametrize("text", ["{config: {}}\n", "encryptionsalt:\nconfig: {}\n"])
    def test_where_it_would_not_be_read(self, project: Project, text: str) -> None:
        path = stack_file(project, text)
        with pytest.raises(ProjectError, match=r"add this line to it.*: encryptionsalt: v1:"):
            projects.store_salt(projects.load_stack(project, "dev"), SALT)
        assert path.read_text() == text

    def test_a_file_that_went_away(self, project: Project) -> None:
        settings = StackSettings(project.root / "Pulumi.dev.yaml", {}, None)
        with pytest.raises(ProjectError, match=r"cannot add the encryption salt to .*: No such file"):
            projects.store_salt(settings, SALT)


class TestConfig:
    def resolve(self, text: str) -> projects.StackConfig:
        settings = StackSettings(Path("unused"), yaml.safe_load(text), None)
        return projects.resolve(settings, lambda sealed: sealed.removeprefix("sealed "))

    @each_row(
        ("value", "text"),
        [
            ("hello", "hello"),
            ("'42'", "42"),
            ("42", "42"),
            ("1.5", "1.5"),
            ("true", "true"),
            ("", ""),
            ("[1, a]", '[1,"a"]'),
            ("{b: 1, a: {c: é}}", '{"a":{"c":"é"},"b":1}'),
            ("2026-01-31", "2026-01-31"),
            ("[2026-01-31]", '["2026-01-31"]'),
            ("{1: {2: x}}", '{"1":{"2":"x"}}'),
        ],
    )
    def test_every_value_is_a_text(self, value: str, text: str) -> None:
        config = self.resolve(f"a:b: {value}")
        assert config == projects.StackConfig({"a:b": text}, frozenset())

    @each_row(
        ("value", "text"),
        [
            ("{secure: sealed x}", "x"),
            ("{a: {b: {secure: sealed x}}, c: 1}", '{"a":{"b":"x"},"c":1}'),
            ("[{secure: sealed x}, y]", '["x","y"]'),
            ("{a: [{b: {secure: sealed x}}]}", '{"a":[{"b":"x"}]}'),
        ],
    )
    def test_secrets_wherever_they_are(self, value: str, text: str) -> None:
        config = self.resolve(f"plain: p\na:b: {value}")
        assert config.values == {"plain": "p", "a:b": text}
        assert config.secret_keys == {"a:b"}

    @each_row("value", [{"secure": "x", "other": 1}, {"a": ["secure"]}, "secure"])
    def test_no_secrets(self, value: Any) -> None:
        assert not self.resolve(yaml.safe_dump({"k": value})).secret_keys


BAD_NAMES = ["..", ".", "a/b", "../../etc", "a\nb", "a\x1b[2J", "", "x" * 101, "a b", "\u202e", "a\n"]


class TestNames:
    @pytest.mark.parametrize("name", BAD_NAMES)
    def test_of_a_project(self, tmp_path: Path, name: str) -> None:
        (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump({"name": name, "runtime": "python"}))
        with pytest.raises(ProjectError, match=r"Pulumi.yaml: .* is no project's name: ") as error:
            projects.load_project(tmp_path)
        assert str(error.value).isprintable()

    @pytest.mark.parametrize("name", BAD_NAMES)
    def test_of_a_stack(self, project: Project, name: str) -> None:
        with pytest.raises(ProjectError, match="is no stack name: ") as error:
            projects.load_stack(project, name)
        assert str(error.value).isprintable()

    @each_row("name", ["a", "A.b_c-9", "...", ".a", "x" * 100])
    def test_that_pulumi_takes(self, name: str) -> None:
        assert projects.name_problem(name) is None


class TestLimits:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("[" * 20_000, r":1:17: is nested more than 16 levels deep"),
            (f"config:\n  a: &a {{b: 1}}\n{BOMB}", "counting what aliases stand for"),
            ("a: " + "x" * 1024 * 1024, "is larger than 256 KB"),
            (f"config:\n  a: 0x{'f' * 5000}\n", "is not YAML that can be read"),
            (f"config:\n  a: {'1' * 5000}\n", "is not YAML that can be read"),
            ("a: \xff", "is not YAML that can be read"),
            ("a: &a [*a]", "not yet complete"),
        ],
    )
    def test_a_hostile_file_is_one_clear_error(self, project: Project, text: str, words: str) -> None:
        stack_file(project, "").write_bytes(text.encode("latin-1"))
        with pytest.raises(ProjectError, match=words):
            projects.load_stack(project, "dev")
        (project.root / "Pulumi.yaml").write_bytes(text.encode("latin-1"))
        with pytest.raises(ProjectError, match=words):
            projects.load_project(project.root)
