"""A TCP relay that delays, slices and resets what passes, for kernels without netem."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading

_QUEUE_LIMIT = 4 * 1024 * 1024  # bytes under way in one direction; more would be a path with endless memory


class Relay:
    """Runs on a thread of its own, on the host of the thread that makes it. The faults may be changed at any time, and
    hold for connections that are open, too."""

    def __init__(self, listen: tuple[str, int], to: tuple[str, int]):
        #: Seconds that each byte is under way, in both directions; bytes behind it do not wait longer.
        self.delay = 0.0
        #: Largest piece that is written at once, in bytes; 0 for as they come.
        self.slice = 0
        self.connection_count = 0
        self._to = to
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="relay")
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._accepted, *listen, limit=1 << 20))

    @property
    def address(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def reset_all(self) -> int:
        """Ends every open connection with RST, on both sides. Returns how many there were."""
        return self._call(self._reset_all())

    def close(self) -> None:
        self._server.close()
        self.reset_all()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _reset_all(self) -> int:
        writers, self._open = self._open, set()
        for writer in writers:
            _reset(writer)
        return len(writers) // 2

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._to, limit=1 << 20)
        except OSError:
            _reset(writer)
            return
        self.connection_count += 1
        pair = {writer, far_writer}
        self._open |= pair
        for each in pair:
            each.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(reader, far_writer))
                both.create_task(self._pass(far_reader, writer))
        except* OSError:
            for each in pair:
                _reset(each)
        finally:
            self._open -= pair
            for each in pair:
                each.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction, to its end: an end is passed on as an end, a reset as a reset."""
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        has_room = asyncio.Event()
        queued = 0

        async def write() -> None:
            nonlocal queued
            while True:
                due, data = await line.get()
                await asyncio.sleep(max(0.0, due - self._loop.time()))
                if not data:
                    with contextlib.suppress(OSError):
                        writer.write_eof()
                    return
                size = self.slice or len(data)
                for start in range(0, len(data), size):
                    writer.write(data[start:start + size])
                    if self.slice:
                        await asyncio.sleep(0)  # so that each piece is a segment of its own
                await writer.drain()
                queued -= len(data)
                has_room.set()

        async def read() -> None:
            nonlocal queued
            while True:
                data = await reader.read(65536)
                queued += len(data)
                line.put_nowait((self._loop.time() + self.delay, data))
                if not data:
                    return
                while queued > _QUEUE_LIMIT:
                    has_room.clear()
                    await has_room.wait()

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(write())


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
