"""An orderly end amid a crowd: requests under way are answered, later ones find nobody, and none is cut."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.service.calls import signed
from tests.service.crowd import listed
from tests.service.http.test_app import opt_out
from tests.service.running import TIMEOUT, Service, child
from voiceid_optout.cli.exit_codes import ExitCode
from voiceid_optout.service.http.servers import STOP_SECONDS

CLIENTS = 16


class Client:
    """Opts people out over a connection it keeps, until nobody answers; ``ends`` says how each call ended."""

    def __init__(self, service: Service, domain: str, number: int) -> None:
        place = urlsplit(service.url)
        self._connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)
        self._service, self._domain, self._number = service, domain, number
        self.ends: Counter[str] = Counter()
        self.acknowledged: list[str] = []

    def work(self) -> None:
        with closing(self._connection):
            while self._call(f"caller-{self._number}-{self.ends.total()}"):
                pass

    def _call(self, name: str) -> bool:
        body = opt_out(self._domain, name)
        try:
            self._connection.request("POST", "/", body, signed(self._service, body))
            answer = self._connection.getresponse()
        except http.client.RemoteDisconnected:
            # The service closed a connection that was idle when it was told to end; nothing of an answer came.
            self.ends["closed"] += 1
            return True
        except (ConnectionRefusedError, ConnectionResetError, BrokenPipeError):
            self.ends["refused"] += 1
            return False
        answer.read()  # IncompleteRead, if it was cut
        self.ends[str(answer.status)] += 1
        if answer.status == http.HTTPStatus.OK:
            self.acknowledged.append(name)
        return True


def test_a_crowd_is_answered_or_finds_nobody(tmp_path: Path) -> None:
    with child(tmp_path) as service:
        domain = service.new_domain()
        clients = [Client(service, domain, number) for number in range(CLIENTS)]
        with ThreadPoolExecutor(CLIENTS) as pool:
            work = [pool.submit(client.work) for client in clients]
            while sum(client.ends.total() for client in clients) < 200:
                time.sleep(0.01)
            began = time.monotonic()
            os.kill(service.running.pid, signal.SIGTERM)
            for each in work:
                each.result(TIMEOUT)
        assert service.process is not None
        assert service.process.wait(TIMEOUT) == ExitCode.DONE
        assert time.monotonic() - began < STOP_SECONDS + 5
    ends = sum((client.ends for client in clients), Counter())
    assert set(ends) <= {"200", "closed", "refused"}
    assert ends["200"] >= 200
    told = [name for client in clients for name in client.acknowledged]
    with child(tmp_path) as service:
        found = listed(service, domain)
    assert [name for name in told if name not in found] == []


def test_a_request_under_way_is_answered_although_its_client_is_slow(tmp_path: Path) -> None:
    with child(tmp_path) as service:
        domain = service.new_domain()
        body = opt_out(domain)
        place = urlsplit(service.url)
        connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=TIMEOUT)
        connection.putrequest("POST", "/", skip_host=True, skip_accept_encoding=True)
        for name, value in (signed(service, body) | {"Content-Length": str(len(body))}).items():
            connection.putheader(name, value)
        connection.endheaders(body[:10])
        time.sleep(0.1)  # the service has its head
        os.kill(service.running.pid, signal.SIGTERM)
        threading.Timer(0.5, connection.send, (body[10:],)).start()
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (200, "close")
        answer.read()
        connection.close()
