import datetime as dt
import hashlib
import hmac
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.service.calls import Answer, send, signed
from tests.service.http.test_app import opt_out
from tests.service.running import Service
from voiceid_optout.service.auth.keys import Key, Role
from voiceid_optout.service.auth.sigv4 import Verifier, derive_key, header_map
from voiceid_optout.service.errors import FrameworkError

SKEW = 15 * 60


def refused(answer: Answer) -> Any:
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/x-amz-json-1.0"
    return answer.code.removeprefix("com.amazon.coral.service#"), answer.document["message"]


def test_unsigned(service: Service, domain: str) -> None:
    headers = {"X-Amz-Target": "VoiceID.OptOutSpeaker", "Content-Type": "application/x-amz-json-1.0"}
    assert refused(send(service, headers, opt_out(domain)))[0] == "MissingAuthenticationTokenException"


def test_unknown_key(service: Service, domain: str) -> None:
    body = opt_out(domain)
    answer = send(service, signed(service, body, keys=("AKIDNOBODY", "secret")), body)
    assert refused(answer) == (
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_session_token(service: Service, domain: str) -> None:
    body = opt_out(domain)
    code, text = refused(send(service, signed(service, body, token="left over"), body))
    assert code == "UnrecognizedClientException"
    assert "AWS_SESSION_TOKEN" in text


def test_wrong_secret(service: Service, domain: str) -> None:
    body = opt_out(domain)
    keys = (service.keys()[0], "another")
    assert refused(send(service, signed(service, body, keys=keys), body))[0] == "InvalidSignatureException"


def test_altered_body(service: Service, domain: str) -> None:
    headers = signed(service, opt_out(domain, "caller-1"))
    assert refused(send(service, headers, opt_out(domain, "caller-2")))[0] == "InvalidSignatureException"


def test_altered_target(service: Service, domain: str) -> None:
    headers = signed(service, opt_out(domain), target="VoiceID.DescribeSpeaker")
    headers["X-Amz-Target"] = "VoiceID.DeleteSpeaker"
    assert refused(send(service, headers, opt_out(domain)))[0] == "InvalidSignatureException"


def test_declared_digest_must_be_the_bodys(service: Service, domain: str) -> None:
    body = opt_out(domain)
    headers = signed(service, body, extra={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    headers["X-Amz-Content-SHA256"] = "UNSIGNED-PAYLOAD"
    code, text = refused(send(service, headers, body))
    assert code == "InvalidSignatureException"
    assert "Sha256" in text


@pytest.mark.parametrize(
    ("scope", "region", "word"),
    [("voiceid", "eu-central-1", "region 'us-east-1'"), ("connect", "us-east-1", "service 'voiceid'")],
)
def test_scope(service: Service, domain: str, scope: str, region: str, word: str) -> None:
    body = opt_out(domain)
    code, text = refused(send(service, signed(service, body, scope=scope, region=region), body))
    assert code == "InvalidSignatureException"
    assert word in text


@pytest.mark.parametrize("authorization", ["", "Basic abc", "AWS4-HMAC-SHA256 Credential=x", "AWS4-HMAC-SHA256"])
def test_malformed_authorization(service: Service, domain: str, authorization: str) -> None:
    body = opt_out(domain)
    headers = signed(service, body) | {"Authorization": authorization}
    assert refused(send(service, headers, body))[0] == "IncompleteSignatureException"


# A request as a client signs it, and what becomes of it under a changed header or clock.


@pytest.fixture
def verifier(service: Service) -> Any:
    name, secret = service.keys()
    return Verifier({name: Key(name, secret, Role.ADMIN, frozenset())}, "us-east-1")


@pytest.fixture
def headers(service: Service) -> Any:
    return {name.lower(): value for name, value in signed(service, b"{}").items()}


def at(headers: dict[str, str]) -> float:
    signed_at = dt.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    return signed_at.timestamp()


def fault(verifier: Verifier, headers: dict[str, str], now: float, body: bytes = b"{}") -> FrameworkError:
    with pytest.raises(FrameworkError) as refusal:
        verifier.verify(headers, body, now)
    return refusal.value


@pytest.mark.parametrize("off", [-SKEW, 0, SKEW])
def test_fifteen_minutes_are_allowed(verifier: Verifier, headers: dict[str, str], off: int) -> None:
    verifier.verify(headers, b"{}", at(headers) + off)


@pytest.mark.parametrize("off", [-SKEW - 1, SKEW + 1, 86400])
def test_more_is_not(verifier: Verifier, headers: dict[str, str], off: int) -> None:
    error = fault(verifier, headers, at(headers) + off)
    assert error.code == "InvalidSignatureException"
    assert error.text.startswith("Signature expired")
    assert headers["x-amz-date"] in error.text


def test_date_must_be_a_date(verifier: Verifier, headers: dict[str, str]) -> None:
    error = fault(verifier, headers | {"x-amz-date": "yesterday"}, time.time())
    assert error.code == "IncompleteSignatureException"


def test_date_must_be_that_of_the_scope(verifier: Verifier, headers: dict[str, str]) -> None:
    error = fault(verifier, headers | {"x-amz-date": "20200101T000000Z"}, 1577836800)
    assert "not the date of X-Amz-Date" in error.text


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-amz-target"])
def test_headers_that_must_be_signed(verifier: Verifier, headers: dict[str, str], name: str) -> None:
    names = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    kept = ";".join(part for part in names.split(";") if part != name)
    changed = headers | {"authorization": headers["authorization"].replace(names, kept)}
    assert f"'{name}' must be among" in fault(verifier, changed, at(headers)).text


def test_a_signed_header_must_be_there(verifier: Verifier, headers: dict[str, str]) -> None:
    del headers["content-type"]
    assert "'content-type' is not in the request" in fault(verifier, headers, at(headers)).text


def test_spaces_around_and_in_values_do_not_count(verifier: Verifier, headers: dict[str, str]) -> None:
    spaced = headers | {"content-type": f"  {headers['content-type']} "}
    verifier.verify(spaced, b"{}", at(headers))


def test_keys_of_many_days_are_not_kept(service: Service, verifier: Verifier, headers: dict[str, str]) -> None:
    for day in range(100):
        verifier._signing_key(verifier._keys[service.keys()[0]], f"{20200101 + day}")
    assert len(verifier._signing_keys) <= 64
    verifier.verify(headers, b"{}", at(headers))


def test_repeated_headers_are_joined() -> None:
    assert header_map([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {"a": "1,3", "b": "2"}


@pytest.mark.parametrize("value", ["\u00e0 la carte", "\u00c5rhus \u2026", "a\u00a0b", "\u00a0", "\u0085x\u0085"])
def test_bytes_that_other_alphabets_call_spaces_are_text(service: Service, domain: str, value: str) -> None:
    # By hand, because botocore's own signer folds them as well; the other SDKs and the rules do not.
    body = opt_out(domain)
    name, secret = service.keys()
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
    headers: dict[str, Any] = {
        "host": urlsplit(service.url).netloc,
        "x-amz-date": stamp,
        "x-amz-target": "VoiceID.OptOutSpeaker",
        "x-note": value.encode(),
    }
    lines = b"".join(
        b"%s:%s\n" % (key.encode(), text if isinstance(text, bytes) else text.encode())
        for key, text in headers.items()
    )
    digest = hashlib.sha256(body).hexdigest()
    canonical = b"POST\n/\n\n%s\n%s\n%s" % (lines, ";".join(headers).encode(), digest.encode())
    scope = f"{stamp[:8]}/us-east-1/voiceid/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    signature = hmac.new(derive_key(secret, stamp[:8], "us-east-1"), text.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={name}/{scope}, SignedHeaders={';'.join(headers)}, Signature={signature}"
    )
    assert send(service, headers, body).status == 200


def test_spaces_of_other_alphabets_around_the_authorization_are_no_spaces(
    verifier: Verifier, headers: dict[str, str]
) -> None:
    for value in (f"\u00a0{headers['authorization']}", headers["authorization"].replace(", Sig", ",\u0085Sig")):
        assert (
            fault(verifier, headers | {"authorization": value}, at(headers)).code == "IncompleteSignatureException"
        )
