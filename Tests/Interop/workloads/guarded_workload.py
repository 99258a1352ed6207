"""Answers each connection with a byte for a byte, at every address of its host: more than its manifest says.

    guarded_workload.py PORT
"""

from __future__ import annotations

import socket
import sys
import threading


def answer(connection: socket.socket) -> None:
    with connection:
        try:
            while data := connection.recv(4096):
                connection.sendall(data)
        except OSError:
            pass


def main() -> None:
    with socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=answer, args=(connection,), daemon=True).start()


main()
