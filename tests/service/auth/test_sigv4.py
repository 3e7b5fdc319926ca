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
from voiceid_optout.service.auth.sigv4 import Verifier, _epoch, derive_key, header_map
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


# The same without a service: what is said, and what is signed, word for word.

KEY = Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", Role.ADMIN, frozenset())
STAMP = "20150830T123600Z"
DATED = 1440938160
BODY = b'{"DomainId": "x"}'


def signature(lines: str, names: str, *, secret: str = KEY.secret, body: bytes = BODY) -> str:
    """Return a signature as the documents of AWS describe it, step by step."""
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    text = (
        f"AWS4-HMAC-SHA256\n{STAMP}\n20150830/us-east-1/voiceid/aws4_request\n"
        f"{hashlib.sha256(canonical.encode()).hexdigest()}"
    )
    key = f"AWS4{secret}".encode()
    for part in ("20150830", "us-east-1", "voiceid", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def by_hand(**more: str) -> dict[str, str]:
    """Return the headers of a request that is signed by hand; those with an underscore are not signed."""
    values = {"host": "localhost", "x-amz-date": STAMP, "x-amz-target": "VoiceID.OptOutSpeaker", **more}
    values = {name.replace("_", "-"): value for name, value in values.items()}
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in values.items())
    names = ";".join(values)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={KEY.access_key_id}/20150830/us-east-1/voiceid/aws4_request, "
        f"SignedHeaders={names}, Signature={signature(lines, names)}"
    )
    return {**values, "authorization": authorization}


def by_one_key(window: float = SKEW) -> Verifier:
    return Verifier({KEY.access_key_id: KEY}, "us-east-1", window)


def test_who_signed_and_when_is_told() -> None:
    found = by_one_key().verify(by_hand(), BODY, DATED)
    assert (found.key, found.dated) == (KEY, DATED)
    assert found.signature == by_hand()["authorization"].rpartition("=")[2]


def test_what_may_stand_around_and_between() -> None:
    headers = by_hand(x_note="a  b")
    spaced = headers | {"x-note": "  a b ", "authorization": f" \t{headers['authorization']}\t "}
    by_one_key().verify(spaced, BODY, DATED)
    digest = hashlib.sha256(BODY).hexdigest()
    by_one_key().verify(by_hand() | {"x-amz-content-sha256": digest}, BODY, DATED)


def test_bytes_beyond_ascii_are_signed_as_they_are() -> None:
    note = b"a \xa0\xc3\xa9".decode("latin-1")
    values = {"host": "localhost", "x-amz-date": STAMP, "x-amz-target": "VoiceID.OptOutSpeaker", "x-note": note}
    names = ";".join(values)
    lines = "".join(f"{name}:{value}\n" for name, value in values.items()).encode("latin-1")
    canonical = b"POST\n/\n\n%s\n%s\n%s" % (lines, names.encode(), hashlib.sha256(BODY).hexdigest().encode())
    scope = "20150830/us-east-1/voiceid/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{STAMP}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    made = hmac.new(derive_key(KEY.secret, "20150830", "us-east-1"), text.encode(), hashlib.sha256).hexdigest()
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={KEY.access_key_id}/{scope}, SignedHeaders={names}, Signature={made}"
    )
    headers = {**values, "authorization": authorization, "x-note": f" {note.replace(' ', '  ')} "}
    assert by_one_key().verify(headers, BODY, DATED).key == KEY


def test_a_request_without_a_target_is_refused_elsewhere() -> None:
    headers = by_hand()
    lines, names = f"host:localhost\nx-amz-date:{STAMP}\n", "host;x-amz-date"
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={KEY.access_key_id}/20150830/us-east-1/voiceid/aws4_request, "
        f"SignedHeaders={names}, Signature={signature(lines, names)}"
    )
    del headers["x-amz-target"]
    assert by_one_key().verify({**headers, "authorization": authorization}, BODY, DATED).key == KEY


CHANGED = (
    "The request signature does not match: the secret access key is another one, or the request was changed after"
)


