"""The rules of the house that a program can check: sizes, mirrors, and what no file may carry."""

import ast
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("voiceid_optout", "providers") for path in (ROOT / folder).rglob("*.py"))
TESTS = sorted(path for path in (ROOT / "tests").rglob("*.py") if not {".venv", "node_modules"} & {*path.parts})

MOST_LINES = 400

# Modules with logic and without a mirroring test file, and the file that tests them instead, because what they do
# shows only there.
TESTED_ELSEWHERE = {
    # Every fault of a register has a file, and a line that is expected of it.
    "voiceid_optout/cli/register_files.py": "tests/cli/test_editing.py",
    # What the service answers is asked of it over HTTP, by AWS's own client.
    "voiceid_optout/cli/serve.py": "tests/service/test_cli_serve.py",
    "voiceid_optout/cli/serve_store.py": "tests/service/test_cli_serve_keys.py",
    "voiceid_optout/cli/serve_production.py": "tests/service/test_cli_serve_production.py",
    "voiceid_optout/service/ids.py": "tests/service/operations/test_domains.py",
    "voiceid_optout/service/operations/catalogue.py": "tests/service/http/test_app.py",
    "voiceid_optout/service/operations/hooks.py": "tests/service/http/test_admin.py",
    "voiceid_optout/service/operations/paging.py": "tests/service/operations/test_speakers.py",
}

_LOGIC = (
    *(ast.If, ast.IfExp, ast.Match, ast.For, ast.AsyncFor, ast.While, ast.Try),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def length(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_no_module_is_too_long_to_read() -> None:
    assert [name(path) for path in SOURCES + TESTS if length(path) > MOST_LINES] == []


def has_logic(path: Path) -> bool:
    """Tell whether a function of the module decides or repeats something."""
    functions = (
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return any(isinstance(node, _LOGIC) for function in functions for node in ast.walk(function))


def mirror(module: str) -> str:
    """Return the test file of a module: plan/review.py has tests/plan/test_review.py, plan itself test_plan.py."""
    path = Path(module.removeprefix("voiceid_optout/"))
    name = f"{path.parent.name}.py" if path.name == "__init__.py" else path.name
    return Path("tests", path.parent, f"test_{name}").as_posix()


def test_every_module_with_logic_has_its_tests() -> None:
    modules = [name(path) for path in SOURCES if has_logic(path)]
    wanted = {module: (mirror(module), TESTED_ELSEWHERE.get(module, "nowhere")) for module in modules}
    untested = [module for module, paths in wanted.items() if not any((ROOT / path).exists() for path in paths)]
    assert untested == []


def test_tests_of_the_service_lie_where_its_modules_do() -> None:
    """Beside the folders are tests of several modules; one file tests a library that the service stands on."""
    tests = sorted((ROOT / "tests" / "service").glob("*/test_*.py"))
    modules = [Path("voiceid_optout", *path.parts[-3:-1], path.name.removeprefix("test_")) for path in tests]
    strays = [name(path) for path, module in zip(tests, modules, strict=True) if not (ROOT / module).exists()]
    assert strays == ["tests/service/http/test_uvicorn.py"]


def test_no_exception_outlives_its_reason() -> None:
    gone = [module for module in TESTED_ELSEWHERE if not (ROOT / module).exists()]
    assert gone == []
    mirrored = [module for module in TESTED_ELSEWHERE if (ROOT / mirror(module)).exists()]
    assert mirrored == [], "these have the test file of their own name: take them off the list"


def tracked(*options: str) -> list[str]:
    """Return the paths that are under version control."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a Git checkout")
    command = [git, "ls-files", "-z", *options]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return list(filter(None, listed.split("\0")))


def test_nothing_that_is_built_is_under_version_control() -> None:
    assert tracked("--cached", "--ignored", "--exclude-standard") == []


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """Every text that is under version control, by its path."""
    found = {}
    for path in tracked():
        try:
            found[path] = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):  # no text, or about to be removed
            continue
    return found


def hits(texts: dict[str, str], pattern: str) -> Iterator[tuple[str, str]]:
    for path, text in texts.items():
        for match in re.finditer(pattern, text):
            yield path, match[match.lastindex or 0]


def is_data(path: str) -> bool:
    """Tell whether identifiers belong there: the sample register and the tests."""
    return path.startswith(("config/", "tests/"))


def test_examples_name_nobody_but_the_invented_callers(texts: dict[str, str]) -> None:
    """Help texts and documents show ids of one form, which no contact centre uses: caller-0000 and two digits."""
    examples = {(path, id_) for path, id_ in hits(texts, r"\bcaller-[\w-]+") if not is_data(path)}
    assert examples
    assert [(path, id_) for path, id_ in examples if not re.fullmatch(r"caller-0000\d\d", id_)] == []


def test_no_file_carries_a_telephone_number_or_an_address(texts: dict[str, str]) -> None:
    beyond_data = {path: text for path, text in texts.items() if not is_data(path) and "--hash=sha256:" not in text}
    assert list(hits(beyond_data, r"(?<![\w/.])\+[1-9][0-9 ]{7,}|\b[\w.%+]+@[\w-]+\.(?:com|org|net|de|eu)\b")) == []


def test_no_file_knows_the_machine_it_was_written_on(texts: dict[str, str]) -> None:
    paths = hits(texts, r"(?<![\w.$/])/(?:root|work|workspace|Users|private|mnt)/|(?<![\w.])/(?:home)/(?!you/)")
    assert list(paths) == []


HOSTS = (
    *("127.0.0.1", "json-schema.org", "www.apache.org", "www.pulumi.com", "api.pulumi.com", "www.w3.org"),
    *("github.com", "api.github.com", "api.osv.dev"),
    *("www.rfc-editor.org", "w3id.org", "purl.org"),  # standards and vocabularies
    "www.textualize.io",  # in the terminal picture, by the library that draws it
)


def test_no_file_names_a_host_that_others_cannot_reach(texts: dict[str, str]) -> None:
    """Lock files and settings of package managers like to keep the address of a registry."""
    found = {(path, host) for path, host in hits(texts, r"https?://(?:[\w:]+@)?([\w-]+(?:\.[\w-]+)+)")}
    strange = [
        (path, host)
        for path, host in sorted(found)
        if host not in HOSTS and not re.search(r"(?:^|\.)(?:example(?:\.org|\.com|\.net)?|amazonaws\.com)$", host)
    ]
    assert strange == []
