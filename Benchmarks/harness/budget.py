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
from measurement import Arm, Column
from peers import serve
from processes import PROXY_CORE, BenchmarkError, Child

READS = {"read", "readv", "recv", "recvfrom", "recvmsg"}
WRITES = {"write", "writev", "send", "sendto", "sendmsg"}


def budget(bench) -> list[Arm]:
    columns = [
        Column("allocationsPerRequest", "allocations", 3), Column("readsPerRequest", "reads", 2),
        Column("writesPerRequest", "writes", 2), Column("otherCallsPerRequest", "other calls", 2),
    ]
    arm = Arm("budget", "Per plain request, 64 connections", columns)
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
    return [arm]


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
    if not compiler:
        raise BenchmarkError("allocations are not counted: no C compiler is installed")
    library, counter = work.folder / "allocation_counter.so", work.folder / "count"
    source = Path(__file__).with_name("allocation_counter.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    counter.write_bytes(bytes(4096))

    def count() -> int:
        return int.from_bytes(counter.read_bytes()[:8], "little")

    manifests = heddle.write_hop(work)
    child = Child(
        "heddle-counted",
        [heddle.program(), "run", "--manifests", str(manifests), "--state", str(work.folder / "state")], PROXY_CORE,
        work.folder, {"LD_PRELOAD": str(library), "ALLOCATION_COUNTER_FILE": str(counter)})
    deployment = serve("heddle", heddle.port, [child], seconds=60)
    try:
        if count() == 0:
            raise BenchmarkError("allocations are not counted: the preloaded library had no effect")
        run_wrk(deployment.port, 2)
        before = count()
        result = run_wrk(deployment.port, 2)
        return (count() - before) / result.requests
    finally:
        child.stop()
