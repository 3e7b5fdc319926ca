import re
from typing import Any

import pytest
import regex  # type: ignore[import-untyped]

from tests.tables import each_row
from voiceid_optout.model import load_model
from voiceid_optout.service.errors import ApiError, FrameworkError
from voiceid_optout.service.http.shapes import Validator

MODEL = load_model()
SHAPES = MODEL["shapes"]
VALIDATOR = Validator(MODEL)

# One value that is good, for every shape that a pattern or an enum makes choosy.
SAMPLES: dict[str, Any] = {
    "AmazonResourceName": "arn:aws:voiceid:us-east-1:000000000000:domain/" + "a" * 22,
    "ClientTokenString": "token-1",
    "Description": "Köln / Zürich: 100 %",
    "DomainId": "a" * 22,
    "DomainName": "sales",
    "FraudsterId": "id#" + "a" * 22,
    "IamRoleArn": "arn:aws:iam::123456789012:role/reader",
    "JobId": "a" * 22,
    "JobName": "job",
    "KmsKeyId": "alias/voice",
    "NextToken": "abc",
    "S3Uri": "s3://bucket/key",
    "SessionNameOrId": "session",
    "SpeakerId": "caller-1",
    "TagKey": "team",
    "TagValue": "",
    "WatchlistDescription": "words",
    "WatchlistId": "b" * 22,
    "WatchlistName": "list",
}


def sample(shape_name: str) -> Any:
    shape = SHAPES[shape_name]
    match shape["type"]:
        case "structure":
            return {name: sample(shape["members"][name]["shape"]) for name in shape["members"]}
        case "list":
            return [sample(shape["member"]["shape"])]
        case "integer":
            return shape.get("min", 0)
        case _:
            return shape["enum"][0] if "enum" in shape else SAMPLES[shape_name]


VALID = {name: sample(operation["input"]["shape"]) for name, operation in MODEL["operations"].items()}


def places(shape_name: str, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], str, bool]]:
    """Return every place in an input: its path, its shape's name, and whether it is required."""
    shape = SHAPES[shape_name]
    found = []
    for name, member in shape.get("members", {}).items():
        found.append(((*path, name), member["shape"], name in shape.get("required", ())))
        found += places(member["shape"], (*path, name))
    if shape["type"] == "list":
        found.append(((*path, 0), shape["member"]["shape"], True))
        found += places(shape["member"]["shape"], (*path, 0))
    return found


def breaches(shape_name: str) -> list[tuple[Any, str]]:
    """Return values that break one constraint of a shape each, with the words that must name it."""
    shape, good = SHAPES[shape_name], sample(shape_name)
    low, high = shape.get("min"), shape.get("max")
    if shape["type"] == "integer":
        bad = [(low - 1, f"value greater than or equal to {low}")] if low is not None else []
        return bad + ([(high + 1, f"value less than or equal to {high}")] if high is not None else [])
    if shape["type"] == "list":
        return [(good * (high + 1), f"length less than or equal to {high}")] if high is not None else []
    if shape["type"] != "string":
        return []
    bad = []
    if low:
        bad.append(("", f"length greater than or equal to {low}"))
    if high:
        bad.append(("a" * (high + 1), f"length less than or equal to {high}"))
    if "pattern" in shape:
        if shape_name != "NextToken":  # any ASCII is right there
            bad.append((good + "\n", "regular expression pattern"))
        bad.append((good[:1] + "\u00a7" + good[2:], "regular expression pattern"))
    if "enum" in shape:
        bad.append(("NONE_OF_THESE", "enum value set"))
    return bad


def stretched(shape_name: str, length: int) -> str | None:
    """Return a value of exactly this length that satisfies the shape's pattern, or None if there is none."""
    shape, good = SHAPES[shape_name], sample(shape_name)
    if shape_name == "AmazonResourceName":  # its end is fixed
        good = good.replace("us-east-1", "us-east-1" + "1" * (length - len(good)))
    elif length > len(good):
        good += (good[-1:] or "v") * (length - len(good))
    else:
        good = good[:length]
    bare = shape.get("pattern", r"^[\s\S]*$").removeprefix("^").removesuffix("$")
    return good if len(good) == length and regex.fullmatch(bare, good) else None


