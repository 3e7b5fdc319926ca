import json
from typing import Any

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from tools.slim_model import installed_model, slim
from voiceid_optout.model import MODEL_ROOT, load_model

FOLDER = MODEL_ROOT / "voice-id" / "2021-09-27"


def words(document: Any) -> set[str]:
    if isinstance(document, dict):
        return set(document).union(*(words(value) for value in document.values()))
    if isinstance(document, list):
        return set().union(*(words(value) for value in document))
    return set()


def test_it_holds_all_operations_and_no_prose() -> None:
    model = load_model()
    assert len(model["operations"]) == 29
    assert "documentation" not in words(model)


def test_it_says_what_botocores_own_model_says() -> None:
    installed = installed_model()
    if installed is None:
        pytest.skip("the installed botocore no longer ships voice-id")
    model, paginators = installed
    assert load_model() == slim(model)
    assert json.loads((FOLDER / "paginators-1.json").read_text()) == paginators


def test_slimming_keeps_every_fact_of_a_shape() -> None:
    installed = installed_model()
    if installed is None:
        pytest.skip("the installed botocore no longer ships voice-id")

    def facts(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: facts(inner) for key, inner in value.items() if key != "documentation"}
        return value

    assert facts(installed[0]["shapes"]) == load_model()["shapes"]


def test_botocore_loads_it_as_a_data_path() -> None:
    loader = Loader(extra_search_paths=[str(MODEL_ROOT)], include_default_search_paths=False)
    assert loader.list_available_services("service-2") == ["voice-id"]
    model = ServiceModel(loader.load_service_model("voice-id", "service-2"), "voice-id")
    speaker = model.operation_model("OptOutSpeaker").input_shape.members["SpeakerId"]
    assert speaker.metadata["max"] == 256
    assert "ListSpeakers" in loader.load_service_model("voice-id", "paginators-1")["pagination"]
