"""Workloads that keep to the rules: they echo, and they look at whatever Heddle hands to them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re

from findings import Finding, Findings
from http2 import Peer, ProtocolError

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Services of which a DENY rule protects a method and some paths.
PROTECTED = ["near1", "near2", "nearg", "far1", "far2"]
#: A longer body is no witness's, and is not answered.
LONGEST_BODY = 8 << 20


class Judge:
    """What must hold of each request that arrives, whatever its caller sent."""

    def __init__(self, findings: Findings, callers: set[bytes]):
        self._findings, self._callers = findings, callers

    def request(self, service: str, method: bytes, target: bytes, fields: list[tuple[bytes, bytes]]) -> None:
        path = target.partition(b"?")[0]
        said = [value for name, value in fields if name.replace(b"_", b"-") == b"x-heddle-caller"]
        if len(said) != 1 or said[0] not in self._callers:
            self.report("smuggled", f"{service} got {method!r} {target!r} of {said!r}")
        if service in PROTECTED and (method == b"DELETE" or path == b"/admin" or path.startswith(b"/admin/")):
            self.report("denied-call-passed", f"{service} got {method!r} {target!r}")
        if b"//" in path or b"/../" in path + b"/" or b"/./" in path + b"/":
            self.report("path-not-canonical", f"{service} got {target!r}")

    def report(self, kind: str, text: str) -> None:
        self._findings.report(Finding(kind, text))


class HTTP1Echo:
    """Answers each request with its own body, or with its target if it has none; a WebSocket with its bytes."""

    def __init__(self, service: str, judge: Judge):
        self._service, self._judge = service, judge

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, OSError):
            pass  # a caller that broke off, which Heddle passes on
        except (ValueError, asyncio.LimitOverrunError) as error:
            self._judge.report("malformed-request-written", f"to {self._service}: {error}")
        finally:
            writer.close()

    async def _one(self, reader, writer) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *lines = head[:-4].split(b"\r\n")
        words = line.split(b" ")
        if len(words) != 3 or not TOKEN.fullmatch(words[0]) or words[2] != b"HTTP/1.1":
            raise ValueError(f"request line {line!r}")
        fields = []
        for each in lines:
            name, colon, value = each.partition(b":")
            if not colon or not TOKEN.fullmatch(name) or re.search(rb"[\0-\x08\x0a-\x1f\x7f]", value):
                raise ValueError(f"field line {each!r}")
            fields.append((name.lower(), value.strip(b" \t")))
        method, target = words[0], words[1]
        self._judge.request(self._service, method, target, fields)
        find = lambda wanted: [value for name, value in fields if name == wanted]  # noqa: E731
        lengths, codings = find(b"content-length"), find(b"transfer-encoding")
        if len(lengths) + len(codings) > 1 or len(find(b"host")) != 1:
            raise ValueError(f"fields {fields!r}")
        if find(b"upgrade") == [b"websocket"]:
            await self._socket(reader, writer, find(b"sec-websocket-key")[0])
            return False
        if find(b"expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if lengths:
            if not lengths[0].isdigit():
                raise ValueError(f"content-length {lengths!r}")
            if int(lengths[0]) > LONGEST_BODY:
                return False
            body = await reader.readexactly(int(lengths[0]))
        elif codings:
            if codings != [b"chunked"]:
                raise ValueError(f"transfer-encoding {codings!r}")
            body = await chunked(reader)
        answer = body or target
        writer.write(b"HTTP/1.1 200 OK\r\nx-target: " + target + b"\r\n")
        if b"?chunked" in target and method != b"HEAD":
            writer.write(b"transfer-encoding: chunked\r\n\r\n")
            half = len(answer) // 2
            for piece in (answer[:half], answer[half:]):
                writer.write(b"%x\r\n%s\r\n" % (len(piece), piece) if piece else b"")
                await writer.drain()
            writer.write(b"0\r\nx-end: yes\r\n\r\n")
        else:
            writer.write(b"content-length: %d\r\n\r\n" % len(answer) + (b"" if method == b"HEAD" else answer))
        await writer.drain()
        return True

    @staticmethod
    async def _socket(reader, writer, key: bytes) -> None:
        proof = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
                     b"sec-websocket-accept: " + proof + b"\r\n\r\n")
        await echo_bytes(reader, writer)


async def chunked(reader: asyncio.StreamReader) -> bytes:
    """The body of a chunked message; its trailers are read and forgotten."""
    body = bytearray()
    while True:
        line = (await reader.readuntil(b"\r\n"))[:-2]
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", line):
            raise ValueError(f"chunk line {line!r}")
        size = int(line, 16)
        if size == 0:
            break
        piece = await reader.readexactly(size + 2)
        if piece[-2:] != b"\r\n":
            raise ValueError("a chunk does not end where it says")
        body += piece[:-2]
    while (await reader.readuntil(b"\r\n")) != b"\r\n":
        pass
    return bytes(body)


async def echo_bytes(reader, writer) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


class HTTP2Echo:
    """The same over HTTP/2, piece by piece, with trailers; gRPC's where the call is one."""

    def __init__(self, service: str, judge: Judge):
        self._service, self._judge = service, judge

    async def serve(self, reader, writer) -> None:
        begun: dict[int, asyncio.Task] = {}

        def received(stream) -> None:
            if stream.number not in begun:
                begun[stream.number] = asyncio.ensure_future(self._answer(peer, stream))

        peer = Peer(reader, writer, is_client=False, received=received)
        try:
            await peer.run()
        except ProtocolError as error:
            self._judge.report("malformed-frames-written", f"to {self._service}: {error}")
        finally:
            for task in begun.values():
                task.cancel()
            writer.close()

    async def _answer(self, peer: Peer, stream) -> None:
        method, target = stream.field(b":method") or b"", stream.field(b":path") or b""
        self._judge.request(self._service, method, target, stream.heads[0])
        is_grpc = (stream.field(b"content-type") or b"").startswith(b"application/grpc")
        try:
            head = [(b":status", b"200"), (b"x-target", target)]
            head += [(b"content-type", b"application/grpc")] if is_grpc else []
            peer.head(stream, head, ends=method == b"HEAD")
            if method == b"HEAD":
                return
            sent = 0
            while True:
                while sent < len(stream.body):
                    piece = bytes(stream.body[sent:])
                    await peer.send(stream, piece, ends=False)
                    sent += len(piece)
                if stream.ended or stream.reset is not None or len(stream.body) > LONGEST_BODY:
                    break
                stream.changed.clear()
                await stream.changed.wait()
            if not sent:
                await peer.send(stream, target, ends=False)
            peer.head(stream, [(b"grpc-status", b"0")] if is_grpc else [(b"x-end", b"yes")], ends=True)
        except OSError:
            pass
        finally:
            stream.body.clear()


class Locked:
    """Nobody may call it: a connection that comes is a finding."""

    def __init__(self, service: str, judge: Judge):
        self._service, self._judge = service, judge

    async def serve(self, reader, writer) -> None:
        self._judge.report("denied-call-passed", f"{self._service} was connected to")
        writer.close()
