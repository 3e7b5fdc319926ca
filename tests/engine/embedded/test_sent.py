from __future__ import annotations

from typing import TYPE_CHECKING

from tests.engine.bench import SEALED
from voiceid_optout.engine.embedded.sent import by_program
from voiceid_optout.state import project as projects

if TYPE_CHECKING:
    from tests.engine.bench import Bench


def sent(bench: Bench) -> frozenset[str]:
    request = bench.request()
    project = projects.load_project(request.root)
    return by_program(request, project, projects.resolve(projects.load_stack(project, "dev"), SEALED.decrypt))


def test_the_provider_of_the_program_and_nothing_is_done(bench: Bench) -> None:
    (text,) = sent(bench)
    assert text.startswith("gASV")
    assert bench.calls() == []
    assert not list(bench.backend.root.iterdir())


def test_a_program_that_fails_has_sent_what_it_had_sent(bench: Bench) -> None:
    bench.write("__main__.py", "raise SystemExit(3)\n")
    assert sent(bench) == frozenset()
    bench.write("__main__.py", "import os\nos._exit(3)\n")
    assert sent(bench) == frozenset()


def test_what_the_embedded_engine_does_not_do_is_answered_too(bench: Bench) -> None:
    bench.write(
        "__main__.py",
        "import pulumi\n"
        "class Other(pulumi.CustomResource):\n"
        "    def __init__(self, type_, name, opts=None, **props):\n"
        "        super().__init__(type_, name, props, opts)\n"
        "Other('aws:s3:Bucket', 'b')\n"
        "Other('aws:s3:Bucket', 'c', opts=pulumi.ResourceOptions(id='x'))\n"
        "pulumi.runtime.invoke('aws:index:getRegion', {})\n"
        "Other('pulumi-python:dynamic:R', 'r', __provider=pulumi.Output.secret('text'))\n",
    )
    assert sent(bench) == {"text"}
