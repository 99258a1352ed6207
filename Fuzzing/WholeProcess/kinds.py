"""Plays of the kinds of peers that proxies, this one among them, have had trouble with. They come first in every run."""

from __future__ import annotations

import http2
from http2 import block, frame, setting
from plays import host

HOLD, END, RESET, CLOSE = ["hold"], ["eof"], ["reset"], ["close"]
SOCKET = ("Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n")
ACCEPTED = "HTTP/1.1 101 A\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"


def plays() -> list[dict]:
    return _halves() + _http1_answers() + _http1_requests() + _http2_requests() + _http2_answers()


def _caller(to: str, steps: list, reads: str = "eager", audit: str = "", **more) -> dict:
    return {"side": "caller", "to": to, "reads": reads, "audit": audit, **more, "steps": steps}


def _workload(at: str, steps: list, reads: str = "eager", audit: str = "") -> dict:
    return {"side": "workload", "at": at, "reads": reads, "audit": audit, "steps": steps}


def _fill(count: int) -> list:
    return ["send", "x" * 100, count // 100]


# MARK: Bytes


def _halves() -> list[dict]:
    """Ends of one half, ends of both, silence, and what nobody reads."""
    found = []
    for to, at in (("out-tcp-bad", "badt"), ("out-tcp-farbad", "farbadt")):
        for caller, workload, caller_reads, workload_reads in [
            ([_fill(400_000), END, HOLD], [HOLD], "eager", "never"),
            ([["send", "a"], HOLD], [["await", 500], _fill(400_000), END, HOLD], "never", "eager"),
            ([_fill(400_000), HOLD], [_fill(400_000), HOLD], "never", "never"),
            ([_fill(200_000), RESET], [["await", 500], ["wait", 50], CLOSE], "eager", "slow"),
            ([_fill(200_000), HOLD], [["await", 500], _fill(300_000), RESET], "slow", "slow"),
            ([END, HOLD], [END, HOLD], "eager", "eager"),
        ]:
            found += [_workload(at, workload, workload_reads), _caller(to, caller, caller_reads)]
    for to in ("out", "edge-http", "edge-https", "edge-tcp", "edge-tls", "out-tcp-near", "out-tcp-far"):
        found += [_caller(to, [HOLD]), _caller(to, [END, HOLD]), _caller(to, [["send", "x"], END, HOLD], "never")]
    return found + [_caller(to, [["send", "\x16\x03\x01\x40\x00", 4000], HOLD]) for to in ("edge-https", "edge-tls", "beta")]


# MARK: HTTP/1.1


def _request(service: str, more: str = "", method: str = "GET") -> str:
    return f"{method} /a HTTP/1.1\r\nHost: {host(service)}\r\n{more}\r\n"


def _http1_answers() -> list[dict]:
    found = []
    line, five = "HTTP/1.1 200 OK\r\n", "Content-Length: 5\r\n\r\nhello"
    for at in ("bad1", "farbad1"):
        def add(answer: list, request: str = "", method: str = "GET", end: list | None = None, reads: str = "eager") -> None:
            found.append(_workload(at, [["await", 1000]] + answer))
            steps = end or [["await", 500], ["wait", 50], CLOSE]
            found.append(_caller("out", [["send", _request(at, request, method)]] + steps, reads, method))

        for method in ("HEAD", "GET"):
            for status in ("200", "204", "304"):
                add([["send", f"HTTP/1.1 {status} A\r\n{five}"], CLOSE], method=method)
                add([["send", f"HTTP/1.1 {status} A\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nx: 1\r\n\r\n"], CLOSE], method=method)
        add([["send", f"{line}Content-Length: 500000\r\n\r\nhello"], RESET])
        add([["send", line + five + line + five], HOLD])
        found.append(_workload(at, [["send", line + five], HOLD]))  # before anybody asked
        add([["send", f"HTTP/1.1 403 A\r\n{five}"], ["await", 200], CLOSE], "Content-Length: 200000\r\n", "POST",
            [["await", 500], ["send", "x", 199_000], ["await", 300], CLOSE])
        add([["send", "HTTP/1.1 103 Early Hints\r\n\r\n", 150], CLOSE])
        add([["send", f"{line}Transfer-Encoding: chunked\r\n\r\n"], ["send", "1;" + "e" * 200 + "\r\na\r\n", 200], CLOSE])
        add([["send", ACCEPTED + "free"], CLOSE])
        add([["send", ACCEPTED], _fill(200_000), END, HOLD], SOCKET, end=[["await", 500], _fill(200_000), END, HOLD])
        add([["send", ACCEPTED], _fill(200_000), HOLD], SOCKET, end=[["await", 500], _fill(200_000), HOLD], reads="never")
        add([HOLD], end=[["await", 100], END, HOLD])
        add([HOLD], "Content-Length: 500000\r\n", "POST", [_fill(400_000), HOLD])
        add([["send", f"{line}Content-Length: 900000\r\n\r\n"], _fill(900_000), HOLD], end=[HOLD], reads="never")
        add([["send", line + "Keep-Alive: timeout=1\r\n" + five], HOLD])
    return found


def _http1_requests() -> list[dict]:
    options = "Connection: " + ", ".join(f"x{number}" for number in range(9000)) + "\r\n"
    letters = [step for byte in _request("near1", "Content-Length: 3\r\n", "POST") + "abc" for step in (["send", byte], ["wait", 1])]
    return [
        _caller("out", [["send", _request("near1", options)], ["await", 500], CLOSE], audit="GET"),
        _caller("out", [["send", _request("near1"), 60], HOLD], "never"),
        _caller("edge-http", [["send", _request("near2"), 60], ["await", 500], CLOSE]),
        _caller("edge-http", letters + [["await", 500], CLOSE], audit="POST"),
        _caller("out", [["send", _request("locked1", "Content-Length: 70000\r\nExpect: 100-continue\r\n", "POST")], ["await", 500],
                        _fill(70_000), ["await", 100], CLOSE], audit="POST")]


# MARK: HTTP/2


def _opening(number: int, service: str, ends: bool = True, method: bytes = b"GET", more: list = []) -> bytes:
    fields = [(b":method", method), (b":scheme", b"http"), (b":authority", host(service).encode()), (b":path", b"/a")]
    return frame(http2.HEADERS, http2.END_HEADERS | (http2.END_STREAM if ends else 0), number, block(fields + more))


def _http2_requests() -> list[dict]:
    node = {"tls": "node", "alpn": "h2"}
    found = []
    for service, way in [
        ("near1", {"to": "out"}), ("near2", {"to": "edge-http"}), ("far1", {"to": "out"}), ("bad2", {"to": "out"}),
        ("far2", {"to": "beta", "sni": "far2.fuzz.mesh", **node}),
    ]:
        def add(data: bytes, end: list | None = None, reads: str = "eager") -> None:
            begin = http2.PREFACE + frame(http2.SETTINGS, 0, 0)
            steps = [["send", (begin + data).decode("latin-1")]] + (end or [["await", 500], ["wait", 100], CLOSE])
            found.append(_caller(steps=steps, reads=reads, audit="frames", **way))

        post = _opening(1, service, False, b"POST")
        socket = [(b":protocol", b"websocket"), (b"sec-websocket-version", b"13")]
        add(b"".join(_opening(n, service) + frame(http2.RST_STREAM, 0, n, b"\0\0\0\x08") for n in range(1, 1201, 2)))
        add(b"".join(_opening(n, service, False, b"POST") for n in range(1, 241, 2)), [["await", 300], HOLD])
        add(b"".join(_opening(n, service, more=[(b"x-long", b"v" * 9000)]) for n in range(1, 41, 2)), [HOLD], "never")
        add(post + frame(http2.DATA, 0, 1) * 1200)
        add(post + frame(http2.DATA, 0, 1, b"x" * 16_384) * 40 + frame(http2.DATA, http2.END_STREAM, 1))
        add(post + frame(http2.WINDOW_UPDATE, 0, 1, b"\x7f\xff\xff\xff") * 2)
        add(post + frame(http2.DATA, http2.END_STREAM, 1, b"abc") * 2 + _opening(1, service))
        add(post + frame(http2.HEADERS, http2.END_STREAM | http2.END_HEADERS, 1, block([(b"x-end", b"1")])))
        add(_opening(1, service, False, b"POST", [(b"content-length", b"3")]) + frame(http2.DATA, http2.END_STREAM, 1, b"abcd"))
        add(_opening(1, service, False, b"CONNECT", socket) + frame(http2.DATA, http2.END_STREAM, 1, b"x"), [["await", 300], HOLD])
        add(_opening(1, service, True, b"CONNECT", socket), [["await", 300], HOLD])
        add(frame(http2.HEADERS, 0, 1, block([(b":method", b"GET")])) + frame(http2.CONTINUATION, 0, 1) * 40)
        add(frame(http2.HEADERS, 0, 1, block([(b":method", b"GET")])), [HOLD])
        add(frame(http2.SETTINGS, 0, 0, setting(1, 0) + setting(1, 4096)) * 50 + _opening(1, service) + _opening(3, service))
        add(frame(http2.SETTINGS, 0, 0, setting(4, 0)) + _opening(1, service) + frame(http2.SETTINGS, 0, 0, setting(4, 2**31 - 1))
            + _opening(3, service) + frame(http2.SETTINGS, 0, 0, setting(4, 1)))
        add(frame(http2.PING, 0, 0, b"12345678") * 2000, reads="never")
        add(_opening(1, service) + frame(http2.GOAWAY, 0, 0, bytes(8)) + _opening(3, service))
    connect = [(b":method", b"CONNECT"), (b":authority", b"fart:1"), (b"te", b"trailers"), (b"x-heddle-caller", b"x")]
    begin = http2.PREFACE + frame(http2.SETTINGS, 0, 0) + frame(http2.HEADERS, http2.END_HEADERS, 1, block(connect))
    steps = [["send", (begin + frame(http2.DATA, 0, 1, b"x")).decode("latin-1")], ["await", 500], ["wait", 100], CLOSE]
    return found + [_caller("beta", steps, sni="fart.fuzz.mesh", **node)]


def _http2_answers() -> list[dict]:
    found = []
    for at in ("bad2", "farbad2", "badg", "gamma"):
        service = "wild" if at == "gamma" else at

        def add(*steps, method: str = "GET", size: int = 0, settings: bytes = b"", end: list | None = None) -> None:
            """Each step is frames without a stream's number, in order, or a step of a play."""
            answers: list = [["send", frame(http2.SETTINGS, 0, 0, settings).decode("latin-1")], ["await", 1000]]
            for step in steps:
                if isinstance(step, list):
                    answers.append(step)
                else:
                    places = [5 + sum(len(each) for each in step[:index]) for index in range(len(step))]
                    answers.append(["answer", b"".join(step).decode("latin-1"), places])
            found.append(_workload(at, answers, "eager", "frames"))
            request = ["send", _request(service, f"Content-Length: {size}\r\n" if size else "", method) + "x" * size]
            found.append(_caller("out", [request] + (end or [["await", 800], ["wait", 50], CLOSE]), "eager", method))

        def head(status: bytes, more: list = []) -> bytes:
            return frame(http2.HEADERS, http2.END_HEADERS, 0, block([(b":status", status)] + more))

        ok, over = head(b"200"), http2.END_STREAM
        for method in ("HEAD", "GET"):
            for status in (b"200", b"204", b"304"):
                add((head(status), frame(http2.DATA, over, 0)), CLOSE, method=method)
                add((head(status), frame(http2.HEADERS, over | http2.END_HEADERS, 0, block([(b"x-end", b"1")]))), CLOSE, method=method)
                add((head(status), frame(http2.DATA, over, 0, b"body")), CLOSE, method=method)
        add((frame(http2.RST_STREAM, 0, 0, b"\0\0\0\x07"),), ["await", 300], (ok,), CLOSE)
        add((ok, frame(http2.RST_STREAM, 0, 0, bytes(4))), CLOSE)
        add((ok, *[frame(http2.DATA, 0, 0, b"x" * 16_384)] * 30), HOLD)
        add((head(b"103"),) * 150, CLOSE)
        add((frame(http2.PUSH_PROMISE, http2.END_HEADERS, 0, b"\0\0\0\x02" + block([(b":status", b"200")])),), CLOSE)
        add((frame(http2.DATA, 0, 0, b"before its head"),), CLOSE)
        add((head(b"200", [(b"content-length", b"3")]), frame(http2.DATA, over, 0, b"abcd")), CLOSE)
        add(["send", frame(http2.GOAWAY, 0, 0, bytes(8)).decode()], CLOSE)
        add(["send", frame(http2.GOAWAY, 0, 0, b"\0\0\0\x01" + bytes(4)).decode()], (ok,), HOLD)
        add(["send", frame(http2.SETTINGS, 0, 0, setting(3, 0)).decode()], (ok,), HOLD)
        add(HOLD, method="POST", size=200_000, settings=setting(4, 0), end=[HOLD])
        add(["send", frame(http2.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff").decode("latin-1")], CLOSE, method="POST", size=1000)
        add(["send", "HTTP/1.1 200 OK\r\n\r\n"], CLOSE)
        add(RESET)
        add(END, HOLD)
    return found
