"""Calls without end, whose answers are checked to the byte, and what became of each."""

from __future__ import annotations

import collections
import hashlib
import threading
import time
from typing import Callable

from .pauses import slowly

Outcome = str


class Load:
    """Runs `call(number)` from several threads until it is stopped. `call` returns how it ended: "ok", or why not; a wrong
    byte is an AssertionError, which `stop` raises again."""

    def __init__(self, call: Callable[[int], Outcome], threads: int = 8):
        self.outcomes: collections.Counter[Outcome] = collections.Counter()
        #: The longest call so far, in seconds.
        self.longest = 0.0
        self._errors: list[BaseException] = []
        self._is_stopped = threading.Event()
        self._lock = threading.Lock()
        self._number = 0
        self._call = call
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def stop(self, seconds: float = 60) -> collections.Counter[Outcome]:
        """Raises where a call is stuck: not over that long after the last began."""
        self._is_stopped.set()
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        assert not any(thread.is_alive() for thread in self._threads), f"stuck; so far {self.outcomes}"
        if self._errors:
            raise self._errors[0]
        return self.outcomes

    def _run(self) -> None:
        while not self._is_stopped.is_set():
            with self._lock:
                self._number += 1
                number = self._number
            start = time.monotonic()
            try:
                outcome = self._call(number)
            except BaseException as error:
                self._errors.append(error)
                return
            with self._lock:
                self.outcomes[outcome] += 1
                self.longest = max(self.longest, time.monotonic() - start)
            if outcome != "ok":
                slowly(0.01)  # who is refused at once must not do nothing else


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
