"""WebSocket from HTTP/1.1 and from HTTP/2 (RFC 8441), across the hop, to a workload that speaks HTTP/1.1."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import websockets
from websockets.frames import Frame, Opcode
from websockets.sync.client import connect

from lab.curl import curl
from lab.h2client import H2Client
from lab.manifests import allow, caller, deny, resource, service

WEB, BATCH, EDGE = 15101, 15102, 8080
PORT, RAW_PORT = 20021, 20022


class Front:
    def __init__(self, laboratory):
        self._laboratory = laboratory
        self.is_direct = laboratory.is_direct

    def address(self, caller: str = "web") -> tuple[str, int]:
        if self.is_direct:
            return self._laboratory.hosts.b.address, PORT
        return "127.0.0.1", {"web": WEB, "batch": BATCH, "edge": EDGE}[caller]

    def connect(self, path: str, caller: str = "web", **options):
        host, port = self.address(caller)
        connection = socket.create_connection((host, port), timeout=10)
        name = "chat.edge.example" if caller == "edge" else "chat.shop"
        return connect(
            f"ws://{name}{path}", sock=connection, max_size=16 << 20, open_timeout=10, close_timeout=5, proxy=None,
            **options)


@pytest.fixture(scope="module")
def front(laboratory):
    laboratory.workload("websocket", "websocket_workload.py", PORT)
    if not laboratory.is_direct:
        laboratory.mesh().start([
            caller("web", WEB), caller("batch", BATCH), *service("chat", "HTTP", PORT),
            *service("raw", "HTTP", RAW_PORT), allow("web-chats", "chat", ["web", "edge"]),
            deny("nobody-whispers", "chat", ["web"], [{"paths": ["/whisper"]}]), allow("web-raw", "raw", ["web"]),
            resource("Gateway", "edge", {
                "node": "a", "listeners": [{"name": "http", "port": EDGE, "protocol": "HTTP"}]}),
            resource("HTTPRoute", "chat", {
                "parentRefs": [{"name": "edge"}], "hostnames": ["chat.edge.example"],
                "rules": [{"backendRefs": [{"name": "chat"}]}]})])
    return Front(laboratory)


@pytest.fixture(params=["web", pytest.param("edge", marks=pytest.mark.heddle)])
def caller_name(request):
    return request.param


def test_messages_come_back(front, caller_name):
    with front.connect("/chat", caller_name) as chat:
        for message in ("text \u2713", b"\0\xff" * 10, "", b"x" * 125, b"x" * 126, b"x" * 65_536, os.urandom(3_000_000)):
            chat.send(message)
            assert chat.recv(timeout=10) == message


def test_a_message_in_pieces_and_pings(front):
    with front.connect("/chat") as chat:
        chat.send(iter(["one ", "two ", "three"]))
        assert chat.recv(timeout=10) == "one two three"
        assert chat.ping().wait(10)


def test_the_subprotocol_and_extensions_are_the_workloads(front):
    with front.connect("/chat", subprotocols=["other", "echo"], compression="deflate") as chat:
        assert chat.subprotocol == "echo"
        assert "permessage-deflate" in chat.response.headers["sec-websocket-extensions"]
        chat.send("again " * 10_000)
        assert chat.recv(timeout=10) == "again " * 10_000


def test_the_end_that_the_workload_makes_arrives_with_its_code(front):
    with front.connect("/close?code=4321") as chat:
        with pytest.raises(websockets.ConnectionClosed):
            chat.recv(timeout=10)
        assert (chat.close_code, chat.close_reason) == (4321, "as asked")


def test_a_large_message_from_the_workload(front):
    with front.connect("/large?size=8000000", compression=None) as chat:
        assert chat.recv(timeout=20) == bytes(index % 251 for index in range(8_000_000))


def test_many_at_once(front):
    def talk(number: int) -> bool:
        with front.connect("/chat") as chat:
            for index in range(20):
                chat.send(f"{number} {index}")
                if chat.recv(timeout=10) != f"{number} {index}":
                    return False
        return True

    with ThreadPoolExecutor(20) as pool:
        assert all(pool.map(talk, range(60)))


def test_a_refusal_of_the_workload_is_passed_on(front, caller_name):
    with pytest.raises(websockets.InvalidStatus) as error:
        front.connect("/refuse", caller_name)
    assert (error.value.response.status_code, error.value.response.body) == (403, b"not you\n")


def test_an_answer_that_upgrades_nothing_opens_no_tunnel(front):
    """Between nodes any success would say that the upgrade was accepted, so that a workload's plain 200 cannot be told."""
    with pytest.raises(websockets.InvalidStatus) as error:
        front.connect("/plain")
    response = error.value.response
    if front.is_direct:
        assert (response.status_code, response.body) == (200, b"no upgrade here\n")
    else:
        assert (response.status_code, response.headers["x-heddle-reason"]) == (502, "upstream-failed")