@pytest.mark.parametrize(
    ("more", "code", "text"),
    [
        (
            {"authorization": None},
            "MissingAuthenticationTokenException",
            "The request is not signed: an Authorization header is missing.",
        ),
        (
            {"authorization": "Basic x"},
            "IncompleteSignatureException",
            (
                "The Authorization header is not of the form 'AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., "
                "Signature=...'."
            ),
        ),
        (
            {"authorization": f"X{by_hand()['authorization']}"},
            "IncompleteSignatureException",
            (
                "The Authorization header is not of the form 'AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., "
                "Signature=...'."
            ),
        ),
        (
            {"authorization": by_hand()["authorization"].replace("AKID", "AKIX")},
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        (
            {"x-amz-security-token": "x"},
            "UnrecognizedClientException",
            "This service issues no session tokens: unset AWS_SESSION_TOKEN in the client.",
        ),
        (
            {"authorization": by_hand()["authorization"].replace("/voiceid/", "/connect/")},
            "InvalidSignatureException",
            "Credential should be scoped to the service 'voiceid'.",
        ),
        (
            {"authorization": by_hand()["authorization"].replace("us-east-1", "eu-west-2")},
            "InvalidSignatureException",
            "Credential should be scoped to the region 'us-east-1', which this service serves.",
        ),
        (
            {"authorization": by_hand()["authorization"].replace(";x-amz-target", "")},
            "InvalidSignatureException",
            "The header 'x-amz-target' must be among the signed headers.",
        ),
        ({"host": None}, "InvalidSignatureException", "The signed header 'host' is not in the request."),
        (
            {"x-amz-date": "2015-08-30"},
            "IncompleteSignatureException",
            "X-Amz-Date is not of the form YYYYMMDDTHHMMSSZ.",
        ),
        (
            {"x-amz-date": "20150831T123600Z"},
            "InvalidSignatureException",
            "The date in the credential scope is not the date of X-Amz-Date.",
        ),
        (
            {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"},
            "InvalidSignatureException",
            "X-Amz-Content-Sha256 is not the digest of the body.",
        ),
        ({"x-amz-target": "VoiceID.DeleteSpeaker"}, "InvalidSignatureException", f"{CHANGED} it was signed."),
    ],
)
def test_each_refusal_says_what_is_wrong(more: dict[str, str | None], code: str, text: str) -> None:
    headers = {name: value for name, value in (by_hand() | more).items() if value is not None}
    error = fault(by_one_key(), headers, DATED, BODY)
    assert (error.code, error.text) == (code, text)


@pytest.mark.parametrize(
    ("window", "words"), [(SKEW, "15 minutes"), (120, "2 minutes"), (119, "119 seconds"), (90.5, "90.5 seconds")]
)
def test_an_old_request_is_told_both_clocks_and_how_far_apart_they_may_be(window: float, words: str) -> None:
    for now, served in ((DATED + 86400, "20150831T123600Z"), (DATED - 86400, "20150829T123600Z")):
        error = fault(by_one_key(window), by_hand(), now, BODY)
        assert error.code == "InvalidSignatureException"
        assert error.text == (
            f"Signature expired: the request is dated {STAMP} and the service's clock says {served}; they may "
            f"be {words} apart. Set the client's clock."
        )


def test_the_time_zone_of_the_machine_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        _epoch.cache_clear()
        by_one_key().verify(by_hand(), BODY, DATED)
        assert "clock says 20150831T123600Z" in fault(by_one_key(), by_hand(), DATED + 86400, BODY).text
    time.tzset()


def test_sixty_four_derived_keys_are_kept_and_then_none() -> None:
    verifier = by_one_key()
    for day in range(64):
        verifier._signing_key(KEY, f"{20200101 + day}")
    assert len(verifier._signing_keys) == 64
    verifier._signing_key(KEY, "20200101")
    assert len(verifier._signing_keys) == 64
    verifier._signing_key(KEY, "20210101")
    assert [*verifier._signing_keys] == [(KEY.access_key_id, "20210101")]
    assert verifier._signing_keys[KEY.access_key_id, "20210101"] == derive_key(KEY.secret, "20210101", "us-east-1")


def test_a_secret_that_was_replaced_signs_nothing_any_more() -> None:
    verifier = by_one_key()
    verifier.verify(by_hand(), BODY, DATED)
    verifier.replace({KEY.access_key_id: Key(KEY.access_key_id, "another", Role.ADMIN, frozenset())})
    assert fault(verifier, by_hand(), DATED, BODY).text == f"{CHANGED} it was signed."
    verifier.replace({})
    assert fault(verifier, by_hand(), DATED, BODY).code == "UnrecognizedClientException"


def test_a_key_is_derived_as_the_documents_say() -> None:
    derived = derive_key(KEY.secret, "20150830", "us-east-1").hex()
    assert derived == "2ae390942056bfb1951a3301de877724afa410cfadca0d2849216071c8d1de72"


def test_fifteen_minutes_are_the_rule_where_nothing_else_is_said() -> None:
    verifier = Verifier({KEY.access_key_id: KEY}, "us-east-1")
    verifier.verify(by_hand(), BODY, DATED + SKEW)
    assert fault(verifier, by_hand(), DATED + SKEW + 1, BODY).code == "InvalidSignatureException"


def test_headers_are_read_byte_by_byte() -> None:
    assert header_map([(b"x-note", b"\xe9\xa0")]) == {"x-note": "\u00e9\u00a0"}
