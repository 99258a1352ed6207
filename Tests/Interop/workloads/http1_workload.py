"""An HTTP/1.1 server that says exactly what it is asked to, to the byte. Its answers are those of behaviours.py.

  http1_workload.py PORT
"""

from __future__ import annotations

import asyncio
import sys

import behaviours


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            fields = [tuple(line.split(":", 1)) for line in head[1:] if line]
            fields = [(name.lower(), value.strip()) for name, value in fields]
            call = Call(reader, writer, method, target, fields)
            await behaviours.answer(call)
            if "close" in (call.field("connection") or ""):
                break
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    except behaviours.BreakOff:
        writer.transport.abort()
        return
    writer.close()


class Call(behaviours.Call):
    version = "1.1"

    def __init__(self, reader, writer, method, target, fields):
        super().__init__(method, target, fields)
        self._reader, self._writer = reader, writer
        self._is_chunked = False
        self._body = self._read_body()

    async def _read_body(self):
        if self.field("expect") == "100-continue" and not self.has_head:
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.field("transfer-encoding") == "chunked":
            while size := int(await self._reader.readuntil(b"\r\n"), 16):
                yield await self._reader.readexactly(size)
                await self._reader.readexactly(2)
            while (line := await self._reader.readuntil(b"\r\n")) != b"\r\n":
                name, value = line.decode("latin-1").split(":", 1)
                self.trailers.append((name.lower(), value.strip()))
            return
        rest = int(self.field("content-length") or 0)
        while rest:
            data = await self._reader.read(min(rest, 65536))
            if not data:
                raise asyncio.IncompleteReadError(b"", rest)
            rest -= len(data)
            yield data

    def body(self):
        return self._body

    async def interim(self, status, fields):
        self._write_head(status, fields)

    async def head(self, status, fields, length=None):
        self.has_head = True
        self._is_chunked = length is None and self.method != "HEAD" and status not in (204, 304)
        framing = [("transfer-encoding", "chunked")] if self._is_chunked else []
        if length is not None:
            framing = [("content-length", str(length))]
        self._write_head(status, [*fields, *framing])
        await self._writer.drain()

    def _write_head(self, status, fields):
        lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in fields), "", ""]
        self._writer.write("\r\n".join(lines).encode("latin-1"))

    async def data(self, data):
        if data:
            self._writer.write(b"%x\r\n%b\r\n" % (len(data), data) if self._is_chunked else data)
            await self._writer.drain()

    async def end(self, trailers=()):
        if self._is_chunked:
            lines = ["0", *(f"{name}: {value}" for name, value in trailers), "", ""]
            self._writer.write("\r\n".join(lines).encode("latin-1"))
        await self._writer.drain()


async def main(port: int) -> None:
    server = await asyncio.start_server(serve, "0.0.0.0", port, limit=1 << 20, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
