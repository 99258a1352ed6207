"""Child processes of a benchmark: started pinned to a core, measured through /proc, ended one by one."""

from __future__ import annotations

import ctypes
import os
import re
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

PROXY_CORE = 0
LOAD_CORE = 1

_children: list["Child"] = []
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


class BenchmarkError(Exception):
    """Something the benchmark needs did not come up; the text says what and shows the process's last words."""


class Child:
    """One process, leader of its own process group, so that its workers are measured and ended with it."""

    def __init__(self, name: str, arguments: list[str], core: int, folder: Path, environment: dict | None = None):
        self.name = name
        self.log_path = folder / f"{name}.log"
        self._log = open(self.log_path, "ab")
        # taskset before exec: every thread the program starts inherits the core.
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), *arguments], cwd=folder, stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=self._log, preexec_fn=_in_own_group, env={**os.environ, **(environment or {})})
        _children.append(self)

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def process_ids(self) -> list[int]:
        """The leader and every process of its group: nginx's and HAProxy's workers."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                if os.getpgid(int(entry)) == self.pid:
                    found.append(int(entry))
            except ProcessLookupError:
                continue
        return found

    def last_words(self, line_count: int = 15) -> str:
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-line_count:])

    def stop(self) -> None:
        """SIGTERM, then SIGKILL for the whole group after 5 s. Ends nothing but this child's group."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if not self.process_ids():
                break
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                continue
            deadline = time.monotonic() + 2
            while self.process_ids() and time.monotonic() < deadline:
                time.sleep(0.02)
        self.process.poll()
        self._log.close()
        if self in _children:
            _children.remove(self)


def _in_own_group() -> None:
    os.setpgid(0, 0)
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # a master that is killed instead would leave its workers behind


def running() -> list[Child]:
    return list(_children)


def stop_all() -> None:
    for child in list(_children):
        child.stop()


def pin_this_process() -> None:
    """The harness measures from the load's core, and never disturbs the proxy's."""
    os.sched_setaffinity(0, {LOAD_CORE})


def raise_descriptor_limit() -> int:
    """As many descriptors as the kernel allows this user; the idle arm needs them."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def cpu_nanoseconds(children: list[Child]) -> int:
    """CPU time of all threads of all processes of `children`, as the scheduler accounts it (schedstat, in ns)."""
    total = 0
    for child in children:
        for pid in child.process_ids():
            try:
                threads = os.listdir(f"/proc/{pid}/task")
            except OSError:
                continue
            for thread in threads:
                try:
                    total += int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])
                except OSError:
                    continue
    return total


def proportional_bytes(children: list[Child]) -> int:
    """Proportional set size, in bytes: shared pages count once, divided among those who map them."""
    return _rollup(children, "Pss:")


def reset_peak_resident(children: list[Child]) -> None:
    for child in children:
        for pid in child.process_ids():
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_resident_bytes(children: list[Child]) -> int:
    """The most that was resident since `reset_peak_resident`, added up over the processes."""
    total = 0
    for child in children:
        for pid in child.process_ids():
            found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
            total += int(found[1]) * 1024 if found else 0
    return total


def resident_bytes(children: list[Child]) -> int:
    return _rollup(children, "Rss:")


def _rollup(children: list[Child], field: str) -> int:
    total = 0
    for child in children:
        for pid in child.process_ids():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith(field):
                    total += int(line.split()[1]) * 1024
    return total


class Ports:
    """Free loopback ports below 32768, the start of the ephemeral range: a client's own port can never take one."""

    def __init__(self) -> None:
        self._next = 21000 + os.getpid() % 2000

    def take(self) -> int:
        while self._next < 32700:
            self._next += 1
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", self._next))
                    return self._next
                except OSError:
                    continue
        raise BenchmarkError("no free port between 21000 and 32700 on 127.0.0.1")


def wait_until(what: str, children: list[Child], check, seconds: float = 20) -> None:
    """Polls `check` until it is true; fails early, with its last words, when one of `children` has ended."""
    deadline = time.monotonic() + seconds
    while True:
        if check():
            return
        for child in children:
            if not child.is_running():
                raise BenchmarkError(f"{child.name} ended while waiting for {what}:\n{child.last_words()}")
        if time.monotonic() > deadline:
            words = "\n".join(child.last_words() for child in children)
            raise BenchmarkError(f"{what} did not come within {seconds:g} s:\n{words}")
        time.sleep(0.005)