def test_curl_upgrades(front):
    host, port = front.address()
    key = base64.b64encode(bytes(16)).decode()
    answer = curl(
        "http://chat.shop/close?code=1000", "--http1.1", "--connect-to", f"::{host}:{port}", "-H", "Connection: Upgrade", "-H",
        "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13", "-H", f"Sec-WebSocket-Key: {key}", seconds=3)
    accepted = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    assert (answer.status, answer.field("sec-websocket-accept")) == (101, base64.b64encode(accepted).decode()), answer


@pytest.mark.heddle
def test_the_workload_learns_who_calls(front):
    for name in ("web", "edge"):
        with front.connect("/who", name) as chat:
            assert chat.recv(timeout=10) == f"spiffe://interop.example/ns/shop/sa/{name}"


@pytest.mark.heddle
def test_who_is_not_allowed_never_reaches_the_workload(front):
    for path, name in (("/chat", "batch"), ("/whisper", "web")):
        with pytest.raises(websockets.InvalidStatus) as error:
            front.connect(path, name)
        response = error.value.response
        assert (response.status_code, response.headers["x-heddle-reason"]) == (403, "denied")


@pytest.mark.heddle
def test_other_upgrades_are_not_made(front):
    answer = curl(
        "http://chat.shop/plain", "--http1.1", "--connect-to", f"::127.0.0.1:{WEB}", "-H", "Connection: Upgrade", "-H",
        "Upgrade: tunnel")
    assert answer.status != 101, answer


class RawWorkload:
    """Takes one connection on host b, and leaves every byte to the test. It stands in a thread that has entered b."""

    def __init__(self, host):
        self._listener: socket.socket | None = None

        def listen():
            host.enter()
            self._listener = socket.create_server(("0.0.0.0", RAW_PORT))
            self._listener.settimeout(10)

        thread = threading.Thread(target=listen)
        thread.start()
        thread.join()

    def accept(self) -> socket.socket:
        connection, _ = self._listener.accept()
        connection.settimeout(10)
        return connection

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def raw_workload(front, hosts):
    workload = RawWorkload(hosts.b)
    yield workload
    workload.close()


UPGRADE = (
    b"GET /raw HTTP/1.1\r\nHost: raw.shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")


