"""What callers and workloads send that keep to no rules. A play is what one connection does, as JSON: it is made from the
seed and its number, and can be kept and played again. Bytes are texts of Latin-1; `audit` says what Heddle's own must be."""

from __future__ import annotations

import random
import ssl
import struct
from pathlib import Path

import http2
from http2 import frame

FUZZING = Path(__file__).resolve().parent.parent


class Target:
    """Where a caller connects to."""

    def __init__(self, name: str, speaks: str, weight: int, tls: str | None = None):
        self.name, self.speaks, self.weight, self.tls = name, speaks, weight, tls


#: `tls` says how: with a Gateway as its caller does, with a node as another node does.
TARGETS = [
    Target("out", "http", 26), Target("edge-http", "http", 22), Target("edge-https", "http", 12, "edge"),
    Target("beta", "http2", 10, "node"), Target("edge-https", "tls", 3), Target("beta", "tls", 2),
    Target("alpha", "http2", 3, "node"), Target("edge-tls", "tls", 4), Target("edge-tcp", "tcp", 3),
    Target("out-tcp-near", "tcp", 3), Target("out-tcp-far", "tcp", 3), Target("out-tcp-bad", "tcp", 4),
    Target("out-tcp-farbad", "tcp", 3), Target("out-tcp-wild", "tcp", 3), Target("out-tcp-locked", "tcp", 1),
]
#: Whose answers are fuzzed, and what they speak.
WORKLOADS = {
    "bad1": "http1", "bad2": "http2", "badg": "http2", "badt": "tcp",
    "farbad1": "http1", "farbad2": "http2", "farbadt": "tcp", "gamma": "http2",
}
SERVICES = [
    "near1", "near2", "nearg", "far1", "far2", "bad1", "bad2", "badg", "farbad1", "farbad2", "wild", "shifting",
    "gate", "locked1", "lockedf"]

#: Of each list, first what is well-formed, then what is not, or is refused.
METHODS = (["GET", "GET", "GET", "POST", "POST", "PUT", "HEAD", "OPTIONS", "PATCH"], ["DELETE", "TRACE", "CONNECT", "get", "A" * 40])
PATHS = (
    ["/", "/a", "/a/b?c=d", "/a?chunked", "/ADMIN/x", "/admin;a/x", "/fuzz.Test/Echo", "/a/./b"],
    ["/admin", "/admin/x", "/%61dmin/x", "/a/../admin/x", "//admin/x", "/admin%2Fx", "/./admin", "*", "/%00", "/%", "\\admin",
     "/a#b", "/" + "a" * 9000])
NUMBERS = ["0", "1", "5", "11", "4096", "70000", "18446744073709551616", "-1", "+5", "0x5", "5, 5", ""]
FIELDS = (
    [("accept", "*/*"), ("te", "trailers"), ("cookie", "a=1; b=2"), ("cookie", "c=3"), ("authorization", "secret"), ("x-a", "1"),
     ("x-heddle-caller", "spiffe://fuzz.test/ns/fuzz/sa/web"), ("x_heddle_caller", "me"), ("x-forwarded-for", "192.0.2.1"),
     ("expect", "100-continue"), ("content-type", "application/grpc"), ("grpc-timeout", "50m"), ("grpc-timeout", "1H"),
     ("trailer", "x-end"), ("x-request-id", "an-id"), ("x-tenant", "a"), ("x-long", "v" * 3000), ("range", "bytes=0-1"),
     ("origin", "http://a.test")],
    [("connection", "close"), ("connection", "keep-alive"), ("connection", "te, x-a, host"), ("keep-alive", "timeout=1"),
     ("upgrade", "h2c"), ("upgrade", "websocket"), ("x-heddle-hops", "8"), ("expect", "more"), ("max-forwards", "0"),
     ("grpc-timeout", "x"), ("te", "gzip"), ("bad name", "a"), ("content-length", "3")])