def bounds(shape_name: str) -> list[tuple[Any, bool]]:
    """Return values at the bounds of a shape (good) and one step beyond (bad), right in all else."""
    shape = SHAPES[shape_name]
    low, high = shape.get("min"), shape.get("max")
    ends = [(low, True), (high, True), (None if low is None else low - 1, False)]
    ends += [(None if high is None else high + 1, False)]
    sizes = [(size, verdict) for size, verdict in ends if size is not None and size >= 0]
    match shape["type"]:
        case "integer":
            return [(size, verdict) for size, verdict in ends if size is not None]
        case "list":
            distinct = [sample(shape["member"]["shape"])]
            return [(distinct * size, verdict) for size, verdict in sizes]
        case "string" if "enum" in shape:
            return [(option, True) for option in shape["enum"]]
        case "string":
            values = [(stretched(shape_name, size), verdict) for size, verdict in sizes]
            return [(value, verdict) for value, verdict in values if value is not None]
    return []


ALL_PLACES = [
    (operation, path, shape, required)
    for operation in MODEL["operations"]
    for path, shape, required in places(MODEL["operations"][operation]["input"]["shape"])
]


def put(operation: str, path: tuple[Any, ...], value: Any) -> Any:
    body = VALID[operation]

    def rebuilt(node: Any, rest: tuple[Any, ...]) -> Any:
        if not rest:
            return value
        if isinstance(node, list):
            return [rebuilt(node[0], rest[1:])]
        return {**node, rest[0]: rebuilt(node[rest[0]], rest[1:])}

    return rebuilt(body, path)


def refusal(operation: str, body: Any) -> ApiError:
    with pytest.raises(ApiError) as refused:
        VALIDATOR.request(operation, body)
    return refused.value


@each_row("operation", MODEL["operations"])
def test_a_full_valid_request_passes_as_it_is(operation: str) -> None:
    assert VALIDATOR.request(operation, VALID[operation]) == VALID[operation]


@each_row("operation", MODEL["operations"])
def test_every_constraint_of_every_place_is_enforced(operation: str) -> None:
    seen = 0
    for _, path, shape, required in (place for place in ALL_PLACES if place[0] == operation):
        for value, words in breaches(shape):
            error = refusal(operation, put(operation, path, value))
            assert error.code == "ValidationException", (path, value)
            assert words in error.text, (path, value)
            seen += 1
        if required:
            assert "Member must not be null" in refusal(operation, put(operation, path, None)).text, path
            seen += 1
        wrong = 7 if SHAPES[shape]["type"] != "integer" else "7"
        assert refusal(operation, put(operation, path, wrong)).code == "SerializationException", path
    assert seen


@each_row("operation", MODEL["operations"])
def test_the_bounds_themselves_are_good_and_one_step_beyond_is_not(operation: str) -> None:
    seen = set()
    for _, path, shape, _ in (place for place in ALL_PLACES if place[0] == operation):
        for value, good in bounds(shape):
            body = put(operation, path, value)
            if good:
                assert VALIDATOR.request(operation, body) == body, (path, value)
            else:
                text = refusal(operation, body).text
                assert text.startswith("1 validation error detected"), (path, text)
                assert "length" in text or "value" in text
            seen.add(good)
    assert seen


def test_every_constraint_of_the_model_is_at_some_place_of_some_operation() -> None:
    reached = {shape for _, _, shape, _ in ALL_PLACES}
    inputs = {operation["input"]["shape"] for operation in MODEL["operations"].values()}
    outputs_only = set(SHAPES) - reached - inputs
    # What no request can carry, no request can break.
    assert not outputs_only & {"SpeakerId", "S3Uri", "TagKey", "Score", "DomainId", "IamRoleArn"}
    constrained = {name for name in reached if set(SHAPES[name]) & {"min", "max", "pattern", "enum"}}
    assert len(constrained) == 31
    assert {name for name in constrained if not bounds(name) and not breaches(name)} == set()


