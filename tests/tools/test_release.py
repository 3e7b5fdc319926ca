"""What may not be released: the decisions of ``make release-check`` and ``make changelog``."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.tables import each_row
from tools.release import changelog
from tools.release.check import LOCKS, changelog_faults, lock_faults, pins, sbom_faults, version_faults

ROOT = Path(__file__).parents[2]
CHANGES = """# Changelog

<!-- mark -->

## 0.2.0 (2026-03-02)

### Added

- Something.

## 0.1.0 (2026-01-02)

- The first.
"""


def test_a_section_of_the_changelog_ends_before_the_next() -> None:
    assert changelog.section(CHANGES, "0.1.0") == "## 0.1.0 (2026-01-02)\n\n- The first.\n"
    newest = changelog.section(CHANGES, "0.2.0")
    assert newest is not None
    assert newest.endswith("- Something.\n")
    assert changelog.section(CHANGES, "0.1") is None


def test_a_section_is_taken_out_alone() -> None:
    assert "Something" not in changelog.without(CHANGES, "0.2.0")
    assert "The first." in changelog.without(CHANGES, "0.2.0")
    assert changelog.without(CHANGES, "0.3.0") == CHANGES


def test_before_a_release_fragments_stand_for_the_entry_and_then_no_more() -> None:
    assert changelog_faults("", ["a.added.md"], "0.3.0", final=False) == []
    assert changelog_faults("", [], "0.3.0", final=False) == ["nothing is said of 0.3.0"]
    assert "no section for 0.3.0" in changelog_faults(CHANGES, [], "0.3.0", final=True)[0]
    assert "1 fragments" in changelog_faults(CHANGES, ["a.added.md"], "0.2.0", final=True)[0]
    assert changelog_faults(CHANGES, [], "0.2.0", final=True) == []


def test_a_tag_is_the_version_and_no_code_repeats_it(tmp_path: Path) -> None:
    (tmp_path / "voiceid_optout").mkdir()
    (tmp_path / "deploy").mkdir()
    code = tmp_path / "voiceid_optout" / "a.py"
    code.write_text("at_least = '10.1.0.1'\n", encoding="utf-8")
    assert version_faults("0.1.0", "v0.1.0", tmp_path) == []
    assert version_faults("0.1.0", "v0.2.0", tmp_path) == ["the tag v0.2.0 is not v0.1.0"]
    code.write_text("__version__ = '0.1.0'\n", encoding="utf-8")
    assert version_faults("0.1.0", None, tmp_path) == ["voiceid_optout/a.py says 0.1.0; ask importlib.metadata"]


def test_locks_that_contradict_a_requirement_or_each_other_are_found() -> None:
    locks = {"a": "click==8.1.0 \\\n    --hash=sha256:0\n", "b": "click==8.2.0\nPyYAML[x]==6.0 ; os_name == 'nt'\n"}
    assert pins(locks["b"]) == {"click": {"8.2.0"}, "pyyaml": {"6.0"}}
    assert lock_faults(["click>=8.2", "pyyaml"], locks, ["a"]) == [
        "a: click 8.1.0 is not click>=8.2",
        "a: pyyaml is not there",
        "click has different versions: {'a': {'8.1.0'}, 'b': {'8.2.0'}}",
    ]


def test_the_locks_of_this_checkout_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["service"]]
    assert (
        lock_faults(wanted, {name: (ROOT / name).read_text(encoding="utf-8") for name in LOCKS}, LOCKS[::2]) == []
    )


def test_the_oldest_dependencies_that_are_tested_are_those_that_are_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = pins((ROOT / "tools" / "lowest.txt").read_text(encoding="utf-8"))
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["service"]]:
        name, _, rest = requirement.partition(">=")
        bound = rest.partition(",")[0].partition(";")[0].strip()
        (pinned,) = lowest[name]
        assert (pinned + ".0.0").startswith(bound), (
            f"{name}: {pinned} is not the lowest of {requirement}: make lock"
        )


@each_row(
    ("components", "faults"),
    [
        ([("Click", "8.2.0"), ("pip", "25.0")], []),
        ([("click", "8.2.1"), ("pip", "25.0")], ["click: 8.2.1 and 8.2.0"]),
        ([("pip", "25.0")], ["click: not in the SBOM and 8.2.0"]),
        ([("click", "8.2.0"), ("pip", "25.0"), ("ghost", "1")], ["ghost: 1 and not installed"]),
    ],
)
def test_an_sbom_that_differs_from_what_is_installed_is_found(
    components: list[tuple[str, str]], faults: list[str]
) -> None:
    document = {"components": [{"name": name, "version": version} for name, version in components]}
    assert sbom_faults(document, {"click": "8.2.0", "pip": "25.0"}) == faults
