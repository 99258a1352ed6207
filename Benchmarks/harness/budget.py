"""Instructions, heap allocations and system calls of one request in steady state, and instructions of one reload: figures that
hardly vary between runs.

Instructions of user space are counted by Valgrind's callgrind, allocations by a library preloaded into the program, system calls by
strace while the load runs; each is left out, with a word, where what counts it is missing."""

from __future__ import annotations

import itertools
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import attestation_arms
import http2_arms
from arms import Bench, reload_at_leisure
from heddle import Heddle
from load import LoadResult, run_wrk, write_paths_script
from measurement import Column
from processes import BenchmarkError
from proxy import Deployment, Proxy, Work
from traffic import GRPC

COUNTER = Path(__file__).resolve().parent.parent / "AllocationCounter"
READS = {"read", "readv", "recv", "recvfrom", "recvmsg"}
WRITES = {"write", "writev", "send", "sendto", "sendmsg"}
INSTRUCTIONS = Column("instructionsPerRequest", "instructions", 0, has_ratio=True)
RULES = 1_000


Load = Callable[[Deployment, float], LoadResult]


def budget(bench: Bench) -> None:
    _budget(
        bench, "budget", "Per plain request, 64 connections", ("heddle", "haproxy", "nginx", "envoy"),
        lambda proxy, work: proxy.hop(work), lambda deployment, seconds: run_wrk(deployment.port, seconds))


def budget_mesh(bench: Bench) -> None:
    _budget(
        bench, "budget-mesh", "Per request on the mesh path, both processes, 64 connections",
        ("heddle", "haproxy", "envoy"), lambda proxy, work: proxy.mesh(work),
        lambda deployment, seconds: run_wrk(deployment.port, seconds))


def budget_http2(bench: Bench) -> None:
    _budget(
        bench, "budget-h2", "Per request of HTTP/2 in, HTTP/1.1 out", ("heddle", "haproxy", "envoy"),
        lambda proxy, work: proxy.hop(work), http2_arms.http2_load)


def budget_grpc(bench: Bench) -> None:
    _budget(
        bench, "budget-grpc", "Per unary gRPC call, one hop", ("heddle", "haproxy", "envoy"),
        lambda proxy, work: proxy.hop(work),
        lambda deployment, seconds: http2_arms.grpc_load(bench, deployment, seconds), traffic=GRPC)


def budget_attested(bench: Bench) -> None:
    _budget_attested(bench, "budget-attested", "with selectors")


def budget_attested_shadow(bench: Bench) -> None:
    _budget_attested(
        bench, "budget-attested-shadow", "with selectors and 1,000 policies that decide nothing, three of which match it",
        shadow_count=1_000)


def _budget_attested(bench: Bench, name: str, how: str, **more) -> None:
    _budget(
        bench, name, f"Per request at a workload's own listener {how}, 64 connections", ("heddle",),
        lambda proxy, work: proxy.outbound(work, attestation_arms.by_user(), "attested"),
        lambda deployment, seconds: run_wrk(deployment.port, seconds), **more)


def budget_shadow(bench: Bench) -> None:
    _budget(
        bench, "budget-shadow", "Per plain request with 1,000 policies that decide nothing, three of which match it", ("heddle",),
        lambda proxy, work: proxy.hop(work), lambda deployment, seconds: run_wrk(deployment.port, seconds),
        shadow_count=1_000)


def budget_rules(bench: Bench) -> None:
    def load(deployment: Deployment, seconds: float) -> LoadResult:
        return run_wrk(deployment.port, seconds, script=script)

    script = write_paths_script(bench.work("paths").folder / "paths.lua", RULES)
    _budget(
        bench, "budget-rules", f"Per plain request, {RULES:,} rules and routes, requests over all of them",
        ("heddle", "haproxy", "nginx", "envoy"), lambda proxy, work: proxy.hop(work), load, rule_count=RULES)


def budget_reload(bench: Bench) -> None:
    """Without load: what a reload costs by itself."""
    arm = bench.arm("budget-reload", "Per reload, one changed route of about 100 resources", [INSTRUCTIONS])
    generations = itertools.count(1)
    for proxy in bench.named("heddle"):
        work = bench.work(f"budget-reload-{proxy.name}", filler_count=96)
        try:
            figure = _instructions(
                proxy, work, lambda proxy, work: proxy.hop(work),
                lambda deployment, seconds: reload_at_leisure(
                    proxy, deployment.port, itertools.islice(generations, round(seconds * 3))))
        except BenchmarkError as error:
            arm.notes.append(str(error))
            continue
        arm.record(proxy.name, instructionsPerRequest=figure)
        bench.say(f"  {proxy.name}: {figure:,.0f} instructions per reload")


