"""Networks of the bench's own: what an arm does to a host's packet filter stays in one."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from processes import BenchmarkError

_CLONE_NEWNET = 0x4000_0000
_libc = ctypes.CDLL(None, use_errno=True)


class Network:
    """A network namespace with loopback alone. It ends with the last process in it."""

    def __init__(self):
        home = _current()
        if _libc.unshare(_CLONE_NEWNET) != 0:
            os.close(home)
            raise BenchmarkError(f"no network of its own: {os.strerror(ctypes.get_errno())} (it takes root)")
        try:
            self._descriptor = _current()
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        finally:
            _enter(home)

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Sockets that are made, and processes that are started, meanwhile are in it."""
        home = _current()
        _enter(self._descriptor, closes=False)
        try:
            yield
        finally:
            _enter(home)

    def close(self) -> None:
        os.close(self._descriptor)


def _current() -> int:
    return os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _enter(namespace: int, closes: bool = True) -> None:
    try:
        if _libc.setns(namespace, _CLONE_NEWNET) != 0:
            raise BenchmarkError(f"a network cannot be entered: {os.strerror(ctypes.get_errno())}")
    finally:
        if closes:
            os.close(namespace)
