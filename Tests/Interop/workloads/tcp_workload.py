"""A TCP server that greets, reads one line, and does as the line says.

  tcp_workload.py PORT NAME [CERTIFICATE KEY]     with the last two under TLS

echo            each byte back, until the caller's end, then its own end
digest          SHA-256 of all until the caller's end, as hex
produce N       N bytes of behaviours.payload, then its end; goes on reading
collect ID      reads until the end and notes how it came: `how ID` answers "eof BYTES" or "reset BYTES" or "open BYTES"
reset           sends some bytes, then RST
"""

from __future__ import annotations

import asyncio
import hashlib
import socket
import ssl
import struct
import sys

import behaviours

_seen: dict[str, str] = {}


async def serve(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(f"hello from {name}\n".encode())
        match (await reader.readuntil(b"\n")).decode().split():
            case ["echo"]:
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            case ["digest"]:
                digest = hashlib.sha256()
                while data := await reader.read(65536):
                    digest.update(data)
                writer.write(digest.hexdigest().encode())
            case ["produce", count]:
                count, sent = int(count), 0
                while sent < count:
                    data = behaviours.payload(0, sent, min(65536, count - sent))
                    writer.write(data)
                    await writer.drain()
                    sent += len(data)
                writer.write_eof()
                while await reader.read(65536):
                    pass
            case ["collect", connection]:
                await _collect(connection, reader)
            case ["how", connection]:
                writer.write(_seen.get(connection, "unknown").encode())
            case ["reset"]:
                writer.write(b"some bytes")
                await writer.drain()
                await asyncio.sleep(0.2)
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def _collect(connection: str, reader: asyncio.StreamReader) -> None:
    count = 0
    _seen[connection] = "open 0"
    try:
        while data := await reader.read(65536):
            count += len(data)
            _seen[connection] = f"open {count}"
        _seen[connection] = f"eof {count}"
    except ConnectionError:
        _seen[connection] = f"reset {count}"


async def main(port: int, name: str, *credentials: str) -> None:
    context = None
    if credentials:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*credentials)
    server = await asyncio.start_server(
        lambda reader, writer: serve(name, reader, writer), "0.0.0.0", port, backlog=1024, ssl=context)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:]))
