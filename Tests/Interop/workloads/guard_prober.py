"""Connects to a plain port again and again, as the user that it runs as, and counts what comes of it.

    guard_prober.py COUNTS HOST:PORT…

COUNTS is a file that is replaced ten times a second: connected and refused, for each address.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
import time

REFUSED = {errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.EAGAIN}


def attempt(host: str, port: int) -> bool:
    """Whether a byte came back: a connection that is cut before that was none."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as connection:
        connection.settimeout(2)
        try:
            connection.connect((host, port))
            connection.sendall(b"?")
            return connection.recv(1) != b""
        except OSError as error:
            if isinstance(error, TimeoutError) or error.errno in REFUSED:
                return False
            raise


def main() -> None:
    counts, *places = sys.argv[1:]
    outcomes = {place: {"connected": 0, "refused": 0} for place in places}
    told = 0.0
    while True:
        for place in places:
            host, _, port = place.rpartition(":")
            outcomes[place]["connected" if attempt(host, int(port)) else "refused"] += 1
        if time.monotonic() - told > 0.1:
            told = time.monotonic()
            with open(counts + ".new", "w") as file:
                json.dump(outcomes, file)
            os.rename(counts + ".new", counts)


main()
