"""HTTP/2 as a well-behaved peer speaks it, and what the fuzzer makes its frames of."""

from __future__ import annotations

import asyncio
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 32
WINDOW = 65_535
FRAME_BYTES = 16_384


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind & 255, flags & 255]) + struct.pack(
        ">I", stream & 0xFFFFFFFF) + payload


def setting(number: int, value: int) -> bytes:
    return struct.pack(">HI", number, value & 0xFFFFFFFF)


def integer(value: int, prefix: int, first: int) -> bytes:
    """RFC 7541 § 5.1."""
    limit = (1 << prefix) - 1
    if value < limit:
        return bytes([first | value])
    output, value = bytearray([first | limit]), value - limit
    while value >= 128:
        output.append(value & 127 | 128)
        value >>= 7
    output.append(value)
    return bytes(output)


def literal(name: bytes, value: bytes, first: int = 0x00) -> bytes:
    """A field with its name written out; `first` says whether tables add it (0x40) or must not (0x10)."""
    return bytes([first]) + integer(len(name), 7, 0) + name + integer(len(value), 7, 0) + value


def block(fields: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(literal(name, value) for name, value in fields)


class ProtocolError(Exception):
    """What Heddle sent is not HTTP/2."""


_STATIC = [tuple(line.partition("=")[::2]) for line in (
    ":authority :method=GET :method=POST :path=/ :path=/index.html :scheme=http :scheme=https :status=200 :status=204 "
    ":status=206 :status=304 :status=400 :status=404 :status=500 accept-charset accept-encoding=gzip,_deflate "
    "accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control "
    "content-disposition content-encoding content-language content-length content-location content-range content-type "
    "cookie date etag expect expires from host if-match if-modified-since if-none-match if-range if-unmodified-since "
    "last-modified link location max-forwards proxy-authenticate proxy-authorization range referer refresh retry-after "
    "server set-cookie strict-transport-security transfer-encoding user-agent vary via www-authenticate").split()]
STATIC = [(name.encode(), value.replace("_", " ").encode()) for name, value in _STATIC]
assert len(STATIC) == 61


class FieldDecoder:
    """RFC 7541 without Huffman's code, which Heddle does not write."""

    def __init__(self) -> None:
        self._table: list[tuple[bytes, bytes]] = []
        self._limit = 4096

    def decode(self, data: bytes) -> list[tuple[bytes, bytes]]:
        fields, at = [], 0
        while at < len(data):
            first = data[at]
            if first & 0x80:
                index, at = self._integer(data, at, 7)
                fields.append(self._entry(index))
                continue
            if first & 0xE0 == 0x20:
                self._limit, at = self._integer(data, at, 5)
                if self._limit > 4096:
                    raise ProtocolError("a compression table that is too large")
                self._evict()
                continue
            adds = bool(first & 0x40)
            index, at = self._integer(data, at, 6 if adds else 4)
            if index:
                name = self._entry(index)[0]
            else:
                name, at = self._string(data, at)
            value, at = self._string(data, at)
            fields.append((name, value))
            if adds:
                self._table.insert(0, (name, value))
                self._evict()
        return fields

    def _evict(self) -> None:
        while sum(len(name) + len(value) + 32 for name, value in self._table) > self._limit:
            self._table.pop()

    def _entry(self, index: int) -> tuple[bytes, bytes]:
        try:
            if index == 0:
                raise IndexError
            return STATIC[index - 1] if index <= 61 else self._table[index - 62]
        except IndexError:
            raise ProtocolError(f"no entry {index} in the compression table") from None

    @staticmethod
    def _integer(data: bytes, at: int, prefix: int) -> tuple[int, int]:
        limit = (1 << prefix) - 1
        value, at = data[at] & limit, at + 1
        if value < limit:
            return value, at
        shift = 0
        while True:
            if at >= len(data):
                raise ProtocolError("a header block ends early")
            byte, at = data[at], at + 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value, at

    def _string(self, data: bytes, at: int) -> tuple[bytes, int]:
        if at >= len(data):
            raise ProtocolError("a header block ends early")
        if data[at] & 0x80:
            raise ProtocolError("a text in Huffman's code")
        length, at = self._integer(data, at, 7)
        if at + length > len(data):
            raise ProtocolError("a header block ends early")
        return data[at:at + length], at + length


class Stream:
    def __init__(self, number: int, window: int):
        self.number, self.window = number, window
        self.heads: list[list[tuple[bytes, bytes]]] = []
        self.body = bytearray()
        self.ended = False
        self.reset: int | None = None
        self.changed = asyncio.Event()

    def field(self, name: bytes, head: int = 0) -> bytes | None:
        return next((value for key, value in self.heads[head] if key == name), None)

    async def until(self, condition) -> None:
        while not condition(self):
            self.changed.clear()
            await self.changed.wait()


class Peer:
    """One connection, client or server. `run` reads until it ends; `received` is told of each stream's news."""

    def __init__(self, reader, writer, is_client: bool, received=None):
        self._reader, self._writer, self._is_client, self._received = reader, writer, is_client, received
        self.streams: dict[int, Stream] = {}
        self._window, self._initial, self._frame_bytes = WINDOW, WINDOW, FRAME_BYTES
        self._decoder, self._next = FieldDecoder(), 1
        self._grown = asyncio.Event()
        self.ended: str | None = None
        writer.write((PREFACE if is_client else b"") + frame(SETTINGS, 0, 0))

    def open(self, fields: list[tuple[bytes, bytes]], ends: bool) -> Stream:
        stream = self.streams[self._next] = Stream(self._next, self._initial)
        self._next += 2
        self.head(stream, fields, ends)
        return stream

    def head(self, stream: Stream, fields: list[tuple[bytes, bytes]], ends: bool) -> None:
        self._writer.write(frame(HEADERS, END_HEADERS | (END_STREAM if ends else 0), stream.number, block(fields)))

    async def send(self, stream: Stream, data: bytes, ends: bool) -> None:
        at = 0
        while True:
            room = min(self._window, stream.window, self._frame_bytes)
            piece = data[at:at + max(room, 0)]
            at += len(piece)
            last = at == len(data)
            if piece or (last and ends) or not data:
                self._window -= len(piece)
                stream.window -= len(piece)
                self._writer.write(frame(DATA, END_STREAM if last and ends else 0, stream.number, piece))
                await self._writer.drain()
            if last:
                return
            if stream.reset is not None or self.ended:
                raise ConnectionError("the stream is gone")
            if not piece:
                self._grown.clear()
                await self._grown.wait()

    async def run(self) -> None:
        try:
            if not self._is_client:
                if await self._reader.readexactly(len(PREFACE)) != PREFACE:
                    raise ProtocolError("another preface")
            while True:
                head = await self._reader.readexactly(9)
                size = int.from_bytes(head[:3], "big")
                if size > FRAME_BYTES:
                    raise ProtocolError(f"a frame of {size} bytes")
                await self._take(head[3], head[4], int.from_bytes(head[5:], "big"), await self._reader.readexactly(size))
        except asyncio.IncompleteReadError as error:
            self._end("closed" if not error.partial else "cut in a frame")
        except OSError as error:
            self._end(repr(error))
        except BaseException as error:
            self._end(repr(error))
            raise

    def _end(self, why: str) -> None:
        self.ended = self.ended or why
        self._grown.set()
        for stream in self.streams.values():
            stream.changed.set()

    async def _take(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if kind == HEADERS:
            if flags & PADDED:
                payload = payload[1:len(payload) - payload[0]]
            if flags & HAS_PRIORITY:
                payload = payload[5:]
            while not flags & END_HEADERS:
                head = await self._reader.readexactly(9)
                if head[3] != CONTINUATION or int.from_bytes(head[5:], "big") != number:
                    raise ProtocolError("a header block is interrupted")
                payload += await self._reader.readexactly(int.from_bytes(head[:3], "big"))
                flags |= head[4] & END_HEADERS
            fields = self._decoder.decode(payload)
            if not self._is_client and number not in self.streams:
                self.streams[number] = Stream(number, self._initial)
            stream = self.streams.get(number)
            if stream is None:
                raise ProtocolError(f"a head for stream {number}, which was never opened")
            stream.heads.append(fields)
            self._news(stream, flags)
        elif kind == DATA:
            stream = self.streams.get(number)
            if stream is None or not stream.heads:
                raise ProtocolError(f"a body without a head on stream {number}")
            stream.body += payload[1:len(payload) - payload[0]] if flags & PADDED else payload
            if payload:
                more = struct.pack(">I", len(payload))
                self._writer.write(frame(WINDOW_UPDATE, 0, 0, more))
                if not flags & END_STREAM:
                    self._writer.write(frame(WINDOW_UPDATE, 0, number, more))
            self._news(stream, flags)
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                key, value = struct.unpack(">HI", payload[at:at + 6])
                if key == 4:
                    for stream in self.streams.values():
                        stream.window += value - self._initial
                    self._initial = value
            self._writer.write(frame(SETTINGS, ACK, 0))
            self._grown.set()
        elif kind == PING and not flags & ACK:
            self._writer.write(frame(PING, ACK, 0, payload))
        elif kind == WINDOW_UPDATE:
            more = int.from_bytes(payload, "big")
            if number == 0:
                self._window += more
            elif number in self.streams:
                self.streams[number].window += more
            self._grown.set()
        elif kind == RST_STREAM and number in self.streams:
            self.streams[number].reset = int.from_bytes(payload, "big")
            self._grown.set()
            self._news(self.streams[number], 0)
        elif kind == GOAWAY and int.from_bytes(payload[4:8], "big"):
            self.ended = f"GOAWAY with error {int.from_bytes(payload[4:8], 'big')}"

    def _news(self, stream: Stream, flags: int) -> None:
        stream.ended = stream.ended or bool(flags & END_STREAM)
        stream.changed.set()
        if self._received is not None:
            self._received(stream)
