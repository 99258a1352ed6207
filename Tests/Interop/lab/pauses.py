"""Time that goes by on purpose. What is to happen is not waited for with it, but with wait_until."""

from __future__ import annotations

import time
from typing import Callable


def slowly(seconds: float) -> None:
    """A peer takes its time."""
    time.sleep(seconds)


def meanwhile(seconds: float) -> None:
    """So long goes on what runs beside the test, and what must not happen has had the time to."""
    time.sleep(seconds)


def wait_until(what: str, condition: Callable[[], bool], seconds: float = 15) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(0.02)
