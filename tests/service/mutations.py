"""Mutated requests: made from valid ones, at random, and the same again for the same seed and number.

A mutant is made on one level: bytes of the body, structure of the JSON, values at and beyond the constraints,
headers, target, signature, or none at all, so that valid calls move the state the others meet.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.service.batch import ROLE
from tests.service.http.test_shapes import ALL_PLACES, MODEL, VALID, bounds, breaches, put

OPERATIONS = sorted(MODEL["operations"])
DOMAINS = ("mutant" + "0" * 16, "mutant" + "1" * 16)
SECRET = "zqSecretzq"
"""Planted where sensitive members are: it must not come back in any error."""

UNKNOWN_ID = "9" * 22


@dataclass
class Mutant:
    """A request to send. ``signing`` says how it is signed; ``raw`` that it may not be HTTP any more."""

    level: str
    operation: str
    body: bytes
    target: str | None
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = "/"
    signing: str = "good"
    raw: bool = False
    known: dict[str, Any] = field(default_factory=dict)


class Known:
    """Ids that answers gave, for later requests to use; shared by all, and bounded."""

    def __init__(self) -> None:
        self.ids: dict[str, list[str]] = {}

    def learn(self, document: Any) -> None:
        """Keep the ids of an answer."""
        if isinstance(document, list):
            for item in document:
                self.learn(item)
        elif isinstance(document, dict):
            for name, value in document.items():
                if isinstance(value, str) and name in _LEARNT:
                    kept = self.ids.setdefault(_LEARNT[name], [])
                    kept.append(value)
                    del kept[:-20]
                else:
                    self.learn(value)

    def choose(self, rng: random.Random, member: str, otherwise: str) -> str:
        """Return a known id, or now and then one that does not exist."""
        kept = self.ids.get(member)
        return rng.choice(kept) if kept and rng.random() < 0.9 else otherwise


_LEARNT = {
    "WatchlistId": "WatchlistId",
    "DefaultWatchlistId": "WatchlistId",
    "GeneratedFraudsterId": "FraudsterId",
    "GeneratedSpeakerId": "SpeakerId",
    "JobId": "JobId",
    "NextToken": "NextToken",
    "SessionId": "SessionNameOrId",
}


def mutant(seed: str, number: int, known: Known) -> Mutant:
    """Return mutant ``number`` of the seed; only ids that earlier answers gave come from elsewhere."""
    rng = random.Random(f"{seed}/{number}")
    operation = rng.choice(OPERATIONS)
    made = Mutant(
        "none",
        operation,
        json.dumps(_request(rng, operation, known)).encode(),
        f"VoiceID.{operation}",
        {"Content-Type": "application/x-amz-json-1.0"},
    )
    made.level = rng.choices(list(_LEVELS), weights=[weight for _, weight in _LEVELS.values()])[0]
    _LEVELS[made.level][0](rng, made)
    return made


def _request(rng: random.Random, operation: str, known: Known) -> dict[str, Any]:
    """Return a valid request that meets what is there."""
    body: dict[str, Any] = json.loads(json.dumps(VALID[operation]))
    person = f"{SECRET}-{rng.randrange(30)}"
    replaced: dict[str, Callable[[], Any]] = {
        "DomainId": lambda: rng.choice(DOMAINS) if rng.random() < 0.95 else UNKNOWN_ID,
        "ResourceArn": lambda: f"arn:aws:voiceid:us-east-1:000000000000:domain/{rng.choice(DOMAINS)}",
        "SpeakerId": lambda: person if rng.random() < 0.7 else known.choose(rng, "SpeakerId", "id#" + UNKNOWN_ID),
        "FraudsterId": lambda: known.choose(rng, "FraudsterId", "id#" + UNKNOWN_ID),
        "WatchlistId": lambda: known.choose(rng, "WatchlistId", UNKNOWN_ID),
        "JobId": lambda: known.choose(rng, "JobId", UNKNOWN_ID),
        "SessionNameOrId": lambda: known.choose(rng, "SessionNameOrId", "call-1"),
        "ClientToken": lambda: f"token-{rng.randrange(10**9)}",
        "InputDataConfig": lambda: {"S3Uri": f"s3://input/{rng.choice(['people', 'fraud', 'missing'])}.json"},
        "OutputDataConfig": lambda: {"S3Uri": "s3://output/jobs"},
        "DataAccessRoleArn": lambda: ROLE,
    }
    for name in list(body):
        if name in replaced:
            body[name] = replaced[name]()
    # Optional members come and go; tokens of pages are seldom right, so most listings begin anew.
    for name in [name for name in body if name not in _required(operation)]:
        if rng.random() < (0.9 if name in ("NextToken", "EnrollmentConfig", "RegistrationConfig") else 0.5):
            del body[name]
    return body


def _required(operation: str) -> list[str]:
    shape = MODEL["shapes"][MODEL["operations"][operation]["input"]["shape"]]
    required: list[str] = shape.get("required", [])
    return required


def _nothing(_rng: random.Random, _made: Mutant) -> None:
    """Leave the request as it is."""


def _bytes(rng: random.Random, made: Mutant) -> None:
    body = bytearray(made.body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body) + 1)
        match rng.randrange(6):
            case 0:
                body[at:at] = rng.randbytes(rng.randint(1, 8))
            case 1:
                del body[at : at + rng.randint(1, 20)]
            case 2:
                body[at : at + 1] = bytes([rng.randrange(256)])
            case 3:
                body[at:at] = body[: rng.randrange(len(body) + 1)]
            case 4:
                body[at:at] = rng.choice(
                    [b"\xff", b"\x00", b"\xed\xa0\x80", b"\\ud800", b"\\u0000", b"NaN", b"1e999"]
                )
            case _:
                del body[at:]
    made.body = bytes(body)


_JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 10**30, "", "x", "\u0000", "\ud800", "ß" * 300, [], {}, [None], [[]], {"": None},
)  # fmt: skip


def _structure(rng: random.Random, made: Mutant) -> None:
    body = json.loads(made.body)
    match rng.randrange(7):
        case 0 if body:
            del body[rng.choice(list(body))]
        case 1 if body:
            body[rng.choice(list(body))] = rng.choice(_JUNK)
        case 2:
            body[rng.choice(["Unknown", "", "domainId", "__type", SECRET])] = rng.choice(_JUNK)
        case 3 if body:
            name = rng.choice(list(body))
            body[name] = rng.choice([[body[name]], {name: body[name]}, [body[name]] * 300])
        case 4:
            body = rng.choice([[body], *_JUNK])
        case 5:
            made.body = b'{"DomainId":' * rng.choice([2, 900, 20_000]) + made.body
            return
        case _:
            text = json.dumps(body)[1:-1]
            made.body = f"{{{text}{',' if text else ''}{text}}}".encode()  # every key twice
            return
    made.body = json.dumps(body, ensure_ascii=rng.random() < 0.5).encode(errors="surrogatepass")


def _values(rng: random.Random, made: Mutant) -> None:
    places = [place for place in ALL_PLACES if place[0] == made.operation]
    _, path, shape, _ = rng.choice(places)
    values = [value for value, _ in [*bounds(shape), *breaches(shape)]] or list(_JUNK)
    if MODEL["shapes"][shape].get("sensitive"):
        values.append(f"#{SECRET}!" * rng.randint(1, 40))
    body = put(made.operation, path, rng.choice(values))
    if "DomainId" in body and path != ("DomainId",):
        body["DomainId"] = rng.choice(DOMAINS)
    made.body = json.dumps(body).encode()


def _headers(rng: random.Random, made: Mutant) -> None:
    match rng.randrange(9):
        case 0:
            made.headers["Content-Type"] = rng.choice(
                ["", "text/plain", "application/json; charset=\u00e9", "x" * 500]
            )
        case 1:
            made.headers[f"X-{rng.randrange(99)}"] = "y" * rng.choice([1, 1000, 30_000])
        case 2:
            made.headers |= {f"X-Many-{number}": "z" for number in range(rng.choice([10, 300]))}
        case 3:
            made.method = rng.choice(["GET", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "BREW"])
        case 4:
            made.path = rng.choice(["/x", "/?a=b", "//", "/%00", "/%ff", "/" + "p" * 5000, "/../", "*"])
        case 5:
            made.headers["Content-Length"] = rng.choice(["-1", "abc", "1", str(len(made.body) + 5), "9" * 30])
            made.raw = True
        case 6:
            made.headers["Transfer-Encoding"] = rng.choice(["chunked", "gzip", "chunked, chunked", ""])
            made.raw = True
        case 7:
            made.headers["Expect"] = "100-continue"
        case _:
            made.headers[rng.choice(["Connection", "Upgrade", "Content-Encoding"])] = rng.choice(
                ["close", "websocket", "gzip", "h2c"]
            )
            made.raw = True


def _target(rng: random.Random, made: Mutant) -> None:
    target = f"VoiceID.{made.operation}"
    made.target = rng.choice(
        [
            None,
            "",
            made.operation,
            target.lower(),
            target + " ",
            "Voice." + made.operation,
            "VoiceID.",
            "é",
            "x" * 9000,
        ]
    )
    if rng.random() < 0.3:  # the body of another operation
        made.target = f"VoiceID.{rng.choice(OPERATIONS)}"


def _signature(rng: random.Random, made: Mutant) -> None:
    made.signing = rng.choice(
        ["none", "garbage", "secret", "key", "region", "service", "late", "token", "body", "header", "cut", "date"]
    )


_LEVELS: dict[str, tuple[Callable[[random.Random, Mutant], None], int]] = {
    "none": (_nothing, 20),
    "bytes": (_bytes, 15),
    "structure": (_structure, 15),
    "values": (_values, 25),
    "headers": (_headers, 8),
    "target": (_target, 5),
    "signature": (_signature, 12),
}
