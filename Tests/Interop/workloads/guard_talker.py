"""Talks over one connection, as the user that it runs as, until it is cut, and says so.

    guard_talker.py PORT [OWN-HOST:OWN-PORT]
"""

from __future__ import annotations

import select
import socket
import sys


def main() -> None:
    own = sys.argv[2].rpartition(":") if len(sys.argv) > 2 and sys.argv[2] else None
    connection = socket.create_connection(
        ("127.0.0.1", int(sys.argv[1])), source_address=(own[0], int(own[2])) if own else None)
    try:
        while True:
            connection.sendall(b"?")
            if not connection.recv(1):
                raise ConnectionResetError("the end")
            print("talked", flush=True)
            select.select([connection], [], [], 0.05)
    except OSError as error:
        print("cut:", error, flush=True)


main()
