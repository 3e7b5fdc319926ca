"""Addresses that cannot be listened on, TLS files that cannot be used, and certificates renewed under traffic."""

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trustme
from botocore.exceptions import SSLError

from tests.service.auth.keyring import until
from tests.service.running import Service, child, thread
from voiceid_optout.service.errors import StartError
from voiceid_optout.service.http.servers import bound, tls_context, url
from voiceid_optout.service.settings import TlsFiles


def test_the_address_to_call() -> None:
    with bound("0.0.0.0", 0) as listener:
        port = listener.getsockname()[1]
        assert url(listener) == f"http://127.0.0.1:{port}"
        assert url(listener, "https") == f"https://127.0.0.1:{port}"


def test_the_second_of_two_that_start_at_once_is_refused_before_either_serves() -> None:
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with (
            pytest.raises(StartError, match="Choose another with --admin-port"),
            bound("127.0.0.1", port, "--admin-"),
        ):
            pass


def test_an_address_that_is_not_this_machine_s_is_a_matter_of_the_host() -> None:
    for prefix, host in (("--", "192.0.2.1"), ("--admin-", "no such host")):
        with pytest.raises(StartError, match=f"Choose another with {prefix}host"), bound(host, 0, prefix):
            pass


def test_the_address_is_free_again_afterwards() -> None:
    with bound("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
    with socket.socket() as again:
        again.bind(("127.0.0.1", port))


def test_no_answer_waits_for_the_one_before_to_arrive() -> None:
    """Nagle's algorithm together with late acknowledgements costs 40 ms an answer; loops switch it off for TCP."""

    async def accepted(listener: socket.socket) -> int:
        made: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
        async with await asyncio.start_server(lambda _, writer: made.set_result(writer), sock=listener) as server:
            _, ours = await asyncio.open_connection(*listener.getsockname()[:2])
            theirs = await made
            found: int = theirs.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for writer in (ours, theirs):
                writer.close()
                await writer.wait_closed()
            server.close()
        return found

    with bound("127.0.0.1", 0) as listener:
        assert asyncio.run(accepted(listener)) == 1


class Authority:
    """A certificate authority, and where its certificate and a server's files lie."""

    def __init__(self, folder: Path) -> None:
        self.authority = trustme.CA()
        self.bundle = folder / "authority.pem"
        self.authority.cert_pem.write_to_path(self.bundle)
        self.files = TlsFiles(folder / "server.pem", folder / "server.key")
        self.issue()

    def issue(self) -> None:
        """Give the server a new certificate."""
        made = self.authority.issue_cert("127.0.0.1", "localhost")
        self.files.certificate.write_bytes(b"".join(part.bytes() for part in made.cert_chain_pems))
        self.files.key.touch(0o600)
        self.files.key.write_bytes(made.private_key_pem.bytes())


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with thread(tmp_path_factory.mktemp("secure"), tls=authority.files) as running:
        yield running


def serial(service: Service, authority: Authority) -> Any:
    place = urlsplit(service.url)
    context = ssl.create_default_context(cafile=str(authority.bundle))
    with (
        socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=600) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return (connection.getpeercert() or {})["serialNumber"]


def test_boto3_trusts_it_by_verify(secure: Service, authority: Authority) -> None:
    assert secure.url.startswith("https://127.0.0.1:")
    assert secure.running.environment()["AWS_ENDPOINT_URL_VOICE_ID"] == secure.url
    domain = secure.new_domain()
    client = secure.client(verify=str(authority.bundle))
    assert client.opt_out_speaker(DomainId=domain, SpeakerId="caller-1")["Speaker"]["Status"] == "OPTED_OUT"


def test_boto3_trusts_it_by_the_environment(
    secure: Service, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(authority.bundle))
    assert secure.client().list_domains()["DomainSummaries"] is not None


def test_boto3_refuses_it_without(secure: Service) -> None:
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        secure.client().list_domains()


def test_plain_http_to_it_is_no_conversation(secure: Service) -> None:
    place = urlsplit(secure.url)
    with socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=600) as plain:
        plain.sendall(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n")
        with suppress(ConnectionResetError):
            assert not plain.recv(1000).startswith(b"HTTP")


def test_older_than_tls_1_2_is_refused(secure: Service) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    place = urlsplit(secure.url)
    with (
        socket.create_connection((str(place.hostname), int(place.port or 0)), timeout=600) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1").close()


def test_a_renewed_certificate_is_taken_on_sighup(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    options = ("--tls-certificate", str(authority.files.certificate), "--tls-key", str(authority.files.key))
    with child(tmp_path / "data", *options) as service:
        client = service.client(verify=str(authority.bundle))
        client.list_domains()
        before = serial(service, authority)
        authority.issue()
        os.kill(service.running.pid, signal.SIGHUP)
        until(lambda: serial(service, authority) != before)
        renewed = serial(service, authority)
        authority.files.key.write_text("damaged")
        os.kill(service.running.pid, signal.SIGHUP)
        client.list_domains()
        assert serial(service, authority) == renewed


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    first, other = tmp_path / "first", tmp_path / "other"
    for folder in (first, other):
        folder.mkdir()
    files, foreign = Authority(first).files, Authority(other).files
    with pytest.raises(StartError, match="not a certificate and its key"):
        tls_context(TlsFiles(files.certificate, foreign.key))
    with pytest.raises(StartError, match="not a certificate and its key"):
        tls_context(TlsFiles(files.key, files.key))
    with pytest.raises(StartError, match="cannot be read: No such file"):
        tls_context(TlsFiles(tmp_path / "none", files.key))
    with pytest.raises(StartError, match="No such file"):
        tls_context(TlsFiles(files.certificate, tmp_path / "none"))
    files.key.chmod(0o644)
    with pytest.raises(StartError, match="read by every user"), thread(tmp_path / "data", tls=files):
        pass


def test_an_encrypted_key_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    files = Authority(tmp_path).files
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"passphrase"),
        )
    )
    with pytest.raises(StartError, match="encrypted"):
        tls_context(files)


def test_with_tls_the_network_is_fine(tmp_path: Path, authority: Authority) -> None:
    with thread(tmp_path, host="0.0.0.0", tls=authority.files) as service:
        service.client(verify=str(authority.bundle)).list_domains()
