"""Make voiceid_optout/model's service model from the one that the installed botocore carries.

Keeps facts (metadata, operations, shapes, constraints), drops all prose. Run it again only while botocore still
ships the service: ``python tools/slim_model.py``. The output is sorted, so a second run changes nothing.
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

SERVICE = Path("voice-id") / "2021-09-27"
TARGET = Path(__file__).resolve().parent.parent / "voiceid_optout" / "model" / "data"

_METADATA = (
    "apiVersion",
    "endpointPrefix",
    "jsonVersion",
    "protocol",
    "serviceFullName",
    "serviceId",
    "signatureVersion",
    "signingName",
    "targetPrefix",
    "uid",
)
_SHAPE = ("type", "required", "member", "enum", "min", "max", "pattern", "sensitive", "box", "exception", "fault")


def slim(model: dict[str, Any]) -> dict[str, Any]:
    """Return the facts of a botocore service model, without documentation."""
    return {
        "version": model["version"],
        "metadata": {key: model["metadata"][key] for key in _METADATA},
        "operations": {
            name: {key: value for key, value in operation.items() if key != "documentation"}
            for name, operation in sorted(model["operations"].items())
        },
        "shapes": {name: _shape(shape) for name, shape in sorted(model["shapes"].items())},
    }


def _shape(shape: dict[str, Any]) -> dict[str, Any]:
    kept = {key: shape[key] for key in _SHAPE if key in shape}
    if "member" in kept:
        kept["member"] = {"shape": kept["member"]["shape"]}
    if "members" in shape:
        kept["members"] = {
            name: {key: value for key, value in member.items() if key != "documentation"}
            for name, member in sorted(shape["members"].items())
        }
    return kept


def installed_model() -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return botocore's own service model and paginators, or None when it no longer ships the service."""
    import botocore  # noqa: PLC0415  a test imports this module where botocore may not know the service

    folder = Path(botocore.__file__).parent / "data" / SERVICE
    if not folder.is_dir():
        return None
    return _read(folder / "service-2.json"), _read(folder / "paginators-1.json")


def _read(path: Path) -> dict[str, Any]:
    packed = path.with_name(path.name + ".gz")
    text = gzip.decompress(packed.read_bytes()) if packed.exists() else path.read_bytes()
    document: dict[str, Any] = json.loads(text)
    return document


def main() -> int:
    found = installed_model()
    if found is None:
        sys.stderr.write(
            "The installed botocore has no voice-id model; the one in voiceid_optout/model stays as it is.\n"
        )
        return 1
    model, paginators = found
    folder = TARGET / SERVICE
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in (("service-2.json", slim(model)), ("paginators-1.json", paginators)):
        text = json.dumps(document, indent=1, ensure_ascii=True, sort_keys=True)
        (folder / name).write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