SOCKET_FIELDS = [
    ("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ("sec-websocket-version", "13")]
STATUSES = (["200", "200", "200", "204", "304", "404", "500", "503"], ["100", "103", "101", "199", "999", "99", "2000", "x"])
TOKENS = [
    b"\r\n", b"\r\n\r\n", b"\n", b"\0", b"\x7f", b"\xff\xff\xff\xff", b": ", b"HTTP/1.1", b"HTTP/1.0", b"0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"5\r\nhello\r\n", b"Connection: close\r\n", b" ", b"\t",
    b"ffffffffffffffff\r\n", b";a=b", http2.PREFACE, frame(http2.SETTINGS, 0, 0), frame(http2.SETTINGS, 1, 0),
    frame(http2.PING, 0, 0, b"12345678"), frame(http2.RST_STREAM, 0, 1, b"\0\0\0\x08"),
    frame(http2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), frame(http2.WINDOW_UPDATE, 0, 1, b"\0\0\0\0"),
    frame(http2.GOAWAY, 0, 0, b"\0" * 8), frame(http2.DATA, 1, 1, b"a"), frame(http2.DATA, 0, 1)]


def host(service: str) -> str:
    """The name that a service has for workloads and for the Gateway's callers alike."""
    return f"{service}.edge.test"


def _corpus(name: str, skipped: int) -> list[bytes]:
    paths = [path for kind in ("Corpus", "Crashers") for path in sorted((FUZZING / kind / name).glob("*"))]
    return [path.read_bytes()[skipped:] for path in paths]


class Author:
    """Writes plays. The first byte of HTTP/2's corpus says what it is for, and is no part of it."""

    def __init__(self, seed: int):
        self._seed, self._count = seed, 0
        self._requests = [text for text in _corpus("http1", 0) if not text.startswith(b"HTTP/")]
        self._answers = [text for text in _corpus("http1", 0) if text.startswith(b"HTTP/")]
        self._frames = _corpus("http2", 1)

    def caller(self) -> dict:
        self._count += 1
        chance = random.Random(f"{self._seed}/caller/{self._count}")
        target = chance.choices(TARGETS, [each.weight for each in TARGETS])[0]
        audit = ""
        if target.speaks == "http2" or target.speaks == "http" and chance.random() < 0.55:
            is_http2, data = True, self._http2_caller(chance)
            audit = "frames" if data.startswith(http2.PREFACE) else ""
        elif target.speaks == "http":
            is_http2 = False
            data, audit = self._http1_caller(chance)
        else:
            is_http2, data = False, _hello(chance) if target.speaks == "tls" else _noise(chance)
        play = {"side": "caller", "to": target.name, "reads": _reading(chance)}
        if target.speaks.startswith("http"):
            play["audit"] = audit
        if target.tls:
            play["tls"] = target.tls
            play["alpn"] = "h2" if is_http2 else chance.choice(["http/1.1", ""])
            play["sni"] = chance.choice(["far1", "far2", "farbad1", "farbad2", "fart", "lockedf", "wild", "near1", "no"]) + \
                ".fuzz.mesh" if target.tls == "node" else chance.choice(["near1", "near2", "bad1", "bad2", "far1"]) + ".edge.test"
        play["steps"] = self._pieces(chance, data) + _ending(chance)
        return play

    def workload(self, at: str) -> dict:
        self._count += 1
        chance = random.Random(f"{self._seed}/{at}/{self._count}")
        speaks = WORKLOADS[at]
        steps: list[list] = []
        if speaks == "http2" and chance.random() < 0.95:
            steps.append(["send", _text(frame(http2.SETTINGS, 0, 0, _settings(chance)))])
        for _ in range(chance.choice([1, 1, 2, 3, 5, 8])):
            steps.append(["await", chance.choice([50, 200, 1000])])
            if speaks == "http1":
                steps += self._pieces(chance, self._http1_answer(chance))
            elif speaks == "http2":
                steps += self._http2_answers(chance)
            else:
                steps += self._pieces(chance, _noise(chance))
        play = {"side": "workload", "at": at, "reads": _reading(chance), "steps": steps + _ending(chance)}
        return {**play, "audit": "frames"} if speaks == "http2" else play

    # MARK: HTTP/1.1

    def _http1_caller(self, chance: random.Random) -> tuple[bytes, str]:
        """What is sent, and the method of the one request if it is known that there is one."""
        if chance.random() < 0.1:
            return self._mutated(chance, chance.choice(self._requests), self._requests), ""
        requests = [_http1_request(chance) for _ in range(chance.choice([1, 1, 1, 2, 4]))]
        data = b"".join(requests)
        if chance.random() < 0.3:
            return self._mutated(chance, data, self._requests), ""
        return data, data.split(b" ")[0].decode() if len(requests) == 1 else ""

    def _http1_answer(self, chance: random.Random) -> bytes:
        if chance.random() < 0.1:
            return self._mutated(chance, chance.choice(self._answers), self._answers)
        data = b""
        for _ in range(chance.choice([0, 0, 0, 1, 2, 120] if chance.random() < 0.2 else [0])):
            data += b"HTTP/1.1 %d Early\r\nlink: </a>\r\n\r\n" % chance.choice([100, 102, 103])
        data += f"HTTP/1.{chance.choice('1110')} {_pick(chance, STATUSES)} {chance.choice(['OK', '', 'a b'])}\r\n".encode()
        data += _field_lines(chance)
        data += _http1_body(chance)
        if chance.random() < 0.1:
            data += b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nextra"
        return self._mutated(chance, data, self._answers) if chance.random() < 0.25 else data

    # MARK: HTTP/2

    def _http2_caller(self, chance: random.Random) -> bytes:
        data = http2.PREFACE if chance.random() < 0.98 else http2.PREFACE[:chance.randrange(24)]
        if chance.random() < 0.12:
            return data + self._mutated(chance, chance.choice(self._frames), self._frames)
        data += frame(http2.SETTINGS, 0, 0, _settings(chance)) if chance.random() < 0.97 else b""
        opened: list[int] = []
        for _ in range(chance.choice([1, 2, 3, 5, 8, 20, 60])):
            piece = self._http2_piece(chance, opened)
            data += self._mutated(chance, piece, self._frames) if chance.random() < 0.06 else piece
        return data

    def _http2_piece(self, chance: random.Random, opened: list[int]) -> bytes:
        kind = chance.random()
        stream = chance.choice(opened) if opened and chance.random() < 0.9 else chance.choice([0, 1, 2, 3, 99, 2**31 - 1])
        if kind < 0.45 or not opened:
            stream = opened[-1] + 2 if opened else 1
            opened.append(stream)
            ends = chance.random() < 0.5
            data = _head(chance, stream, _http2_request(chance), ends)
            if not ends and chance.random() < 0.8:
                for _ in range(chance.choice([1, 1, 2, 5])):
                    data += frame(http2.DATA, 0, stream, b"d" * chance.choice([0, 1, 5, 100, 16_384]))
                data += frame(http2.DATA, http2.END_STREAM, stream, b"e" * chance.choice([0, 1, 5]))
            return data
        if kind < 0.6:
            return frame(http2.DATA, chance.choice([0, 0, 1, 8, 9]), stream, bytes(chance.choice([0, 1, 5, 300, 16_384, 16_385])))
        if kind < 0.72:
            return frame(http2.RST_STREAM, 0, stream, struct.pack(">I", chance.choice([0, 1, 2, 5, 7, 8, 11, 99])))
        if kind < 0.76:
            return _head(chance, stream, [(b"x-end", b"1")], True)
        return _control(chance, stream)

    def _http2_answers(self, chance: random.Random) -> list[list]:
        """Answers to whatever stream has none yet; its number is put in when they are sent."""
        data, places = bytearray(), []

        def add(piece: bytes) -> None:
            places.append(len(data) + 5)
            data.extend(piece)

        for _ in range(chance.choice([0, 0, 0, 1, 2])):
            add(_head(chance, 0, [(b":status", chance.choice([b"100", b"103", b"101"]))], chance.random() < 0.1, plain=True))
        kind = chance.random()
        if kind < 0.8:
            fields = [(b":status", _pick(chance, STATUSES).encode())]
            fields += [(name.encode(), value.encode()) for name, value in _fields(chance)]
            if chance.random() < 0.3:
                fields.append((b"content-length", chance.choice(NUMBERS).encode()))
            add(_head(chance, 0, fields, chance.random() < 0.25, plain=True))
            for _ in range(chance.choice([0, 1, 1, 3, 8])):
                add(frame(http2.DATA, 1 if chance.random() < 0.2 else 0, 0, b"a" * chance.choice([0, 1, 5, 4096, 16_384])))
            if chance.random() < 0.5:
                trailers = [(b"grpc-status", chance.choice([b"0", b"13", b"x"])), (b"x-end", b"1")]
                add(_head(chance, 0, trailers, chance.random() < 0.9, plain=True))
            elif chance.random() < 0.7:
                add(frame(http2.DATA, 1, 0))
        elif kind < 0.9:
            add(frame(http2.RST_STREAM, 0, 0, struct.pack(">I", chance.choice([0, 1, 7, 8, 11]))))
        for _ in range(chance.choice([0, 0, 1, 3])):
            if chance.random() < 0.3:
                add(_control(chance, 1))
            else:
                data.extend(_control(chance, chance.choice([0, 1, 2, 3, 5])))
        if chance.random() < 0.1:
            last = chance.choice([0, 1, 3, 2**31 - 1])
            data.extend(frame(http2.GOAWAY, 0, 0, struct.pack(">II", last, chance.choice([0, 0, 2, 11]))))
        if chance.random() < 0.12:
            return self._pieces(chance, self._mutated(chance, bytes(data), self._frames))
        cut = len(data) if chance.random() < 0.8 else chance.randrange(len(data) + 1)
        return [["answer", _text(bytes(data[:cut])), [place for place in places if place + 4 <= cut]]]

    # MARK: Bytes

    @staticmethod
    def _mutated(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
        output = bytearray(data)
        for _ in range(chance.choice([1, 1, 2, 4])):
            at = chance.randrange(len(output) + 1)
            kind = chance.randrange(7)
            if kind == 0 and at < len(output):
                output[at] ^= 1 << chance.randrange(8)
            elif kind == 1 and at < len(output):
                output[at] = chance.choice([0, 9, 10, 13, 32, 34, 58, 127, 128, 255])
            elif kind == 2:
                del output[at:at + chance.choice([1, 2, 9, 100])]
            elif kind == 3:
                output[at:at] = output[at:at + chance.choice([1, 9, 60, 400])]
            elif kind == 4:
                output[at:at] = chance.choice(TOKENS)
            elif kind == 5 and chance.random() < 0.4:
                del output[at:]
            else:
                other = chance.choice(others)
                begin = chance.randrange(len(other) + 1)
                output[at:at] = other[begin:begin + chance.choice([5, 20, 200])]
        return bytes(output)

    @staticmethod
    def _pieces(chance: random.Random, data: bytes) -> list[list]:
        """The same bytes in as many pieces as a network may make of them."""
        if len(data) < 200 and chance.random() < 0.05:
            cuts = list(range(1, len(data)))
        else:
            cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice([0, 0, 0, 1, 2, 4])))
        steps, before = [], 0
        for cut in cuts + [len(data)]:
            if before < cut:
                steps.append(["send", _text(data[before:cut])])
                if cut < len(data):
                    steps.append(["wait", chance.choice([0, 0, 1, 1, 5, 30]) if chance.random() < 0.98 else 300])
            before = cut
        return steps


def _pick(chance: random.Random, lists: tuple[list, list]):
    """Mostly what is well-formed: else every other message would be refused for one of its many parts."""
    return chance.choice(lists[chance.random() < 0.08])


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _reading(chance: random.Random) -> str:
    return chance.choices(["eager", "slow", "late", "never"], [80, 6, 7, 7])[0]


def _ending(chance: random.Random) -> list[list]:
    kind = chance.random()
    if kind < 0.5:
        return [["await", 300], ["wait", chance.choice([0, 20, 100, 300])], ["close"]]
    if kind < 0.62:
        return [["reset"]]
    if kind < 0.72:
        return [["wait", chance.choice([1, 5, 30])], ["reset"]]
    if kind < 0.82:
        return [["eof"], ["await", 300], ["close"]]
    if kind < 0.9:
        return [["close"]]
    if kind < 0.97:
        return [["wait", chance.choice([100, 500, 1500])], ["close"]]
    return ([["eof"]] if chance.random() < 0.3 else []) + [["hold"]]


def _fields(chance: random.Random) -> list[tuple[str, str]]:
    if chance.random() < 0.01:
        return [("x-many", "a")] * 150
    return [_pick(chance, FIELDS) for _ in range(chance.choice([0, 0, 1, 2, 3, 6]))]


def _field_lines(chance: random.Random) -> bytes:
    return "".join(f"{name}:{chance.choice([' ', '', '  '])}{value}\r\n" for name, value in _fields(chance)).encode()


def _http1_body(chance: random.Random) -> bytes:
    """The rest of a head and a body, of which some do not fit each other."""
    kind = chance.random()
    if kind < 0.35:
        size = chance.choice([0, 1, 5, 11, 300, 20_000, 200_000] if chance.random() < 0.5 else [5])
        said = size if chance.random() < 0.93 else chance.choice(NUMBERS)
        return f"Content-Length: {said}\r\n\r\n".encode() + b"b" * size
    if kind < 0.65:
        data = b"Transfer-Encoding: " + chance.choice([b"chunked"] * 30 + [b"gzip, chunked", b"Chunked", b"chunked, chunked"]) + b"\r\n"
        if chance.random() < 0.05:
            data += b"Content-Length: 5\r\n"
        data += b"\r\n"
        for _ in range(chance.choice([0, 1, 2, 9])):
            size = chance.choice([1, 5, 300, 17_000])
            extension = chance.choice([b""] * 12 + [b";a=b", b" ; a", b";a=\"b\"", b";"])
            data += b"%x%s\r\n%s\r\n" % (size, extension, b"c" * size)
        return data + chance.choice([b"0\r\n\r\n"] * 9 + [b"0\r\nx-end: 1\r\n\r\n"] * 3 + [b"0\r\n", b"", b"0\r\nhost: a\r\n\r\n"])
    return b"\r\n"


def _http1_request(chance: random.Random) -> bytes:
    service = host(chance.choice(SERVICES))
    target = _pick(chance, PATHS)
    if chance.random() < 0.05:
        target = f"http://{service}{target}"
    method = _pick(chance, METHODS)
    line = f"{method} {target} HTTP/1.{chance.choice('11111110')}\r\n".encode()
    line += f"Host: {service}\r\n".encode()
    if chance.random() < 0.06:
        line += "".join(f"{name}: {value}\r\n" for name, value in SOCKET_FIELDS).encode()
        return line + b"\r\n" + _noise(chance) if chance.random() < 0.8 else line + _field_lines(chance) + _http1_body(chance)
    return line + _field_lines(chance) + _http1_body(chance)


def _http2_request(chance: random.Random) -> list[tuple[bytes, bytes]]:
    fields = [
        (b":method", _pick(chance, METHODS).encode()), (b":scheme", chance.choice([b"http", b"https"])),
        (b":authority", host(chance.choice(SERVICES)).encode()), (b":path", _pick(chance, PATHS).encode())]
    if chance.random() < 0.1:
        fields[0] = (b":method", b"CONNECT")
        fields.append((b":protocol", b"websocket"))
    elif chance.random() < 0.05:
        fields = [(b":method", b"CONNECT"), (b":authority", b"fart:1")]
    fields += [(name.encode(), value.encode()) for name, value in _fields(chance)]
    if chance.random() < 0.05:
        fields.append((b"content-length", chance.choice(NUMBERS).encode()))
    if chance.random() < 0.08:
        at = chance.randrange(len(fields))
        fields[at:at + 1] = chance.choice([[], [fields[at]] * 2, [(fields[at][0].upper(), fields[at][1])], [(b"", b"")]])
    return fields


def _head(chance: random.Random, stream: int, fields: list[tuple[bytes, bytes]], ends: bool, plain: bool = False) -> bytes:
    """A header block, as one frame or, unless `plain`, as several."""
    data = b""
    for name, value in fields:
        index = next((i + 1 for i, entry in enumerate(http2.STATIC) if entry == (name, value)), 0)
        if index and chance.random() < 0.5:
            data += http2.integer(index, 7, 0x80)
        else:
            data += http2.literal(name, value, chance.choice([0, 0x40, 0x40, 0x10]))
    if chance.random() < 0.02:
        data += chance.choice([b"\x80", b"\xff\xff\xff\xff\xff\x7f", b"\x3f\xe1\x1f", b"\x20", b"\x00\x83abc\x01d", b"\xbe", b"\xc0"])
    flags = http2.END_STREAM if ends else 0
    if chance.random() < 0.06:
        data, flags = struct.pack(">IB", chance.choice([0, 1, stream, 2**31 | 3]), 15) + data, flags | http2.HAS_PRIORITY
    if chance.random() < 0.06:
        pad = chance.choice([0, 1, 200])
        data, flags = bytes([pad]) + data + bytes(pad), flags | http2.PADDED
    if plain or chance.random() < 0.9:
        return frame(http2.HEADERS, flags | http2.END_HEADERS, stream, data)
    cut = chance.randrange(len(data) + 1)
    pieces = frame(http2.HEADERS, flags, stream, data[:cut])
    for _ in range(chance.choice([0, 0, 0, 1, 20])):
        pieces += frame(http2.CONTINUATION, 0, stream)
    return pieces + frame(http2.CONTINUATION, http2.END_HEADERS, stream, data[cut:])


def _settings(chance: random.Random) -> bytes:
    data = b""
    for _ in range(chance.choice([0, 0, 1, 2, 4])):
        number, values = chance.choice([
            (1, [0, 100, 4096, 65_536]), (2, [0, 0, 1]), (3, [0, 1, 2, 100]), (4, [0, 1, 100, 65_535, 2**20, 2**31 - 1, 2**31]),
            (5, [16_384, 16_385, 2**24 - 1, 5]), (6, [0, 100, 65_536]), (8, [0, 1, 2]), (9, [1]), (0xFFFF, [7])])
        data += http2.setting(number, chance.choice(values))
    return data


def _control(chance: random.Random, stream: int) -> bytes:
    kind = chance.randrange(9)
    if kind <= 1:
        return frame(http2.WINDOW_UPDATE, 0, chance.choice([0, stream]),
                     struct.pack(">I", chance.choice([0, 1, 100, 65_535, 2**20, 2**31 - 1])))
    if kind == 2:
        return frame(http2.PING, chance.choice([0, 0, 1]), 0, b"12345678") * chance.choice([1, 1, 1, 20, 400])
    if kind == 3:
        return frame(http2.SETTINGS, 0, 0, _settings(chance)) * chance.choice([1, 1, 1, 120])
    if kind == 4:
        return frame(http2.SETTINGS, http2.ACK, 0)
    if kind == 5:
        return frame(http2.PRIORITY, 0, stream, struct.pack(">IB", chance.choice([0, 1, stream]), 1))
    if kind == 6:
        return frame(http2.GOAWAY, 0, 0, struct.pack(">II", chance.choice([0, 1, 2**31 - 1]), chance.choice([0, 2])))
    if kind == 7:
        return frame(chance.choice([http2.PUSH_PROMISE, 10, 0x40, 255]), chance.randrange(256), stream, b"x" * 8)
    return frame(http2.DATA, 0, stream) * chance.choice([1, 5, 1100])


def _noise(chance: random.Random) -> bytes:
    return bytes(chance.randbytes(16)) * chance.choice([0, 1, 20, 1000, 20_000])


def _hello(chance: random.Random) -> bytes:
    """A ClientHello, mostly mutated, and what may follow it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if chance.random() < 0.5:
        context.set_alpn_protocols(["h2", "http/1.1"])
    output = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), output, server_hostname=chance.choice(["tls.edge.test", "no.test", "a" * 63 + ".test"]))
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    data = output.read()
    data = Author._mutated(chance, data, [data]) if chance.random() < 0.7 else data
    return data + chance.choice([b"", b"", bytes(5), data, b"\x14\x03\x03\x00\x01\x01" * 40])
