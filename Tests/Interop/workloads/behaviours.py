"""What the HTTP workloads answer, by path, whatever version of HTTP they speak."""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.parse


class BreakOff(Exception):
    """The answer ends here, in a way nobody can take for its end."""


class Call:
    """One request and its answer; the versions of HTTP fill in how they are carried."""

    version: str

    def __init__(self, method: str, target: str, fields: list[tuple[str, str]]):
        self.method = method
        self.path, _, query = target.partition("?")
        self.query = dict(urllib.parse.parse_qsl(query))
        self.fields = fields
        self.trailers: list[tuple[str, str]] = []
        #: Once the final head is out, an interim one cannot follow.
        self.has_head = False

    def field(self, name: str) -> str | None:
        return next((value for each, value in self.fields if each == name), None)

    def body(self):
        """An asynchronous generator of the body's bytes; `trailers` holds what came behind it once it is through."""
        raise NotImplementedError

    async def interim(self, status: int, fields: list[tuple[str, str]]) -> None:
        raise NotImplementedError

    async def head(self, status: int, fields: list[tuple[str, str]], length: int | None = None) -> None:
        """`length` of the body, where it is said beforehand."""
        raise NotImplementedError

    async def data(self, data: bytes) -> None:
        raise NotImplementedError

    async def end(self, trailers: list[tuple[str, str]] = ()) -> None:
        raise NotImplementedError


async def answer(call: Call) -> None:
    await BEHAVIOURS.get(call.path.split("/")[1], _describe)(call)


async def _describe(call: Call) -> None:
    """What arrived."""
    size = 0
    digest = hashlib.sha256()
    async for data in call.body():
        size += len(data)
        digest.update(data)
    text = json.dumps({
        "version": call.version, "method": call.method, "path": call.path, "query": call.query, "fields": call.fields,
        "size": size, "sha256": digest.hexdigest(), "trailers": call.trailers}).encode()
    await call.head(200, [("content-type", "application/json")], len(text))
    await call.data(b"" if call.method == "HEAD" else text)
    await call.end()


async def _echo(call: Call) -> None:
    """The body as it comes, while it comes, and its digest behind it."""
    await call.head(200, [("trailer", "x-sha256")])
    digest = hashlib.sha256()
    async for data in call.body():
        digest.update(data)
        await call.data(data)
    await call.end([("x-sha256", digest.hexdigest())])


async def _bytes(call: Call) -> None:
    """?count=N[&sized=1][&seed=S][&break=AT]: that many bytes, those of `payload`."""
    await _drain(call)
    count, seed = int(call.query["count"]), int(call.query.get("seed", "0"))
    stop = int(call.query.get("break", "-1"))
    await call.head(200, [("content-type", "application/octet-stream")], count if "sized" in call.query else None)
    sent = 0
    while sent < count and call.method != "HEAD":
        data = payload(seed, sent, min(65536, count - sent))
        if 0 <= stop <= sent + len(data):
            await call.data(data[:stop - sent])
            await asyncio.sleep(0.05)  # so that what was sent is on its way before the end that is none
            raise BreakOff
        await call.data(data)
        sent += len(data)
    await call.end([("x-count", str(sent))] if call.method != "HEAD" else [])


async def _hints(call: Call) -> None:
    """?count=N: interim responses before the final one."""
    await _drain(call)
    for number in range(int(call.query.get("count", "1"))):
        await call.interim(103, [("link", f"</{number}.css>; rel=preload")])
    await call.head(200, [], 5)
    await call.data(b"final")
    await call.end()


async def _status(call: Call) -> None:
    """/status/CODE"""
    await _drain(call)
    code = int(call.path.split("/")[2])
    text = b"" if code in (204, 304) or call.method == "HEAD" else b"status"
    await call.head(code, [("x-status", str(code))], len(text) if text else None)
    await call.data(text)
    await call.end()


async def _cookies(call: Call) -> None:
    """The cookie fields as they came, and two cookies back."""
    await _drain(call)
    text = json.dumps([value for name, value in call.fields if name == "cookie"]).encode()
    await call.head(200, [("set-cookie", "a=1"), ("set-cookie", "b=2")], len(text))
    await call.data(text)
    await call.end()


async def _early(call: Call) -> None:
    """Answers without having read the body."""
    await call.head(413, [("connection", "close")] if call.version == "1.1" else [], 5)
    await call.data(b"early")
    await call.end()
    await _drain(call)


async def _slow(call: Call) -> None:
    """?seconds=S before the head."""
    await _drain(call)
    await asyncio.sleep(float(call.query["seconds"]))
    await call.head(200, [], 4)
    await call.data(b"slow")
    await call.end()


async def _drain(call: Call) -> None:
    async for _ in call.body():
        pass


def payload(seed: int, offset: int, count: int) -> bytes:
    """Bytes in which any part tells where it belongs: none may be lost, doubled or moved without being seen."""
    first = offset // 8
    words = b"".join(
        ((seed << 40) + index).to_bytes(8, "big") for index in range(first, (offset + count + 7) // 8))
    return words[offset - first * 8:offset - first * 8 + count]


BEHAVIOURS = {
    "echo": _echo, "bytes": _bytes, "hints": _hints, "status": _status, "cookies": _cookies, "early": _early,
    "slow": _slow,
}
