"""The workload of the TCP arms: sends zeros from memory to whoever connects, by sendfile(2), until that one closes."""

from __future__ import annotations

import os
import socket
import sys
import threading

CHUNK = 16 << 20


def main() -> None:
    zeros = os.memfd_create("zeros")
    os.ftruncate(zeros, CHUNK)

    def send(connection: socket.socket) -> None:
        with connection:
            try:
                offset = 0
                while True:
                    offset = (offset + os.sendfile(connection.fileno(), zeros, offset, CHUNK - offset)) % CHUNK
            except OSError:
                return  # closed by the reader: that is how each of them ends

    with socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024) as listener:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=send, args=(connection,), daemon=True).start()


main()
