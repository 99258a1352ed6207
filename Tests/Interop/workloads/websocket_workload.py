"""A WebSocket server, on the websockets package.

  websocket_workload.py PORT

/chat echoes; /large?size=N sends one message of that size; /close?code=N closes at once; /refuse answers 403;
/plain answers 200 without upgrading; /slow waits a second before it accepts. The subprotocol "echo" is spoken.
"""

from __future__ import annotations

import asyncio
import http
import sys
import urllib.parse

import websockets
from websockets.asyncio.server import ServerConnection, serve


async def talk(socket: ServerConnection) -> None:
    target = urllib.parse.urlsplit(socket.request.path)
    query = dict(urllib.parse.parse_qsl(target.query))
    match target.path:
        case "/close":
            await socket.close(int(query["code"]), "as asked")
        case "/large":
            await socket.send(bytes(index % 251 for index in range(int(query["size"]))))
        case "/who":
            await socket.send(str(socket.request.headers.get("x-heddle-caller")))
        case _:
            try:
                async for message in socket:
                    await socket.send(message)
            except websockets.ConnectionClosed:
                pass


async def judge(socket: ServerConnection, request):
    match urllib.parse.urlsplit(request.path).path:
        case "/refuse":
            return socket.respond(http.HTTPStatus.FORBIDDEN, "not you\n")
        case "/plain":
            return socket.respond(http.HTTPStatus.OK, "no upgrade here\n")
        case "/slow":
            await asyncio.sleep(1)


async def main(port: int) -> None:
    async with serve(
            talk, "0.0.0.0", port, process_request=judge, max_size=16 << 20, compression="deflate",
            select_subprotocol=lambda _, offered: "echo" if "echo" in offered else None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
