"""Calls that keep to the rules, one at a time, while others do not. Each carries a token, and must get it back, and
nothing else; those that a rule forbids must be refused."""

from __future__ import annotations

import asyncio
import random
import ssl

from findings import Finding
from http2 import Peer, ProtocolError
from players import WITNESS
from plays import host
from workloads import chunked

#: No witness takes as long on a machine that is busy with other things.
PATIENCE = 45.0
SIZES = [0, 1, 100, 5000, 16_384, 65_535, 65_536, 200_000]


class Wrong(Exception):
    pass


class Witnesses:
    def __init__(self, addresses: dict[str, tuple[str, int]], contexts: dict[str, ssl.SSLContext], seed: int):
        self._addresses, self._contexts = addresses, contexts
        self._chance = random.Random(f"{seed}/witnesses")
        self.count = 0
        self.calls = [
            (f"{kind} {way} {service}", call, (way, service))
            for kind, call in [("HTTP/1.1", self._http1), ("HTTP/2", self._http2)]
            for way in ("out", "edge-http", "edge-https") for service in ("near1", "near2", "far1", "far2")]
        self.calls += [(f"gRPC {way}", self._grpc, (way,)) for way in ("out", "edge-http", "edge-https")]
        self.calls += [
            (f"WebSocket {way} {service}", self._socket, (way, service))
            for way in ("out", "edge-http", "edge-https") for service in ("near1", "far1")]
        self.calls += [(f"TCP {way}", self._tcp, (way,)) for way in ("out-tcp-near", "out-tcp-far", "edge-tcp", "edge-tls")]
        self.calls += [
            (f"{kind} {way} denied {service}{path}", self._denied, (way, service, method, path, kind == "HTTP/2"))
            for kind in ("HTTP/1.1", "HTTP/2") for way in ("out", "edge-http")
            for service, method, path in [
                ("locked1", "GET", "/"), ("lockedf", "POST", "/a"), ("near1", "GET", "/admin/x"), ("far2", "GET", "/admin"),
                ("near2", "DELETE", "/a"), ("far1", "DELETE", "/a"), ("near1", "GET", "/a/../%61dmin/x")]]
        self.calls.append(("TCP denied", self._denied_tcp, ()))

    async def all(self) -> None:
        for name, call, arguments in self.calls:
            await self._one(name, call, arguments)

    async def some(self, until: asyncio.Event) -> None:
        while not until.is_set():
            await self._one(*self._chance.choice(self.calls))
            await asyncio.sleep(self._chance.choice([0, 0.01, 0.05]))

    async def gate(self, is_open: bool) -> None:
        """After a generation serves that opens or closes a service: its rule holds."""
        reader, writer = await self._connect("out", False)
        try:
            status, _, _ = await asyncio.wait_for(self._exchange(reader, writer, "GET", "/gate", host("gate"), b""), PATIENCE)
        finally:
            writer.close()
        if (status == 200) != is_open or status not in (200, 403):
            raise Finding("rule-not-in-force", f"the gate is {'open' if is_open else 'closed'}, and a call got {status}")

    async def _one(self, name: str, call, arguments: tuple) -> None:
        self.count += 1
        token = WITNESS + b"%016x" % self._chance.getrandbits(64)
        try:
            await asyncio.wait_for(call(token, *arguments), PATIENCE)
        except asyncio.TimeoutError:
            raise Finding("witness-without-answer", f"{name} {token.decode()}: nothing for {PATIENCE:.0f} s") from None
        except (Wrong, ProtocolError, ValueError, OSError, EOFError, asyncio.LimitOverrunError) as error:
            raise Finding("witness-failed", f"{name} {token.decode()}: {error!r}") from None

    async def _connect(self, way: str, is_http2: bool):
        more = {}
        if way == "edge-https":
            more = {"ssl": self._contexts["edge-h2" if is_http2 else "edge-h1"], "server_hostname": host("near1")}
        elif way == "edge-tls":
            more = {"ssl": self._contexts["edge"], "server_hostname": "tls.edge.test"}
        return await asyncio.open_connection(*self._addresses[way], limit=1 << 20, **more)

    def _body(self, token: bytes) -> bytes:
        size = self._chance.choice(SIZES)
        return (token * (size // len(token) + 1))[:size]

    async def _http1(self, token: bytes, way: str, service: str) -> None:
        reader, writer = await self._connect(way, False)
        try:
            for number in range(self._chance.choice([1, 1, 2, 4])):
                method = self._chance.choice(["GET", "HEAD", "POST", "POST", "PUT"])
                body = self._body(token) if method in ("POST", "PUT") else b""
                target = f"/{token.decode()}/{number}" + self._chance.choice(["", "?chunked"])
                status, fields, answer = await self._exchange(reader, writer, method, target, host(service), body)
                self._expect(status, fields.get(b"x-target"), answer, method, target, body)
        finally:
            writer.close()

    @staticmethod
    def _expect(status: int, echoed: bytes | None, answer: bytes, method: str, target: str, body: bytes) -> None:
        if status != 200:
            raise Wrong(f"{method} {target}: {status}")
        if echoed != target.encode():
            raise Wrong(f"{method} {target}: got the answer to {echoed!r}")
        expected = b"" if method == "HEAD" else body or target.encode()
        if answer != expected:
            raise Wrong(f"{method} {target}: {len(answer)} bytes instead of {len(expected)}: {answer[:80]!r}")

    async def _exchange(self, reader, writer, method: str, target: str, name: str, body: bytes):
        writer.write(f"{method} {target} HTTP/1.1\r\nHost: {name}\r\n".encode())
        if body and self._chance.random() < 0.4:
            writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
            at = 0
            while at < len(body):
                piece = body[at:at + self._chance.choice([1000, 16_384, 50_000])]
                at += len(piece)
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                await writer.drain()
            writer.write(b"0\r\n\r\n")
        else:
            writer.write((f"Content-Length: {len(body)}\r\n" if body else "").encode() + b"\r\n" + body)
        await writer.drain()
        return await self._answer(reader, method)

    @staticmethod
    async def _answer(reader, method: str):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            line, *lines = head[:-4].split(b"\r\n")
            status = int(line.split(b" ")[1])
            if status >= 200 or status == 101:
                break
        fields = {name.lower(): value.strip() for name, _, value in (each.partition(b":") for each in lines)}
        if method == "HEAD" or status in (101, 204, 304):
            return status, fields, b""
        if fields.get(b"transfer-encoding") == b"chunked":
            return status, fields, await chunked(reader)
        return status, fields, await reader.readexactly(int(fields[b"content-length"]))

    async def _http2(self, token: bytes, way: str, service: str) -> None:
        async with _Connection(*await self._connect(way, True)) as peer:
            for number in range(self._chance.choice([1, 1, 2, 4])):
                method = self._chance.choice(["GET", "HEAD", "POST", "POST", "PUT"])
                body = self._body(token) if method in ("POST", "PUT") else b""
                target = f"/{token.decode()}/{number}" + self._chance.choice(["", "?chunked"])
                stream = await self._stream(peer, method, target, service, body, [])
                if not stream.heads:
                    raise Wrong(f"{method} {target}: reset {stream.reset}, connection {peer.ended}")
                final = [head for head in stream.heads if dict(head).get(b":status", b"2")[:1] != b"1"]
                status = int(dict(final[0]).get(b":status", b"0"))
                if not stream.ended:
                    raise Wrong(f"{method} {target}: {status}, then reset {stream.reset}, connection {peer.ended}")
                self._expect(status, dict(final[0]).get(b"x-target"), bytes(stream.body), method, target, body)

    @staticmethod
    async def _stream(peer: Peer, method: str, target: str, service: str, body: bytes, more):
        fields = [(b":method", method.encode()), (b":scheme", b"http"), (b":authority", host(service).encode()),
                  (b":path", target.encode())] + more
        stream = peer.open(fields, ends=not body)
        try:
            if body:
                await peer.send(stream, body, ends=True)
        except ConnectionError:
            pass  # told by what came of the stream
        await stream.until(lambda s: s.ended or s.reset is not None or peer.ended)
        return stream

    async def _grpc(self, token: bytes, way: str) -> None:
        async with _Connection(*await self._connect(way, True)) as peer:
            message = b"\0" + len(token).to_bytes(4, "big") + token
            stream = await self._stream(peer, "POST", f"/fuzz.Test/{token.decode()}", "nearg", message, [
                (b"content-type", b"application/grpc"), (b"te", b"trailers")])
            trailers = dict(stream.heads[-1]) if len(stream.heads) > 1 else {}
            if bytes(stream.body) != message or trailers.get(b"grpc-status") != b"0":
                raise Wrong(f"{stream.heads!r} {bytes(stream.body)!r}, reset {stream.reset}, connection {peer.ended}")

    async def _socket(self, token: bytes, way: str, service: str) -> None:
        reader, writer = await self._connect(way, False)
        try:
            writer.write(f"GET /{token.decode()} HTTP/1.1\r\nHost: {host(service)}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
                         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode())
            status, _, _ = await self._answer(reader, "GET")
            if status != 101:
                raise Wrong(f"{status} instead of 101")
            await self._echo(reader, writer, self._body(token))
        finally:
            writer.close()

    async def _tcp(self, token: bytes, way: str) -> None:
        reader, writer = await self._connect(way, False)
        try:
            await self._echo(reader, writer, token + self._body(token))
            if writer.can_write_eof():
                writer.write_eof()
                rest = await reader.read(1)
                if rest:
                    raise Wrong(f"more than was sent: {rest!r}")
        finally:
            writer.close()

    @staticmethod
    async def _echo(reader, writer, data: bytes) -> None:
        writer.write(data)
        answer, _ = await asyncio.gather(reader.readexactly(len(data)), writer.drain())
        if answer != data:
            raise Wrong(f"{len(data)} bytes came back as others: {answer[:80]!r}")

    async def _denied(self, token: bytes, way: str, service: str, method: str, path: str, is_http2: bool) -> None:
        if is_http2:
            async with _Connection(*await self._connect(way, True)) as peer:
                stream = await self._stream(peer, method, path, service, b"", [(b"x-token", token)])
                status = stream.heads and int(stream.field(b":status"))
        else:
            reader, writer = await self._connect(way, False)
            try:
                status, _, _ = await self._exchange(reader, writer, method, path, host(service), b"")
            finally:
                writer.close()
        if status != 403:
            raise Wrong(f"{status or 'nothing'} instead of 403")

    async def _denied_tcp(self, token: bytes) -> None:
        try:
            reader, writer = await self._connect("out-tcp-locked", False)
        except ConnectionError:
            return
        try:
            writer.write(token)
            if data := await reader.read(100):
                raise Wrong(f"{data!r} instead of a reset")
        except ConnectionError:
            pass
        finally:
            writer.close()


class _Connection:
    """A connection of HTTP/2 that is read while it is used."""

    def __init__(self, reader, writer):
        self._writer = writer
        self._peer = Peer(reader, writer, is_client=True)

    async def __aenter__(self) -> Peer:
        self._task = asyncio.ensure_future(self._peer.run())
        return self._peer

    async def __aexit__(self, *_) -> None:
        self._writer.close()
        self._task.cancel()
        try:
            await self._task
        except asyncio.CancelledError:
            pass