@each_row("place", ["InputDataConfig", "DataAccessRoleArn"])
@each_row("bad", ["\ud800", "\0"])
def test_a_wide_pattern_lets_nothing_through_that_cannot_be_stored(place: str, bad: str) -> None:
    body = VALID["StartSpeakerEnrollmentJob"]
    value = {"S3Uri": "s3://bucket/" + bad} if place == "InputDataConfig" else body[place] + bad
    assert refusal("StartSpeakerEnrollmentJob", {**body, place: value}).code == "ValidationException"


@each_row("shape", [name for name, shape in SHAPES.items() if shape.get("sensitive")])
def test_sensitive_values_are_never_echoed(shape: str) -> None:
    for operation, path, name, _ in ALL_PLACES:
        if name == shape:
            text = refusal(operation, put(operation, path, "§secret§" * 200)).text
            assert "secret" not in text


@each_row("operation", ["OptOutSpeaker", "DescribeSpeaker", "DeleteSpeaker", "AssociateFraudster"])
def test_an_id_in_the_place_of_another_is_not_echoed_either(operation: str) -> None:
    text = refusal(operation, {**VALID[operation], "DomainId": "caller-secret"}).text
    assert "at 'domainId' failed" in text
    assert "secret" not in text


def test_lists_of_sensitive_values_are_never_echoed() -> None:
    tags = [{"Key": f"secret-{number}", "Value": "secret"} for number in range(201)]
    arn = SAMPLES["AmazonResourceName"]
    assert "secret" not in refusal("TagResource", {"ResourceArn": arn, "Tags": tags}).text
    assert "secret" not in refusal("UntagResource", {"ResourceArn": arn, "TagKeys": ["secret"] * 201}).text


def test_all_findings_are_told_at_once_with_their_paths() -> None:
    error = refusal("CreateDomain", {"ServerSideEncryptionConfiguration": {}, "Tags": [{"Key": "k"}, None]})
    assert error.text.startswith("4 validation errors detected: ")
    assert re.findall(r"at '([^']+)'", error.text) == [
        "name",
        "serverSideEncryptionConfiguration.kmsKeyId",
        "tags.1.member.value",
        "tags.2.member",
    ]


def test_a_value_that_is_not_sensitive_is_shown_cut() -> None:
    error = refusal("DescribeDomain", {"DomainId": "x" * 5000})
    assert "Value 'xxx" in error.text
    assert len(error.text) < 600


@each_row(
    ("speaker", "good"),
    [
        ("a", True),
        ("a" * 256, True),
        ("0_-", True),
        ("id#" + "Z9" * 11, True),
        ("id#" + "Z" * 21, False),
        ("a" * 257, False),
        ("_a", False),
        ("-a", False),
        ("a.b", False),
        ("a@b", False),
        ("+49", False),
        ("a b", False),
        ("ä", False),
        ("\u0661", False),
        ("a\0", False),
        ("a\ud800", False),
    ],
)
def test_speaker_ids(speaker: str, good: bool) -> None:
    body = {"DomainId": "a" * 22, "SpeakerId": speaker}
    if good:
        assert VALIDATOR.request("OptOutSpeaker", body) == body
    else:
        assert refusal("OptOutSpeaker", body).code == "ValidationException"


@each_row("value", [True, 1.0, "1", [1]])
def test_only_an_integer_is_an_integer(value: Any) -> None:
    assert isinstance(refusal("ListSpeakers", {"DomainId": "a" * 22, "MaxResults": value}), FrameworkError)


@each_row(("size", "good"), [(0, False), (1, True), (10, True), (11, False)])
def test_list_domains_takes_ten_at_most(size: int, good: bool) -> None:
    if good:
        assert VALIDATOR.request("ListDomains", {"MaxResults": size}) == {"MaxResults": size}
    else:
        assert refusal("ListDomains", {"MaxResults": size}).code == "ValidationException"


@pytest.mark.parametrize("key", ["\ud800", "a\0b"])
def test_text_without_a_pattern_must_still_be_storable(key: str) -> None:
    body = {"Name": "n", "ServerSideEncryptionConfiguration": {"KmsKeyId": key}}
    assert "NUL" in refusal("CreateDomain", body).text


def test_length_counts_characters_not_bytes() -> None:
    body = {**VALID["CreateDomain"], "Description": "ü" * 1024}
    assert VALIDATOR.request("CreateDomain", body)["Description"] == "ü" * 1024
