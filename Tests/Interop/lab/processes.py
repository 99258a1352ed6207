"""Processes that a test starts: with their output in a file, and always ended, each by its id."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from typing import Callable

from .namespaces import Host
from .pauses import wait_until


class Process:
    def __init__(self, host: Host, arguments: list[str], log: Path, environment: dict[str, str] | None = None):
        self.log = log
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                host.command(arguments), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **(environment or {})})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """As a crash does it: without a word."""
        self._process.kill()
        self._process.wait()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, seconds: float = 10) -> int:
        """SIGTERM, and SIGKILL for what stays. Returns the exit code, or minus the signal."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL

    def said(self, byte_count: int = 8000) -> str:
        """The end of its output."""
        with open(self.log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - byte_count))
            return file.read().decode(errors="replace")

    def wait_for(self, what: str, condition: Callable[[], bool], seconds: float = 15) -> None:
        try:
            wait_until(what, lambda: condition() or not self.is_running, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it said:\n{self.said()}") from None
        if not self.is_running:
            raise RuntimeError(f"it ended before {what}; it said:\n{self.said()}")


def accepts(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=1).close()
        return True
    except OSError:
        return False
