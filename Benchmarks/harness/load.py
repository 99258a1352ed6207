"""The load: wrk for throughput, small blocking clients for everything that must be counted exactly."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from processes import LOAD_CORE, BenchmarkError
from tools import tool

HOST = "orders"
PATH = "/bench/item"


@dataclass(frozen=True)
class LoadResult:
    #: Answered or not.
    requests: int
    requests_per_second: float
    #: Requests without an answer, and answers outside 2xx and 3xx.
    failed: int
    #: h2load does not tell it.
    p99_milliseconds: float | None = None
    p50_milliseconds: float | None = None


_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


def run_wrk(
    port: int, seconds: float, connections: int = 64, script: Path | None = None, fields: list[str] = []
) -> LoadResult:
    """One wrk thread on the load's core."""
    arguments = [
        "taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--latency",
        "-H", f"Host: {HOST}", "--timeout", "10s",
    ]
    for field in fields:
        arguments += ["-H", field]
    if script:
        arguments += ["-s", str(script)]
    arguments.append(f"http://127.0.0.1:{port}{PATH}")
    output = subprocess.run(arguments, capture_output=True, text=True, timeout=seconds + 60).stdout
    total = re.search(r"(\d+) requests in", output)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", output)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", output)
    if not (total and rate and p99):
        raise BenchmarkError(f"wrk said nothing that can be read:\n{output}")
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    failed = (sum(map(int, errors.groups())) if errors else 0) + (int(refused[1]) if refused else 0)
    return LoadResult(int(total[1]), float(rate[1]), failed, float(p99[1]) * _UNITS[p99[2]])


def run_callers(how: str, port: int, pace: float, seconds: float) -> LoadResult:
    """`pace` calls a second of CallerTools' callers, `keep` or `once`. What cannot be kept up with is an error: it is then another
    load that was measured."""
    command = ["taskset", "-c", str(LOAD_CORE), tool("callers"), how, str(port), str(pace), str(seconds)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=seconds * 4 + 60)
    if finished.returncode:
        raise BenchmarkError(f"the callers did not last: {finished.stderr.strip()}")
    requests, failed, median, late, took = map(float, finished.stdout.split())
    if requests / took < pace * 0.95:
        raise BenchmarkError(f"this machine does not make {pace:,.0f} calls a second: {requests / took:,.0f}")
    return LoadResult(int(requests), requests / took, int(failed), late / 1000, median / 1000)


def run_h2load(
    url: str, seconds: float, connections: int, streams: int, body: Path | None = None, fields: tuple[str, ...] = ()
) -> LoadResult:
    """One h2load thread on the load's core, with HTTP/2 alone: prior knowledge for `http:`, ALPN for `https:`."""
    arguments = [
        "taskset", "-c", str(LOAD_CORE), "h2load", "-t1", f"-c{connections}", f"-m{streams}",
        "-D", str(max(1, round(seconds))), "-H", f":authority: {HOST}", "--npn-list=h2",
    ]
    if body:
        arguments += ["-d", str(body)]
    for field in fields:
        arguments += ["-H", field]
    output = subprocess.run([*arguments, url], capture_output=True, text=True, timeout=seconds + 60).stdout
    counts = re.search(r"requests: (\d+) total, \d+ started, (\d+) done, (\d+) succeeded", output)
    rate = re.search(r"finished in [\d.]+\w+, ([\d.]+) req/s", output)
    if not (counts and rate):
        raise BenchmarkError(f"h2load said nothing that can be read:\n{output}")
    return LoadResult(int(counts[2]), float(rate[1]), int(counts[1]) - int(counts[3]))


def write_paths_script(path: Path, count: int) -> Path:
    """A wrk script that walks over `count` rules in an order that jumps about, each request formatted once."""
    path.write_text(f"""local requests, index, count = {{}}, 0, {count}
function init(arguments)
    for rule = 0, count - 1 do
        requests[rule] = wrk.format("GET", "/r" .. rule .. "/item", {{ ["Host"] = "{HOST}" }})
    end
end
function request()
    index = (index + 7919) % count
    return requests[index]
end
""")
    return path


def request_bytes(path: str = PATH, method: str = "GET", host: str = HOST) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def read_bytes(port: int, seconds: float) -> int:
    """Bytes that come on one connection within `seconds`, 0 if nobody accepts. They are counted and thrown away by the
    kernel (MSG_TRUNC): the load costs next to nothing."""
    scrap, count = bytearray(4 << 20), 0
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                received = connection.recv_into(scrap, len(scrap), socket.MSG_TRUNC)
                if received == 0:
                    break
                count += received
    except OSError:
        pass
    return count


