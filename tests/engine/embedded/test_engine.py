"""The engine as a whole, when nothing goes wrong: what is called, what is told, what is kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.engine.bench import SALT, SEALED, THING, urn
from voiceid_optout.engine.interface import Operation
from voiceid_optout.state import OutOfScopeError
from voiceid_optout.state.values import Secret

if TYPE_CHECKING:
    from tests.engine.bench import Bench

THREE = ["s0", "s1", "s2"]


def test_first_up(bench: Bench) -> None:
    ran = bench.up()
    assert ran.ok
    assert ran.made() == [("create", name) for name in THREE]
    assert ran.made("check", "diff", "read") == [("check", name) for name in THREE]
    assert sorted(ran.steps()) == [("create", name) for name in THREE]
    assert ran.changes == {"create": 4}
    assert bench.status() == dict.fromkeys(THREE, "ON")
    state = bench.things()["s0"]
    assert (state.id, state.type, state.custom) == ("id-s0-a", THING, True)
    assert state.inputs["val"] == state.outputs["val"] == "a"
    assert state.created == state.modified != ""
    assert state.source_position.startswith("project:///__main__.py#")


def test_preview_of_a_new_stack_writes_nothing(bench: Bench) -> None:
    ran = bench.run("preview")
    assert ran.ok
    assert sorted(ran.steps()) == [("create", name) for name in THREE]
    assert ran.made() == []
    assert list(bench.backend.root.iterdir()) == []


def test_no_change(settled: Bench) -> None:
    before = settled.things()
    ran = settled.up()
    assert ran.ok
    assert ran.changes == {"same": 4}
    assert ran.made() == []
    assert ran.made("check", "diff") == [(method, name) for method in ("check", "diff") for name in THREE]
    assert settled.things() == before


def test_changed_input(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={})
    assert settled.run("preview").changes == {"same": 3, "update": 1}
    created = settled.things()["s0"].created
    ran = settled.up()
    assert ran.made() == [("update", "s0")]
    state = settled.things()["s0"]
    assert state.outputs["val"] == "b"
    assert state.created == created < state.modified


def test_arguments_of_the_provider(settled: Bench) -> None:
    settled.want(s0={"val": "b"}, s1={}, s2={})
    calls = {call["method"]: call for call in settled.up().calls if call["name"] == "s0"}
    old, new = {"name": "s0", "val": "a"}, {"name": "s0", "val": "b"}
    assert (calls["check"]["olds"], calls["check"]["news"]) == (old, new)
    assert (calls["diff"]["olds"], calls["diff"]["news"]) == ({**old, "status": "ON"}, new)
    assert (calls["update"]["olds"], calls["update"]["news"], calls["update"]["id"]) == (old, new, "id-s0-a")


def test_removed_from_the_program(settled: Bench) -> None:
    settled.want(s0={}, s2={})
    assert settled.run("preview").steps()[-1] == ("delete", "s1")
    ran = settled.up()
    assert ran.made() == [("delete", "s1")]
    assert sorted(settled.things()) == ["s0", "s2"]
    assert settled.objects() == {"id-s0-a": "ON", "id-s2-a": "ON"}


def test_retained_when_removed(bench: Bench) -> None:
    bench.want(s0={"retain_on_delete": True}, s1={})
    bench.up()
    bench.want(s1={})
    ran = bench.up()
    assert ("delete", "s0") in ran.steps()
    assert ran.made() == []
    assert sorted(bench.things()) == ["s1"]
    assert bench.objects()["id-s0-a"] == "ON"


def test_the_last_dynamic_resource_takes_its_provider_along(settled: Bench) -> None:
    settled.want()
    assert settled.up().ok
    assert [item.type for item in settled.checkpoint().resources] == ["pulumi:pulumi:Stack"]


def test_destroy(settled: Bench) -> None:
    ran = settled.run("destroy")
    assert ran.ok
    assert ran.made() == [("delete", name) for name in THREE]
    assert ran.changes == {"delete": 4}
    assert settled.objects() == {}
    assert "resources" not in settled.document()["checkpoint"]["latest"]
    assert settled.run("destroy").ok
    assert settled.up().made() == [("create", name) for name in THREE]


def test_a_preview_of_destroy_says_the_same_and_changes_nothing(settled: Bench) -> None:
    state, things = settled.checkpoint(), settled.objects()
    planned = settled.run("preview-destroy")
    assert planned.ok
    assert (settled.checkpoint(), settled.objects()) == (state, things)
    assert sorted(planned.steps()) == sorted(settled.run("destroy").steps())
    assert len(planned.steps()) == len(THREE)


def test_the_program_is_not_run_by_refresh_and_destroy(settled: Bench) -> None:
    settled.write("__main__.py", "raise SystemExit(9)\n")
    assert settled.run("refresh").ok
    assert settled.run("destroy").ok


def test_components(bench: Bench) -> None:
    bench.want(c={"component": True}, s0={"parent": "c"}, s1={"val_from": "s0"}, s2={"depends_on": ["c"]})
    preview = bench.run("preview")
    assert ("create", "s1") in preview.steps()
    assert bench.up().ok
    resources = {item.urn.split("::")[-1]: item for item in bench.checkpoint().resources}
    group, child = resources["c"], resources["s0"]
    assert group.urn == urn("c", "sample:group:Group")
    assert group.outputs == {"size": 1}
    assert (child.urn, child.parent) == (urn("s0", f"sample:group:Group${THING}"), group.urn)
    assert resources["s1"].inputs["val"] == "ON"
    assert resources["s1"].dependencies == (child.urn,)
    assert child.urn in resources["s2"].dependencies
    assert bench.up().changes == {"same": 5}
    assert bench.run("destroy").ok


def test_exports_are_the_outputs_of_the_stack(settled: Bench) -> None:
    assert settled.stack().outputs == {"greeting": "hello", "size": 3}
    settled.config("sample:other: x\n")
    assert settled.up().ok
    assert settled.stack().outputs == {"size": 3}


def test_a_preview_gives_dependents_what_will_be_known(settled: Bench) -> None:
    settled.want(s0={}, s1={"val_from": "s0"}, s2={})
    settled.up()
    settled.want(s0={"val": "b"}, s1={"val_from": "s0"}, s2={})
    ran = settled.run("preview")
    (check,) = [call for call in ran.calls if (call["method"], call["name"]) == ("check", "s1")]
    assert "Unknown" in check["news"]["val"]
    assert ran.changes == {"same": 2, "update": 2}
    assert settled.up().changes == {"same": 3, "update": 1}


def test_values_of_all_kinds(bench: Bench) -> None:
    more = {"list": [1, None, 2.5], "map": {"none": None, "yes": True, "big": 12345678901234567890}, "none": None}
    bench.want(s0={"more": {**more, "text": "é<&>\u2028"}})
    assert bench.up().ok
    inputs = bench.things()["s0"].inputs
    assert inputs["list"] == [1, None, 2.5]
    assert inputs["map"] == {"yes": True, "big": 12345678901234567000}
    assert inputs["text"] == "é<&>\u2028"
    assert "none" not in inputs
    assert bench.up().changes == {"same": 2}


def test_secrets_are_secret_at_rest_and_in_events(bench: Bench) -> None:
    bench.want(s0={"val": "hush", "secret": True})
    ran = bench.up()
    assert ran.calls[-1]["props"]["val"] == "hush"
    state = bench.things()["s0"]
    assert state.inputs["val"] == state.outputs["val"] == Secret("hush")
    # The sample's ids are made of values; ids are never secret.
    assert "hush" not in json.dumps([ran.events, bench.document()]).replace("id-s0-hush", "")
    assert bench.up().changes == {"same": 2}


def test_an_input_that_becomes_secret_is_so_in_the_outputs_too(settled: Bench) -> None:
    settled.want(s0={"secret": True}, s1={}, s2={})
    assert settled.up().changes == {"same": 4}
    state = settled.things()["s0"]
    assert state.inputs["val"] == state.outputs["val"] == Secret("a")


def test_secret_outputs_stay_secret(bench: Bench) -> None:
    bench.want(s0={"additional_secret_outputs": ["status"]})
    bench.up()
    assert bench.things()["s0"].outputs["status"] == Secret("ON")
    bench.drift("id-s0-a", "OFF")
    assert bench.run("refresh").ok
    assert bench.things()["s0"].outputs["status"] == Secret("OFF")
    assert bench.up().made() == [("update", "s0")]
    assert bench.things()["s0"].outputs["status"] == Secret("ON")


def test_config_reaches_program_and_provider(bench: Bench) -> None:
    bench.config(
        "sample:greeting: hello\n"
        f"sample:token:\n  secure: {SEALED.encrypt('hush')}\n"
        "other:number: 42\n"
        "sample:yes: yes\n"
        f'sample:deep:\n  z: "<a>"\n  a: [1, true, {{secure: {SEALED.encrypt("deep")}}}]\n'
    )
    ran = bench.up()
    assert ran.ok
    (configured,) = [call["config"] for call in ran.calls if call["method"] == "configure"]
    assert configured == {
        "sample:greeting": "hello",
        "sample:token": "hush",
        "other:number": "42",
        "sample:yes": "yes",
        "sample:deep": '{"a":[1,true,"deep"],"z":"\\u003ca\\u003e"}',
    }
    stack, provider = bench.stack(), bench.provider()
    assert stack.outputs["token"] == Secret("hush")
    assert provider.inputs == provider.outputs
    assert provider.inputs["sample:token"] == Secret("hush")
    assert isinstance(provider.inputs["sample:deep"], Secret)
    (prelude,) = [event["preludeEvent"]["config"] for event in ran.events if "preludeEvent" in event]
    assert prelude["sample:token"] == prelude["sample:deep"] == "[secret]"
    history = json.loads(next(bench.backend.root.rglob("*.history.json")).read_bytes())
    assert SEALED.decrypt(history["config"]["sample:token"]["secure"]) == "hush"
    everything = b"".join(path.read_bytes() for path in bench.backend.root.rglob("*") if path.is_file())
    assert b"hush" not in everything
    assert b'deep\\"' not in everything


def test_refresh_and_destroy_use_the_stored_config(settled: Bench) -> None:
    settled.config("sample:greeting: later\n")
    for operation in ("refresh", "destroy"):
        (configured,) = [call["config"] for call in settled.run(operation).calls if call["method"] == "configure"]
        assert configured == {"sample:greeting": "hello"}


def test_up_with_refresh_reads_under_the_stored_config_and_works_under_todays(settled: Bench) -> None:
    settled.config("sample:greeting: later\n")
    ran = settled.up(refresh=True)
    assert [call["config"]["sample:greeting"] for call in ran.calls if call["method"] == "configure"] == [
        "hello",
        "later",
    ]
    assert ran.changes == {"same": 4}
    assert settled.provider().inputs == {"sample:greeting": "later"}


def test_a_new_stack_gets_a_salt(bench: Bench) -> None:
    bench.write("Pulumi.dev.yaml", "# ours\nconfig:\n  sample:greeting: hello\n")
    assert bench.run("preview").ok
    assert "encryptionsalt" not in (bench.root / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert bench.up().ok
    text = (bench.root / "Pulumi.dev.yaml").read_text(encoding="utf-8")
    assert "# ours" in text
    salt = bench.document()["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"]
    assert f"encryptionsalt: {salt}\n" in text
    assert bench.up().changes == {"same": 4}


def test_another_salt_in_the_stack_file_takes_over(settled: Bench) -> None:
    from voiceid_optout.state import passphrase

    settled.want(s0={"secret": True}, s1={}, s2={})
    settled.up()
    other = passphrase.create("x").salt_text
    path = settled.root / "Pulumi.dev.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(SALT, other), encoding="utf-8")
    assert settled.up().changes == {"same": 4}
    assert settled.document()["checkpoint"]["latest"]["secrets_providers"]["state"]["salt"] == other
    assert settled.things()["s0"].inputs["val"] == Secret("a")


def test_what_program_and_plugin_print_is_told(bench: Bench) -> None:
    text = (bench.root / "__main__.py").read_text(encoding="utf-8")
    bench.write("__main__.py", f"import sys\nprint('from the program')\nprint('aside', file=sys.stderr)\n{text}")
    cloud = (bench.root / "cloud.py").read_text(encoding="utf-8")
    bench.write(
        "cloud.py",
        cloud.replace('        note("configure"', '        print("from the plugin")\n        note("configure"'),
    )
    said = bench.up().said("info").splitlines()
    assert {"from the program", "aside", "from the plugin"} <= set(said)


def test_logs_of_the_program_keep_their_severity(bench: Bench) -> None:
    bench.write(
        "__main__.py", "import pulumi\npulumi.log.warn('careful')\npulumi.log.info('fine')\npulumi.log.debug('x')\n"
    )
    ran = bench.up()
    assert (ran.said("warning"), ran.said("info"), ran.said("debug")) == ("careful", "fine", "")


def test_events_are_numbered_and_closed(settled: Bench) -> None:
    events = settled.up().events
    assert [event["sequence"] for event in events] == list(range(len(events)))
    assert "preludeEvent" in events[0]
    assert "summaryEvent" in events[-2]
    assert "cancelEvent" in events[-1]


def test_a_message_stands_in_the_history(bench: Bench) -> None:
    bench.up(message="opened by a pull request")
    (path,) = bench.backend.root.rglob("*.history.json")
    record = json.loads(path.read_bytes())
    assert (record["kind"], record["message"], record["result"]) == (
        "update",
        "opened by a pull request",
        "succeeded",
    )
    assert record["resourceChanges"]["create"] == 4


@pytest.mark.parametrize(
    ("operation", "kind"),
    [(Operation.UP, "update"), (Operation.REFRESH, "refresh"), (Operation.DESTROY, "destroy")],
)
def test_the_history_has_a_kind_for_each_run_that_writes(settled: Bench, operation: Operation, kind: str) -> None:
    settled.run(operation)
    latest = max(settled.backend.root.rglob("*.history.json"), key=lambda path: path.name)
    assert json.loads(latest.read_bytes())["kind"] == kind


def test_the_environment_of_a_request_is_the_programs_and_the_plugins(bench: Bench) -> None:
    bench.write("__main__.py", "import os, pulumi\npulumi.export('seen', os.environ['SEEN'])\n")
    assert bench.up(environment={"SEEN": "yes"}).ok
    assert bench.stack().outputs == {"seen": "yes"}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("main: program", "main"),
        ('requiredPulumiVersion: ">=3.0.0"', "requiredPulumiVersion"),
        ("plugins: {providers: [{name: pulumi-python, path: x}]}", "plugins"),
        ("packages: {x: y}", "packages"),
    ],
)
@pytest.mark.parametrize("operation", list(Operation))
def test_what_only_the_cli_follows_of_the_project_is_refused(
    bench: Bench, line: str, key: str, operation: Operation
) -> None:
    bench.write("Pulumi.yaml", f"name: sample\nruntime: python\n{line}\n")
    with pytest.raises(OutOfScopeError, match=f"^`{key}` of Pulumi.yaml: the embedded engine"):
        bench.run(operation)
    assert list(bench.backend.root.iterdir()) == []
    assert bench.calls() == []


@pytest.mark.parametrize("parallel", [1, 3])
def test_many_resources(bench: Bench, parallel: int) -> None:
    names = [f"s{number}" for number in range(40)]
    bench.want(**{name: {} for name in names})
    assert len(bench.up(parallel=parallel).made()) == 40
    assert sorted(bench.things()) == sorted(names)
    assert bench.run("refresh", parallel=parallel).changes["same"] >= 40
