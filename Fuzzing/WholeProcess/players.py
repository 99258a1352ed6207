"""Plays plays: one connection each, from the caller's side or from the workload's."""

from __future__ import annotations

import asyncio
import collections
import socket
import ssl
import struct

import audit
import http2
from findings import Finding, Findings
from http2 import ProtocolError

#: What every witness's bytes begin with: nobody else may see them.
WITNESS = b"wt-"
#: One play, unless it holds its connection until the round's end.
LONGEST_PLAY = 8.0


class Round:
    """The time in which plays are played. What holds a connection holds it until `over`."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.held = 0


class Player:
    def __init__(self, findings: Findings, addresses: dict[str, tuple[str, int]], contexts: dict[str, ssl.SSLContext]):
        self._findings, self._addresses, self._contexts = findings, addresses, contexts
        self.round = Round()
        self.played = 0

    async def call(self, play: dict) -> None:
        """A caller's play. Whatever becomes of its connection is right, save a witness's bytes on it."""
        self._findings.began(play)
        self.played += 1
        more = {}
        if play.get("tls"):
            context = self._contexts[play["tls"] + ("-h2" if play["alpn"] == "h2" else "-h1" if play["alpn"] else "")]
            more = {"ssl": context, "server_hostname": play["sni"], "ssl_handshake_timeout": 4.0}
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_connection(*self._addresses[play["to"]], limit=4096, **more), 5)
        except (OSError, asyncio.TimeoutError):
            return
        await self._play(play, reader, writer)

    async def serve(self, play: dict, reader, writer) -> None:
        """A workload's play."""
        self._findings.began(play)
        self.played += 1
        await self._play(play, reader, writer)

    async def _play(self, play: dict, reader, writer) -> None:
        side = _Side(play, reader, writer, self._findings)
        try:
            for step in play["steps"]:
                if step[0] == "hold":
                    self.round.held += 1
                    side.begin_reading()
                    await self.round.over.wait()
                    break
                if not await asyncio.wait_for(side.act(step), LONGEST_PLAY):
                    break
        except (OSError, asyncio.TimeoutError):
            pass
        finally:
            side.close()
            side.check()


class _Side:
    """One end of a connection, and what came to it."""

    def __init__(self, play: dict, reader, writer, findings: Findings):
        self._play, self._reader, self._writer, self._findings = play, reader, writer, findings
        self._came = asyncio.Event()
        self._ended = False
        self._streams = _Streams()
        self._reading: asyncio.Task | None = None
        method = play.get("audit")
        self._frames = audit.Frames(from_client="at" in play) if method == "frames" else None
        self._answers = audit.Answers(method) if method and method != "frames" else None
        if play["reads"] in ("eager", "slow"):
            self._read_on()

    def begin_reading(self) -> None:
        if self._play["reads"] == "late" and self._reading is None:
            self._read_on()

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._writer.transport.abort()

    def check(self) -> None:
        """What came in all."""
        if self._answers is not None:
            try:
                self._answers.check()
            except ProtocolError as error:
                self._report("malformed-answer-written", error)

    def _report(self, kind: str, what) -> None:
        self._findings.report(Finding(kind, f"to {self._play.get('at') or self._play['to']}: {what}", self._play))

    async def act(self, step: list) -> bool:
        """Returns whether the play goes on."""
        match step[0]:
            case "send":
                return await self._send(step[1].encode("latin-1") * (step[2] if len(step) > 2 else 1))
            case "answer":
                data = bytearray(step[1].encode("latin-1"))
                number = self._streams.next()
                for place in step[2]:
                    data[place:place + 4] = struct.pack(">I", number)
                return await self._send(bytes(data))
            case "wait":
                await asyncio.sleep(step[1] / 1000)
            case "await":
                self.begin_reading()
                if not self._came.is_set():
                    try:
                        await asyncio.wait_for(self._came.wait(), step[1] / 1000)
                    except asyncio.TimeoutError:
                        pass
                self._came.clear()
                return not self._ended
            case "eof":
                if self._writer.can_write_eof():
                    self._writer.write_eof()
            case "reset":
                handle = self._writer.get_extra_info("socket")
                if handle is not None:
                    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            case "close":
                self._writer.close()
                return False
        return True

    async def _send(self, data: bytes) -> bool:
        if self._writer.is_closing():
            return False
        if self._frames is not None:
            self._frames.sent(data)
        self._writer.write(data)
        await asyncio.wait_for(self._writer.drain(), 2)
        return True

    def _read_on(self) -> None:
        self._reading = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        before = b""
        try:
            while data := await self._reader.read(256 if self._play["reads"] == "slow" else 65_536):
                if WITNESS in before + data:
                    self._report("mixed-up", f"bytes of a witness, {data[:300]!r}")
                before = data[-len(WITNESS) + 1:]
                self._streams.take(data)
                if self._frames is not None:
                    self._frames.take(data)
                if self._answers is not None:
                    self._answers.take(data)
                self._came.set()
                if self._play["reads"] == "slow":
                    await asyncio.sleep(0.02)
        except OSError:
            pass
        except ProtocolError as error:
            self._report("malformed-frames-written", error)
        self._ended = True
        self._came.set()


class _Streams:
    """Which streams Heddle opened, seen from a workload of HTTP/2."""

    def __init__(self) -> None:
        self._data, self._waiting, self._last = bytearray(), collections.deque(), 1
        self._begun = False

    def next(self) -> int:
        if self._waiting:
            self._last = self._waiting.popleft()
        return self._last

    def take(self, data: bytes) -> None:
        self._data += data
        if not self._begun and len(self._data) >= len(http2.PREFACE):
            if self._data.startswith(http2.PREFACE):
                del self._data[:len(http2.PREFACE)]
                self._begun = True
            else:
                self._data.clear()
        while self._begun and len(self._data) >= 9:
            size = int.from_bytes(self._data[:3], "big")
            if len(self._data) < 9 + size:
                return
            if self._data[3] == http2.HEADERS:
                number = int.from_bytes(self._data[5:9], "big")
                if number > self._last or not self._waiting and number == 1:
                    self._waiting.append(number)
            del self._data[:9 + size]
