"""Heap allocations and system calls of one plain request in steady state: figures that hardly vary between machines.

Allocations are counted by a library preloaded into the program, system calls by strace while wrk calls; either is left
out, with a word, where the compiler or strace is missing."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from heddle import Heddle
from load import run_wrk
from measurement import Column
from peers import serve
from processes import BenchmarkError

COUNTER = Path(__file__).resolve().parent.parent / "AllocationCounter"
READS = {"read", "readv", "recv", "recvfrom", "recvmsg"}
WRITES = {"write", "writev", "send", "sendto", "sendmsg"}


def budget(bench) -> None:
    columns = [
        Column("allocationsPerRequest", "allocations", 3), Column("readsPerRequest", "reads", 2),
        Column("writesPerRequest", "writes", 2), Column("otherCallsPerRequest", "other calls", 2),
    ]
    arm = bench.arm("budget", "Per plain request, 64 connections", columns)
    for proxy in bench.named("heddle", "haproxy", "nginx", "envoy"):
        figures: dict[str, float] = {}
        work = bench.work(f"budget-{proxy.name}")
        for deployment in bench.deploy(lambda proxy: proxy.hop(work), [proxy], arm).values():
            try:
                figures |= _system_calls(deployment)
            except BenchmarkError as error:
                arm.notes.append(str(error))
            deployment.stop()
        if isinstance(proxy, Heddle):
            try:
                figures["allocationsPerRequest"] = _allocations(proxy, bench.work("budget-allocations"))
            except BenchmarkError as error:
                arm.notes.append(str(error))
        if figures:
            arm.record(proxy.name, **figures)
            bench.say(f"  {proxy.name}: " + ", ".join(f"{value:.2f} {key}" for key, value in figures.items()))


def _system_calls(deployment) -> dict[str, float]:
    strace = shutil.which("strace")
    if not strace:
        raise BenchmarkError("system calls are not counted: strace is not installed")
    run_wrk(deployment.port, 1)
    arguments = [strace, "-c", "-f", "-U", "calls,name"]
    for pid in deployment.children[0].process_ids():
        arguments += ["-p", str(pid)]
    tracer = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    time.sleep(1)
    result = run_wrk(deployment.port, 2)
    time.sleep(0.2)
    tracer.send_signal(signal.SIGINT)
    output = tracer.communicate(timeout=20)[1]
    calls = {name: int(count) for count, name in re.findall(r"^\s*(\d+)\s+(\w+)$", output, re.M) if name != "total"}
    if not calls:
        raise BenchmarkError(f"system calls are not counted: {output.strip().splitlines()[:1]}")
    reads = sum(count for name, count in calls.items() if name in READS)
    writes = sum(count for name, count in calls.items() if name in WRITES)
    return {
        "readsPerRequest": reads / result.requests, "writesPerRequest": writes / result.requests,
        "otherCallsPerRequest": (sum(calls.values()) - reads - writes) / result.requests,
    }


def _allocations(heddle: Heddle, work) -> float:
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler or not shutil.which("nm"):
        raise BenchmarkError("allocations are not counted: a C compiler and nm are needed")
    library = work.folder / "AllocationCounter.so"
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", f"-I{COUNTER}/include", "-o", str(library),
         str(COUNTER / "AllocationCounter.c")], check=True)
    heddle.write_hop(work)
    child = heddle.start_hop(work, {"LD_PRELOAD": str(library)})
    deployment = serve("heddle", heddle.port, [child], seconds=60)
    try:
        run_wrk(deployment.port, 2)
        before = _counted(child.pid, library)
        result = run_wrk(deployment.port, 2)
        return (_counted(child.pid, library) - before) / result.requests
    finally:
        child.stop()


def _counted(pid: int, library: Path) -> int:
    """The preloaded library's counter, read from the outside: it has no way of its own to tell."""
    symbols = subprocess.run(["nm", str(library)], capture_output=True, text=True, check=True).stdout
    offset = next(int(line.split()[0], 16) for line in symbols.splitlines() if line.endswith(" count"))
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        if line.endswith(library.name):  # the first mapping is the lowest: the load address
            with open(f"/proc/{pid}/mem", "rb") as memory:
                memory.seek(int(line.split("-")[0], 16) + offset)
                return int.from_bytes(memory.read(8), "little")
    raise BenchmarkError("allocations are not counted: the program did not load the counter")
