"""Says which of the insides that we use of Pulumi's SDK and of gRPC another version of them has changed.

What the plugin asks of gRPC's server is looked at in tests/engine/embedded/test_plugin_process.py.
"""

import base64
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pulumi
import pytest
from pulumi.runtime import set_all_config
from pulumi.runtime.proto import provider_pb2_grpc

from tests.tables import each_row
from voiceid_optout import pulumi_internals
from voiceid_optout.engine.embedded.plugin_process import Server
from voiceid_optout.engine.embedded.transport import PLUGIN_METHODS
from voiceid_optout.providers.opted_out_speaker import OptedOutSpeakerProvider

PINNED = ("pulumi", "grpcio")


@pytest.mark.parametrize("package", PINNED)
def test_no_newer_version_is_allowed_than_was_tried(package: str) -> None:
    root = Path(__file__).parents[1]
    wanted = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    (bound,) = [re.search(r"<(\d+)\.(\d+)$", text) for text in wanted if text.startswith(f"{package}>")]
    assert bound is not None, f"{package} has no upper bound of the form <1.2"
    locked = re.search(rf"^{package}==(\d+)\.(\d+)\.", (root / "requirements.txt").read_text(), re.MULTILINE)
    assert locked is not None
    major, minor = map(int, locked.groups())
    assert tuple(map(int, bound.groups())) == (major, minor + 1), (
        f"the bound of {package} is not the locked version"
    )
    installed = tuple(map(int, version(package).split(".")[:2]))
    assert installed <= (major, minor), f"{package} {version(package)} is newer than the locked one"


def test_the_methods_are_handed_over_as_generic_handlers() -> None:
    server = Server([])
    servicer: Any = provider_pb2_grpc.ResourceProviderServicer()
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, cast("Any", server))
    assert len(server._handlers) == len(PLUGIN_METHODS), "methods are handed over in another way"
    for handler, method in zip(server._handlers, PLUGIN_METHODS, strict=True):
        assert handler is not None, f"the plugin has no method {method.name} any more"
        assert handler.unary_unary is not None, f"{method.name} is called in another way"


def test_a_program_s_config_is_at_hand_with_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG", '{"sample:a": "from the launcher"}')
    set_all_config({"sample:b": "hush"}, ["sample:b"])
    try:
        assert pulumi_internals.config_texts() == {"sample:a": "from the launcher", "sample:b": "hush"}
    finally:
        set_all_config({}, [])


def test_a_provider_is_pickled_by_reference() -> None:
    text = pulumi_internals.serialize_provider(OptedOutSpeakerProvider())
    assert isinstance(text, str), "serialize_provider no longer gives a text"
    assert OptedOutSpeakerProvider.__module__.encode() in base64.b64decode(text)
    assert pulumi_internals.PROVIDER_KEY == "__provider", "every state holds providers under the old key"


def test_a_value_that_a_preview_does_not_know() -> None:
    assert pulumi_internals.UNKNOWN == "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    assert pulumi_internals.Unknown is pulumi.output.Unknown
    assert inspect.isclass(pulumi_internals.Unknown)


def test_a_plugin_process_is_known_by_its_module(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pulumi_internals.is_plugin_process()
    main = SimpleNamespace(__spec__=SimpleNamespace(name=pulumi_internals.PLUGIN_MODULE))
    monkeypatch.setitem(__import__("sys").modules, "__main__", main)
    assert pulumi_internals.is_plugin_process()


@each_row(
    ("argument", "address"),
    [("127.0.0.1:50051", ("127.0.0.1", 50051)), ("__main__.py", None), (":1", None), ("host:", None)],
)
def test_the_engines_address(argument: str, address: tuple[str, int] | None) -> None:
    assert pulumi_internals.engine_address(["plugin", argument]) == address