def _budget(
    bench: Bench, name: str, title: str, names: tuple[str, ...], start: Callable[[Proxy, Work], Deployment], load: Load,
    **more
) -> None:
    columns = [
        INSTRUCTIONS, Column("allocationsPerRequest", "allocations", 3), Column("readsPerRequest", "reads", 2),
        Column("writesPerRequest", "writes", 2), Column("otherCallsPerRequest", "other calls", 2),
    ]
    arm = bench.arm(name, title, columns)
    for proxy in bench.named(*names):
        figures: dict[str, float] = {}
        work = bench.work(f"{name}-{proxy.name}", **more)
        for deployment in bench.deploy(lambda proxy: start(proxy, work), [proxy], arm).values():
            try:
                figures |= _system_calls(deployment, load)
            except BenchmarkError as error:
                arm.notes.append(str(error))
            deployment.stop()
        if figures and isinstance(proxy, Heddle):
            for key, count in (("allocationsPerRequest", _allocations), ("instructionsPerRequest", _instructions)):
                try:
                    # A socket lies below it, whose path must be short.
                    work = bench.work(f"{key.removesuffix('PerRequest')}-{name}-{proxy.name}", **more)
                    figures[key] = count(proxy, work, start, load)
                except BenchmarkError as error:
                    arm.notes.append(str(error))
        if figures:
            arm.record(proxy.name, **figures)
            bench.say(f"  {proxy.name}: " + ", ".join(f"{value:.2f} {key}" for key, value in figures.items()))


def _system_calls(deployment: Deployment, load: Load) -> dict[str, float]:
    strace = shutil.which("strace")
    if not strace:
        raise BenchmarkError("system calls are not counted: strace is not installed")
    load(deployment, 1)
    arguments = [strace, "-c", "-f", "-U", "calls,name"]
    for child in deployment.children:
        for pid in child.process_ids():
            arguments += ["-p", str(pid)]
    tracer = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    time.sleep(1)
    result = load(deployment, 2)
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


def _allocations(heddle: Heddle, work: Work, start: Callable[[Proxy, Work], Deployment], load: Load) -> float:
    compiler = shutil.which("cc") or shutil.which("clang")
    if not compiler or not shutil.which("nm"):
        raise BenchmarkError("allocations are not counted: a C compiler and nm are needed")
    library = work.folder / "AllocationCounter.so"
    subprocess.run(
        [compiler, "-O2", "-shared", "-fPIC", f"-I{COUNTER}/include", "-o", str(library),
         str(COUNTER / "AllocationCounter.c")], check=True)
    heddle.environment = {"LD_PRELOAD": str(library)}
    try:
        deployment = start(heddle, work)
    finally:
        heddle.environment = {}
    try:
        load(deployment, 2)
        before = sum(_counted(child.pid, library) for child in deployment.children)
        result = load(deployment, 2)
        return (sum(_counted(child.pid, library) for child in deployment.children) - before) / result.requests
    finally:
        deployment.stop()


def _instructions(heddle: Heddle, work: Work, start: Callable[[Proxy, Work], Deployment], load: Load) -> float:
    """What CPU time on a shared machine cannot tell: a few per cent more or less work."""
    if not shutil.which("valgrind") or not shutil.which("strip"):
        raise BenchmarkError("instructions are not counted: valgrind and strip (binutils) are needed")
    heddle.runner = [
        "valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={work.folder}/callgrind.%p"]
    # Valgrind gives up on what Swift writes for debuggers.
    binary, heddle.binary = heddle.binary, work.folder / "heddle-without-debug-sections"
    try:
        subprocess.run(["strip", "--strip-debug", "-o", str(heddle.binary), str(binary)], check=True)
        deployment = start(heddle, work)
    finally:
        heddle.runner, heddle.binary = [], binary
    try:
        load(deployment, 2)
        _callgrind(deployment, "--instr=on")
        result = load(deployment, 8)
        _callgrind(deployment, "--instr=off")
        _callgrind(deployment, "--dump")
        # One file a process and dump.
        dumps = [dump.read_text() for dump in work.folder.glob("callgrind.*.*")]
        return sum(int(count) for dump in dumps for count in re.findall(r"^totals: (\d+)", dump, re.M)) / result.requests
    finally:
        deployment.stop()


def _callgrind(deployment: Deployment, command: str) -> None:
    for child in deployment.children:
        subprocess.run(["callgrind_control", command, str(child.pid)], check=True, capture_output=True)


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
