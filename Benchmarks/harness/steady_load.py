"""Keeps N connections busy until standard input closes, then prints what happened to them as one JSON line.

wrk opens a closed connection again without a word; whoever asks whether a reload loses anything must count that."""

from __future__ import annotations

import json
import selectors
import socket
import sys

from load import request_bytes


class Caller:
    """One keep-alive connection that always has one request in flight."""

    def __init__(self, port: int):
        self.port = port
        self.connection: socket.socket | None = None
        self.buffer = b""


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    statistics = {"answered": 0, "failed": 0, "refused": 0, "closed": 0, "reconnectFailed": 0}
    request = request_bytes()
    selector = selectors.EpollSelector()

    def open_connection(caller: Caller) -> None:
        for _ in range(100):
            try:
                caller.connection = socket.create_connection(("127.0.0.1", port), timeout=5)
                break
            except OSError:
                statistics["reconnectFailed"] += 1
        else:
            raise SystemExit(f"nobody accepts on port {port}")
        caller.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        caller.buffer = b""
        selector.register(caller.connection, selectors.EVENT_READ, caller)
        send(caller)

    def reopen(caller: Caller) -> None:
        statistics["closed"] += 1
        selector.unregister(caller.connection)
        caller.connection.close()
        open_connection(caller)

    def send(caller: Caller) -> None:
        try:
            caller.connection.sendall(request)
        except OSError:
            pass  # the read that follows finds the connection closed, and counts it

    def receive(caller: Caller) -> None:
        try:
            data = caller.connection.recv(65536)
        except OSError:
            data = b""
        if not data:
            statistics["failed"] += 1
            reopen(caller)
            return
        caller.buffer += data
        end = caller.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = caller.buffer[:end].lower()
        start = head.find(b"\r\ncontent-length:")
        length = int(head[start + 17:].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(caller.buffer) < end + 4 + length:
            return
        statistics["answered" if head[9:12] == b"200" else "refused"] += 1
        caller.buffer = caller.buffer[end + 4 + length:]
        if b"\r\nconnection: close" in head:
            reopen(caller)
        else:
            send(caller)

    for _ in range(count):
        open_connection(Caller(port))
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is None:
                print(json.dumps(statistics), flush=True)
                return
            receive(key.data)


main()