def _accepted(head: bytes) -> bytes:
    """The answer to a request for an upgrade; its proof is of the key that the node asked with, not of the caller's."""
    key = next(
        line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n")



def _read_head(connection: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        assert piece, data
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


@pytest.mark.heddle
def test_bytes_before_the_upgrade_is_accepted_are_held(front, raw_workload):
    with socket.create_connection(front.address(), timeout=10) as connection:
        connection.sendall(UPGRADE + b"early bytes")
        with raw_workload.accept() as workload:
            head, rest = _read_head(workload)
            assert b"upgrade: websocket" in head.lower()
            workload.settimeout(0.5)
            with pytest.raises(TimeoutError):
                rest += workload.recv(1000)
                assert rest == b"", "they came before the workload had accepted"
            workload.settimeout(10)
            workload.sendall(_accepted(head) + b"at once")
            head, rest = _read_head(connection)
            assert head.startswith(b"HTTP/1.1 101")
            while len(rest) < 7:
                rest += connection.recv(100)
            assert rest == b"at once"
            found = b""
            while len(found) < 11:
                found += workload.recv(100)
            assert found == b"early bytes"


@pytest.mark.heddle
def test_bytes_behind_a_refused_upgrade_do_not_reach_the_workload_as_they_are(front, raw_workload):
    """Envoy CVE-2025-64763: they may be the next request, judged as one, or nothing."""
    with socket.create_connection(front.address(), timeout=10) as connection:
        connection.sendall(UPGRADE + b"\x81\x05hello")
        with raw_workload.accept() as workload:
            _, rest = _read_head(workload)
            workload.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n")
            head, _ = _read_head(connection)
            assert head.startswith(b"HTTP/1.1 400")
            workload.settimeout(1)
            try:
                while piece := workload.recv(1000):
                    rest += piece
            except TimeoutError:
                pass
            assert b"hello" not in rest


@pytest.mark.heddle
def test_a_reset_is_passed_on_both_ways(front, raw_workload):
    for ends in ("workload", "caller"):
        connection = socket.create_connection(front.address(), timeout=10)
        connection.sendall(UPGRADE)
        workload = raw_workload.accept()
        workload.sendall(_accepted(_read_head(workload)[0]))
        assert _read_head(connection)[0].startswith(b"HTTP/1.1 101")
        first, second = (workload, connection) if ends == "workload" else (connection, workload)
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        first.close()
        try:
            assert second.recv(100) == b""
        except ConnectionResetError:
            pass
        second.close()


@pytest.mark.heddle
class TestFromHTTP2:
    """Extended CONNECT, as browsers do it."""

    FIELDS = [("sec-websocket-version", "13"), ("origin", "http://chat.shop")]

    def open(self, client: H2Client, path: str, authority: str = "chat.shop", fields=()) -> int:
        assert client.allows_extended_connect
        return client.request(
            "CONNECT", authority, path, [*self.FIELDS, *fields], protocol="websocket", is_open=True)

    @pytest.mark.parametrize("name", ["web", "edge"])
    def test_messages_come_back(self, front, name):
        authority = "chat.edge.example" if name == "edge" else "chat.shop"
        with H2Client(front.address(name)) as client:
            number = self.open(client, "/chat", authority)
            stream = client.streams[number]
            client.wait("the answer", lambda: stream.status is not None)
            assert stream.status == 200, stream
            assert not {"sec-websocket-accept", "upgrade", "connection"} & stream.fields.keys()
            message = os.urandom(200_000)
            client.send(number, Frame(Opcode.BINARY, message).serialize(mask=True))
            wanted = Frame(Opcode.BINARY, message).serialize(mask=False)
            client.wait("the echo", lambda: len(stream.data) >= len(wanted))
            assert bytes(stream.data) == wanted
            client.send(number, Frame(Opcode.CLOSE, b"\x03\xe8").serialize(mask=True))
            client.wait("the close", lambda: len(stream.data) >= len(wanted) + 4)
            assert stream.data[len(wanted):len(wanted) + 4] == b"\x88\x02\x03\xe8"
            client.send(number, b"", is_last=True)
            client.response(number)

    def test_many_in_one_connection(self, front):
        with H2Client(front.address()) as client:
            numbers = [self.open(client, "/chat") for _ in range(50)]
            for number in numbers:
                client.wait("the answer", lambda: client.streams[number].status == 200)
                client.send(number, Frame(Opcode.TEXT, str(number).encode()).serialize(mask=True))
            for number in numbers:
                wanted = Frame(Opcode.TEXT, str(number).encode()).serialize(mask=False)
                client.wait("the echo", lambda: bytes(client.streams[number].data) == wanted)

    def test_the_subprotocol_is_the_workloads(self, front):
        with H2Client(front.address()) as client:
            number = self.open(client, "/chat", fields=[("sec-websocket-protocol", "other, echo")])
            client.wait("the answer", lambda: client.streams[number].status is not None)
            assert client.streams[number].fields.get("sec-websocket-protocol") == "echo"

    def test_refusals(self, front):
        for name, path, status in (("batch", "/chat", 403), ("web", "/refuse", 403), ("web", "/whisper", 403)):
            with H2Client(front.address(name)) as client:
                number = self.open(client, path)
                client.wait("the answer", lambda: client.streams[number].status is not None)
                assert client.streams[number].status == status, (name, path)

    def test_an_answer_that_upgrades_nothing_is_no_success(self, front):
        """200 would mean an open tunnel."""
        with H2Client(front.address()) as client:
            number = self.open(client, "/plain")
            stream = client.streams[number]
            client.wait("the answer", lambda: stream.status is not None or stream.reset is not None)
            assert stream.status == 502, stream

    def test_another_protocol_is_refused_and_the_connection_goes_on(self, front):
        with H2Client(front.address()) as client:
            number = client.request("CONNECT", "chat.shop", "/chat", protocol="connect-udp", is_open=True)
            stream = client.streams[number]
            client.wait("the answer", lambda: stream.status is not None or stream.reset is not None)
            assert stream.reset is not None or stream.status >= 400, stream
            if not stream.is_ended and stream.reset is None:
                client.reset(number)
            number = client.request("GET", "chat.shop", "/plain")
            assert client.response(number).status == 200

    def test_bytes_before_the_upgrade_is_accepted_are_held(self, front, raw_workload):
        with H2Client(front.address()) as client:
            number = self.open(client, "/raw", "raw.shop")
            client.send(number, b"early bytes")
            with raw_workload.accept() as workload:
                head, rest = _read_head(workload)
                assert b"\r\nupgrade: websocket\r\n" in head.lower() and head.startswith(b"GET /raw HTTP/1.1\r\n")
                workload.settimeout(0.5)
                with pytest.raises(TimeoutError):
                    rest += workload.recv(1000)
                    assert rest == b"", "they came before the workload had accepted"
                workload.settimeout(10)
                workload.sendall(_accepted(head))
                found = b""
                while len(found) < 11:
                    found += workload.recv(100)
                assert found == b"early bytes"
                client.reset(number)
                deadline = time.monotonic() + 5
                try:
                    assert workload.recv(100) == b""
                except ConnectionResetError:
                    pass
                assert time.monotonic() < deadline
