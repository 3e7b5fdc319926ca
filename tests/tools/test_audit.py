"""What is installed is locked by hash, is what the lock says, and a source that does not answer is no good news."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tools.audit import __main__ as audit
from tools.audit import locks

HASH = "--hash=sha256:" + "0" * 64
LOCK = f"""# of make lock
boto3==1.44.5 \
    {HASH} \
    {HASH}
idna==3.20 ; python_version < '4' \
    {HASH}
"""


def test_this_repository_installs_nothing_without_a_hash() -> None:
    """``python -m tools.audit --offline`` says what is wrong."""
    report = audit.Report()
    audit.repository(report)
    assert report.faults == 0


def test_a_lock_has_a_version_and_hashes_for_each_package() -> None:
    assert locks.lock_faults(LOCK) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("boto3==1.44.5", "boto3: has no SHA-256 of its files"),
        ("boto3==1.44.5 --hash=md5:0123", "boto3: has no SHA-256 of its files"),
        (f"boto3==1.44.5 {HASH}0", "boto3: has no SHA-256 of its files"),
        (f"boto3>=1.44.5 {HASH}", "boto3>=1.44.5: is not one version"),
        (f"boto3==1.* {HASH}", "boto3==1.*: is not one version"),
        (f"boto3 {HASH}", "boto3: is not one version"),
        (
            f"boto3 @ https://example.org/boto3.whl {HASH}",
            "boto3 @ https://example.org/boto3.whl: is not one version",
        ),
        ("--index-url https://example.org", "--index-url https://example.org: is no requirement"),
        ("-e .", "-e .: is no requirement"),
    ],
)
def test_what_a_lock_must_not_have(line: str, fault: str) -> None:
    assert locks.lock_faults(f"{LOCK}{line}\n") == [fault]


def test_a_lock_that_was_not_made_anew_is_named() -> None:
    assert locks.stale("# why\nboto3==1.44.5\n", LOCK) == []
    assert locks.stale("boto3==1.45\n", LOCK) == ["boto3==1.45: the lock has 1.44.5; run make lock"]
    assert locks.stale("twine==7\n", LOCK) == ["twine==7: the lock has nothing; run make lock"]


def test_npm_needs_the_hash_of_each_package_and_the_name_of_no_index() -> None:
    good = {"version": "1.0.0", "integrity": "sha512-abc"}
    package = {"dependencies": {"a": "1.0.0"}}
    lock = {"lockfileVersion": 3, "packages": {"": package, "node_modules/a": good}}
    assert locks.npm_faults(lock, package) == []
    assert locks.npm_faults({**lock, "lockfileVersion": 1}, package) == ["its version is not 3"]
    assert locks.npm_faults(lock, {"dependencies": {"a": "2.0.0"}}) == [
        "package.json asks for others; run npm install --package-lock-only"
    ]
    for wrong, fault in (
        ({"version": "1.0.0"}, "node_modules/a: has no SHA-512 of its files"),
        ({**good, "integrity": "sha1-abc"}, "node_modules/a: has no SHA-512 of its files"),
        (
            {**good, "resolved": "https://example.org/a.tgz"},
            "node_modules/a: names an index; versions and hashes are enough",
        ),
    ):
        packages = {"": package, "node_modules/a": wrong}
        assert locks.npm_faults({"lockfileVersion": 3, "packages": packages}, package) == [fault]


def test_go_needs_the_hash_of_each_module() -> None:
    module = "module m\n\nrequire (\n\tgolang.org/x/sys v0.42.0 // indirect\n)\n"
    line = f"golang.org/x/sys v0.42.0 h1:{'a' * 43}=\n"
    assert locks.go_faults(module, line) == []
    assert locks.go_faults(module, line.replace("0.42", "0.41")) == ["golang.org/x/sys v0.42.0: has no hash"]
    assert locks.go_faults(module, line.replace("v0.42.0", "v0.42.0/go.mod")) == [
        "golang.org/x/sys v0.42.0: has no hash"
    ]


def test_maven_and_cargo_need_exact_versions() -> None:
    pom = (
        "<project><properties><sdk.version>2.40.2</sdk.version></properties><dependency><groupId>g</groupId>"
        "<artifactId>a</artifactId><version>${sdk.version}</version></dependency></project>"
    )
    assert locks.maven_pins(pom) == ({"g:a": "2.40.2"}, [])
    assert locks.maven_pins(pom.replace("2.40.2", "[2,3)"))[1] == ["g:a [2,3): is not one version"]
    assert locks.maven_pins(pom.replace("<version>${sdk.version}</version>", ""))[1] == [
        "1 dependencies without a version"
    ]
    assert locks.cargo_pins({"dependencies": {"a": "=1.2.3", "b": {"version": "=2.0.0"}}}) == (
        {"a": "1.2.3", "b": "2.0.0"},
        [],
    )
    assert locks.cargo_pins({"dev-dependencies": {"a": "1.2"}})[1] == ["a 1.2: is not one version"]


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("Makefile", "\t$(PIP) -r requirements.txt"),
        ("Makefile", "\tbin/python -m pip --quiet install \\\n\t  -r requirements.txt"),
        ("Containerfile", "RUN pip install boto3"),
        (".github/workflows/ci.yml", "      - run: npm install"),
        (".github/workflows/ci.yml", "      - run: npx eslint"),
        (".github/workflows/ci.yml", "      - run: uv pip install boto3"),
        (".github/workflows/ci.yml", "      - run: go install example.org/tool@latest"),
        (".github/workflows/ci.yml", "      - run: curl -sSf https://example.org/install | sh"),
        ("docs/start.md", "$ pipx install boto3"),
        ("tools/x.py", '    command = [python, "-m", "pip", "install", "boto3"]'),
    ],
)
def test_an_installation_without_hashes_is_found(file: str, command: str) -> None:
    text = command.replace("$(PIP)", "python -m pip install")
    faults, _ = locks.without_hashes({file: text}, {})
    assert len(faults) == 1
    assert faults[0].startswith(f"{file}: ")


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("Makefile", "\tbin/python -m pip install \\\n\t  --require-hashes -r requirements.txt"),
        ("Makefile", "\tpip install --no-deps --no-index ."),
        ("Makefile", "\tcd node && npm ci --no-audit"),
        ("Makefile", "# pip install boto3 would take anything"),
        ("docs/start.md", "Run `pip install boto3` in words."),
        ("tools/x.py", '    raise ValueError("run pip install boto3")'),
    ],
)
def test_an_installation_with_hashes_is_none(file: str, command: str) -> None:
    assert locks.without_hashes({file: command}, {}) == ([], [])


def test_an_exception_holds_for_its_file_alone_and_must_be_needed() -> None:
    allowed = {("docs/.*", "boto3"): "why"}
    texts = {"docs/a.md": "$ pip install boto3", "b.md": "$ pip install boto3"}
    assert locks.without_hashes(texts, allowed) == (["b.md: pip install boto3"], [])
    assert locks.without_hashes({}, allowed) == ([], [("docs/.*", "boto3")])


def test_what_is_installed_otherwise_is_named() -> None:
    installed = {"boto3": "1.0", "idna": "3.20", "left-pad": "1", "pip": "26"}
    assert locks.differing(installed, {"boto3": ["1.44.5"], "idna": ["3.19", "3.20"]}) == [
        "boto3 1.0: the lock has 1.44.5",
        "left-pad 1: the lock has none",
    ]


def test_a_package_that_was_not_looked_up_is_no_good_news() -> None:
    good, skipped = {"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}
    weak = {"name": "c", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}
    for packages, found in (
        ([good], []),
        ([good, skipped], ["b: not found"]),
        ([skipped, skipped], None),
        ([good, weak], ["c 2: PYSEC-1, mended in 3"]),
    ):
        assert locks.vulnerable_python(json.dumps({"dependencies": packages, "fixes": []})) == found
    assert locks.vulnerable_python("") is None
    assert locks.vulnerable_python("[]") is None


def test_npm_s_error_is_no_good_news() -> None:
    assert locks.vulnerable_npm('{"auditReportVersion": 2, "vulnerabilities": {}}') == []
    told = {"vulnerabilities": {"a": {"severity": "high", "range": "<2"}}}
    assert locks.vulnerable_npm(json.dumps(told)) == ["a: high, <2"]
    assert locks.vulnerable_npm('{"statusCode": 405, "error": {"summary": ""}}') is None
    assert locks.vulnerable_npm("") is None


class _Osv(BaseHTTPRequestHandler):
    """Answers that version 1 of anything is vulnerable."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        results: list[dict[str, Any]] = [
            {"vulns": [{"id": "GO-1"}]} if one["version"] == "1" else {} for one in asked
        ]
        body = json.dumps({"results": results}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
        pass


@pytest.fixture
def osv(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with HTTPServer(("127.0.0.1", 0), _Osv) as server:
        monkeypatch.setattr(audit, "OSV", f"http://127.0.0.1:{server.server_port}")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


def test_osv_is_asked_about_each_version(osv: None) -> None:
    assert audit.osv("Go", {"a": "2", "b": "1"}) == ["b 1: GO-1"]


def test_osv_that_does_not_answer_is_no_good_news(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "OSV", "http://127.0.0.1:9")
    assert audit.osv("Go", {"a": "2"}) is None


@pytest.mark.parametrize(
    ("arguments", "faults", "answer", "code", "said"),
    [
        ([], [], [], 0, "nothing is wrong\n"),
        ([], [], None, 3, "nothing is wrong here, but 1 lists of known vulnerabilities could not be read\n"),
        ([], [], ["a: PYSEC-1"], 1, "1 faults\n"),
        ([], ["a lock"], None, 1, "1 faults\n"),
        (["--offline"], [], None, 0, "nothing is wrong here; known vulnerabilities were not asked for\n"),
        (["--offline"], ["a lock"], [], 1, "1 faults\n"),
    ],
)
def test_how_it_ends(
    arguments: list[str],
    faults: list[str],
    answer: list[str] | None,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(audit, "environments", lambda report: None)
    monkeypatch.setattr(audit, "repository", lambda report: report.step("locks", faults))
    monkeypatch.setattr(audit, "online", lambda report: report.step("PyPI", answer, "PyPI"))
    assert audit.main(arguments) == code
    assert capsys.readouterr().out.endswith(said)
