"""The Voice ID service model: operations, shapes and constraints, as facts without prose.

AWS removes the models of ended services from its SDKs, so the project carries its own. ``tools/slim_model.py``
made it. The folder is laid out as botocore's data path, so botocore (and boto3) can load it from there.
"""

import json
from pathlib import Path
from typing import Any

MODEL_ROOT = Path(__file__).resolve().parent / "data"
"""Search path for botocore: ``session.get_component("data_loader").search_paths.insert(0, str(MODEL_ROOT))``."""


def load_model() -> dict[str, Any]:
    """Return the service model in botocore's ``service-2.json`` form: ``metadata``, ``operations``, ``shapes``."""
    path = MODEL_ROOT / "voice-id" / "2021-09-27" / "service-2.json"
    model: dict[str, Any] = json.loads(path.read_bytes())
    return model
