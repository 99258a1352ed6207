"""What Heddle writes is well-formed, whatever it was sent. Where it stops is its own affair."""

from __future__ import annotations

import re

import http2
from http2 import FieldDecoder, ProtocolError

#: An answer that is longer is read no further.
LONGEST = 4 << 20


class Frames:
    """All that Heddle writes on one connection of HTTP/2 (RFC 9113)."""

    def __init__(self, from_client: bool):
        self._data, self._from_client, self._begun = bytearray(), from_client, not from_client
        self._decoder = FieldDecoder()
        self._block: tuple[int, int, bytearray] | None = None
        #: Stream: whether a final head has come, whether its end has, bytes of its body, what was announced of them.
        self._streams: dict[int, list] = {}
        self._first, self._is_over = True, False
        self._windows = _Windows()

    def sent(self, data: bytes) -> None:
        """What Heddle is about to be sent: with it come the windows that it may fill."""
        self._windows.take(data)

    def take(self, data: bytes) -> None:
        """Raises `ProtocolError`."""
        if self._is_over:
            return
        self._data += data
        if not self._begun:
            if len(self._data) < len(http2.PREFACE):
                return
            if not self._data.startswith(http2.PREFACE):
                raise ProtocolError(f"another preface: {bytes(self._data[:24])!r}")
            del self._data[:len(http2.PREFACE)]
            self._begun = True
        elif self._first and self._data[:5] == b"HTTP/":
            self._is_over = True  # what it was sent was taken for HTTP/1.1
            return
        while len(self._data) >= 9:
            size = int.from_bytes(self._data[:3], "big")
            if size > http2.FRAME_BYTES:
                raise ProtocolError(f"a frame of {size} bytes: {bytes(self._data[:9])!r}")
            if len(self._data) < 9 + size:
                return
            kind, flags, number = self._data[3], self._data[4], int.from_bytes(self._data[5:9], "big")
            payload = bytes(self._data[9:9 + size])
            del self._data[:9 + size]
            self._frame(kind, flags, number, payload)

    def _frame(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        if self._first and kind not in (http2.SETTINGS, http2.GOAWAY):
            raise ProtocolError(f"the first frame is of type {kind}")
        self._first = False
        if (self._block is not None) != (kind == http2.CONTINUATION):
            raise ProtocolError(f"a frame of type {kind} in a header block, or CONTINUATION outside of one")
        sizes = {http2.PRIORITY: 5, http2.RST_STREAM: 4, http2.PING: 8, http2.WINDOW_UPDATE: 4}
        if len(payload) != sizes.get(kind, len(payload)) or kind == http2.SETTINGS and len(payload) % 6:
            raise ProtocolError(f"a frame of type {kind} with {len(payload)} bytes")
        if kind in (http2.SETTINGS, http2.PING, http2.GOAWAY) and number or number >> 31:
            raise ProtocolError(f"a frame of type {kind} for stream {number}")
        if kind in (http2.DATA, http2.HEADERS, http2.RST_STREAM, http2.PUSH_PROMISE) and number == 0:
            raise ProtocolError(f"a frame of type {kind} for no stream")
        if kind == http2.WINDOW_UPDATE and int.from_bytes(payload, "big") == 0:
            raise ProtocolError("a window that grows by nothing")
        if kind == http2.HEADERS:
            if flags & (http2.PADDED | http2.HAS_PRIORITY):
                raise ProtocolError("padding or priority, which Heddle does not write")
            self._block = (number, flags, bytearray(payload))
        elif kind == http2.CONTINUATION:
            self._block[2].extend(payload)
        elif kind == http2.DATA:
            stream = self._streams.get(number)
            if stream is None or not stream[0] or stream[1]:
                raise ProtocolError(f"DATA for stream {number}: {stream}")
            stream[2] += len(payload)
            self._windows.fill(number, len(payload), stream[2])
            self._end(number, stream, flags)
        elif kind == http2.PUSH_PROMISE:
            raise ProtocolError("a push")
        if self._block is not None and flags & http2.END_HEADERS:
            number, flags, block = self._block
            self._block = None
            self._head(number, flags, self._decoder.decode(bytes(block)))

    def _head(self, number: int, flags: int, fields: list[tuple[bytes, bytes]]) -> None:
        for name, value in fields:
            if not re.fullmatch(rb":?[!#$%&'*+.^_`|~0-9a-z-]+", name) or re.search(rb"[\0\r\n]", value):
                raise ProtocolError(f"field {name!r}: {value!r}")
        stream = self._streams.get(number)
        if stream is None:
            if self._from_client and (number % 2 == 0 or number < max(self._streams, default=0)):
                raise ProtocolError(f"stream {number} is opened after {max(self._streams, default=0)}")
            stream = self._streams[number] = [False, False, 0, None]
        if stream[1]:
            raise ProtocolError(f"a head after the end of stream {number}: {fields!r}")
        pseudo = [name for name, _ in fields if name.startswith(b":")]
        if stream[0]:
            if pseudo or not flags & http2.END_STREAM:
                raise ProtocolError(f"trailers of stream {number}: {fields!r}, flags {flags}")
        elif self._from_client:
            stream[0] = True
            if len(set(pseudo)) != len(pseudo) or b":method" not in pseudo:
                raise ProtocolError(f"a request: {fields!r}")
        else:
            if pseudo != [b":status"]:
                raise ProtocolError(f"an answer: {fields!r}")
            stream[0] = dict(fields)[b":status"][:1] != b"1"
            if not stream[0] and flags & http2.END_STREAM:
                raise ProtocolError(f"an interim answer that ends stream {number}")
        if stream[0] and pseudo:
            stream[3] = next((value for name, value in fields if name == b"content-length"), None)
        self._end(number, stream, flags)

    @staticmethod
    def _end(number: int, stream: list, flags: int) -> None:
        if not flags & http2.END_STREAM:
            return
        stream[1] = True
        if stream[2] and stream[3] is not None and stream[2] != int(stream[3]):
            raise ProtocolError(f"stream {number} has {stream[2]} bytes and announced {stream[3]!r}")


class _Windows:
    """The most that Heddle may have sent by now, by what its peer has said, in whatever order both was read (§ 6.9)."""

    def __init__(self) -> None:
        self._data, self._is_first = bytearray(), True
        self._initial, self._connection, self._filled = http2.WINDOW, http2.WINDOW, 0
        self._streams: dict[int, int] = {}

    def fill(self, number: int, count: int, total: int) -> None:
        self._filled += count
        if self._filled > self._connection:
            raise ProtocolError(f"{self._filled} bytes on a connection that takes {self._connection}")
        if total > self._initial + self._streams.get(number, 0):
            raise ProtocolError(f"{total} bytes on stream {number}, which takes {self._initial + self._streams.get(number, 0)}")

    def take(self, data: bytes) -> None:
        self._data += data
        if self._is_first and len(self._data) >= len(http2.PREFACE):
            self._is_first = False
            if self._data.startswith(http2.PREFACE):
                del self._data[:len(http2.PREFACE)]
        elif self._is_first and not http2.PREFACE.startswith(self._data):
            self._is_first = False
        at = 0
        while not self._is_first and len(self._data) >= at + 9:
            size = int.from_bytes(self._data[at:at + 3], "big")
            if len(self._data) < at + 9 + size:
                break
            kind, number = self._data[at + 3], int.from_bytes(self._data[at + 5:at + 9], "big") & 0x7FFFFFFF
            payload = self._data[at + 9:at + 9 + size]
            if kind == http2.WINDOW_UPDATE and size == 4:
                more = int.from_bytes(payload, "big") & 0x7FFFFFFF
                if number:
                    self._streams[number] = self._streams.get(number, 0) + more
                else:
                    self._connection += more
            elif kind == http2.SETTINGS:
                for entry in range(0, size - 5, 6):
                    if payload[entry:entry + 2] == b"\0\x04":
                        self._initial = max(self._initial, int.from_bytes(payload[entry + 2:entry + 6], "big"))
            at += 9 + size
        del self._data[:at]


class Answers:
    """All that a caller of HTTP/1.1 gets that sent one request (RFC 9112), and perhaps bytes that are none."""

    def __init__(self, method: str):
        self._data, self._method = bytearray(), method

    def take(self, data: bytes) -> None:
        if len(self._data) < LONGEST:
            self._data += data

    def check(self) -> None:
        """To be called when all has come. Raises `ProtocolError`."""
        data, at = bytes(self._data), 0
        if len(data) >= LONGEST:
            return
        is_first = True
        while at < len(data):
            end = data.find(b"\r\n\r\n", at)
            if end < 0:
                if not b"HTTP/1.1 ".startswith(data[at:at + 9]):
                    raise ProtocolError(f"no status line: {data[at:at + 80]!r}")
                return
            line, *lines = data[at:end].split(b"\r\n")
            if not re.fullmatch(rb"HTTP/1\.1 [1-9][0-9][0-9] [^\0\r\n]*", line):
                raise ProtocolError(f"status line {line[:80]!r} after {data[max(at - 80, 0):at]!r}")
            fields: dict[bytes, list[bytes]] = {}
            for each in lines:
                match = re.fullmatch(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\0\r\n]*)", each)
                if not match:
                    raise ProtocolError(f"field line {each!r}")
                fields.setdefault(match[1].lower(), []).append(match[2])
            at, status = end + 4, int(line[9:12])
            lengths, codings = fields.get(b"content-length", []), fields.get(b"transfer-encoding", [])
            if len(lengths) + len(codings) > 1:
                raise ProtocolError(f"framed twice: {fields!r}")
            if status < 200 or status == 204:
                if lengths or codings:
                    raise ProtocolError(f"{status} is framed: {fields!r}")
                if status == 101:
                    return
                is_first = is_first and status != 204
                continue
            if status == 304 or is_first and self._method == "HEAD":
                is_first = False
                continue
            is_first = False
            if codings:
                at = self._chunks(data, at)
            elif lengths:
                at += int(lengths[0])
            else:
                return

    @staticmethod
    def _chunks(data: bytes, at: int) -> int:
        while True:
            end = data.find(b"\r\n", at)
            if end < 0:
                return len(data)
            if not re.fullmatch(rb"[0-9a-fA-F]+", data[at:end]):
                raise ProtocolError(f"chunk line {data[at:end][:80]!r}")
            size, at = int(data[at:end], 16), end + 2
            if size == 0:
                break
            if data[at + size:at + size + 2] not in (b"\r\n", b"\r", b""):
                raise ProtocolError(f"a chunk of {size} bytes does not end: {data[at + size:at + size + 20]!r}")
            at += size + 2
        while (end := data.find(b"\r\n", at)) != at:
            if end < 0:
                return len(data)
            at = end + 2
        return at + 2