def read_bulk(port: int, path: str, pause: float) -> int:
    """The body of one answer, counted and thrown away; reading it begins `pause` seconds after asking, when every buffer
    on the way is full."""
    scrap, head = bytearray(4 << 20), b""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(request_bytes(path))
        time.sleep(pause)
        while b"\r\n\r\n" not in head:
            received = connection.recv(4096)
            if not received:
                return 0
            head += received
        lower, body = head.split(b"\r\n\r\n", 1)
        length = re.search(rb"\r\ncontent-length: *(\d+)", lower.lower())
        if not lower.startswith(b"HTTP/1.1 200") or not length:
            raise BenchmarkError(f"no bulk came: {lower[:200]!r}")
        count = len(body)
        while count < int(length[1]):
            received = connection.recv_into(scrap, len(scrap), socket.MSG_TRUNC)
            if received == 0:
                break
            count += received
        return count


class Connection:
    """A keep-alive HTTP/1.1 client connection that understands Content-Length and chunked answers."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None, server_name: str | None = None,
                 timeout: float = 10):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self._socket = context.wrap_socket(self._socket, server_hostname=server_name)
        self._buffer = b""
        self.is_reusable = True

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> tuple[int, dict[str, str], bytes]:
        """One answer: status, fields by lower-case name, body. Raises `ConnectionError` when the peer closes first."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._fill()
        head, self._buffer = self._buffer[:end].decode("latin-1"), self._buffer[end + 4:]
        lines = head.split("\r\n")
        fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body = self._chunked()
        else:
            body = self._exactly(int(fields.get("content-length", "0")))
        self.is_reusable = fields.get("connection", "").lower() != "close"
        return int(lines[0].split()[1]), fields, body

    def get(
        self, path: str = PATH, method: str = "GET", host: str = HOST
    ) -> tuple[int, dict[str, str], bytes]:
        self.send(request_bytes(path, method, host))
        return self.receive()

    def close(self) -> None:
        self._socket.close()

    def _fill(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("closed by the peer")
        self._buffer += data

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._fill()
        body, self._buffer = self._buffer[:count], self._buffer[count:]
        return body

    def _chunked(self) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in self._buffer:
                self._fill()
            line, self._buffer = self._buffer.split(b"\r\n", 1)
            size = int(line.split(b";")[0], 16)
            body += self._exactly(size)
            self._exactly(2)
            if size == 0:
                return body


class HTTP2Connection:
    """A client of HTTP/2 over TLS that asks once at a time and knows just enough of HPACK to see a 200."""

    def __init__(self, port: int, context: ssl.SSLContext, server_name: str):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._socket = context.wrap_socket(connection, server_hostname=server_name)
        self._buffer, self._stream = b"", -1
        self._socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(4, 0, 0, b""))

    def get(self, path: str = PATH) -> tuple[int | None]:
        self._stream += 2
        # `:method GET` and `:scheme https` of the static table, `:path` and `:authority` as literals without indexing.
        block = b"\x82\x87" + b"\x04" + _literal(path) + b"\x01" + _literal(HOST)
        self._socket.sendall(_frame(1, 0x5, self._stream, block))  # END_HEADERS, END_STREAM
        status = None
        while True:
            kind, flags, stream, payload = self._read()
            if kind == 4 and not flags & 1:
                self._socket.sendall(_frame(4, 1, 0, b""))
            elif kind in (3, 7):
                raise ConnectionError("the stream or the connection was given up")
            elif kind == 1 and stream == self._stream:
                # A change of the table's size may stand before; 0x88 is `:status 200` of the static table.
                status = 200 if b"\x88" in payload[:4] else 0
            if kind in (0, 1) and stream == self._stream and flags & 1:
                return (status,)

    def close(self) -> None:
        self._socket.close()

    def _read(self) -> tuple[int, int, int, bytes]:
        length = int.from_bytes(self._exactly(3), "big")
        kind, flags = self._exactly(2)
        stream = int.from_bytes(self._exactly(4), "big")
        return kind, flags, stream, self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionError("closed by the peer")
            self._buffer += data
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _literal(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def answers(port: int, path: str = PATH, method: str = "GET", context: ssl.SSLContext | None = None,
            server_name: str | None = None, host: str = HOST) -> int | None:
    """The status of one request on a connection of its own, or `None` while nobody answers."""
    try:
        connection = Connection(port, context, server_name, timeout=5)
        try:
            return connection.get(path, method, host)[0]
        finally:
            connection.close()
    except OSError:
        return None


def client_context(certificates, protocols: list[str]) -> ssl.SSLContext:
    """TLS 1.3 with the web leaf, offering `protocols` by ALPN. Names are not checked: the peers' leaf carries a SPIFFE ID instead of a DNS name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.set_alpn_protocols(protocols)
    context.load_verify_locations(certificates.root)
    context.load_cert_chain(certificates.web.certificate, certificates.web.key)
    return context


def full_handshake(port: int, context: ssl.SSLContext, server_name: str) -> None:
    """One full mutual handshake and an orderly close. Waits for the server's own close, because in TLS 1.3 a client is
    done before the server has verified the client's certificate."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(incoming, outgoing, server_hostname=server_name)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                session.do_handshake()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                data = connection.recv(65536)
                if not data:
                    raise ConnectionError("closed during the handshake") from None
                incoming.write(data)
        connection.sendall(outgoing.read())
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            continue
