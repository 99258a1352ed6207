"""Arms about who calls on a host: the same hop from a workload's own listener, with and without selectors."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from arms import CPU, FAILED, P50, P99, RATE, Bench, stop
from load import LoadResult, run_callers, run_wrk
from measurement import Arm, Column
from processes import LOAD_CORE, Child, cpu_nanoseconds
from proxy import Deployment
from tools import tool

#: Of processes that each make one call: as many a second as a target names, and so few that none waits for another's, which takes
#: far fewer where each must be found.
MANY, FEW, FOUND = 5_000, 1_000, 50
#: What a caller on one kept connection asks for a second while others disturb, and what those do a second.
KEPT = 1_000
DISTURBANCES = {"exit": 1_000, "fork": 200, "flood": 3_000}
#: Who disturbs, where the bench may become another user.
DISTURBER = 61_004
SHADOWS = 1_000


def by_user() -> str:
    """All that load comes from runs as who runs the bench."""
    return f"[{{unix: {{uid: {os.getuid()}}}}}]"


def by_path() -> str:
    """For which a process must be found. So must the disturbers', though they are none that is allowed."""
    programs = [(os.getuid(), program) for program in (sys.executable, shutil.which("wrk"), tool("callers"))]
    programs.append((DISTURBER, "/bin/true"))
    return "[" + ", ".join(
        f'{{unix: {{uid: {user}, path: "{Path(program).resolve()}"}}}}' for user, program in programs) + "]"


#: What a process must be, by the row's name: no selectors, then those that are measured beside none.
WAYS: dict[str, Callable[[], str]] = {"open": lambda: "", "by user": by_user, "by path": by_path}


def attested(bench: Bench) -> None:
    """Kept connections: each is looked at once."""
    arm = bench.arm(
        "attested", "A workload's own listener, 64 kept connections, by what a process must be", [CPU, RATE, P99, FAILED])
    deployments = _deploy(bench, arm)
    deployments |= {
        f"{name}, Shadow": deployment for name, deployment in _deploy(bench, arm, ("by user",), shadow_count=SHADOWS).items()}
    _measure(bench, arm, deployments, lambda _, port, seconds: run_wrk(port, seconds, bench.settings.connections))


def attested_short(bench: Bench) -> None:
    """A connection for each request, from one process that makes as many as it can."""
    arm = bench.arm(
        "attested-short", "A workload's own listener, one request a connection, by what a process must be",
        [CPU, RATE, P99, FAILED])
    _measure(
        bench, arm, _deploy(bench, arm),
        lambda _, port, seconds: run_wrk(port, seconds, bench.settings.connections, fields=["Connection: close"]))


def attested_callers(bench: Bench) -> None:
    """A process for each request, as short-lived programs are."""
    arm = bench.arm(
        "attested-callers", f"A workload's own listener, {MANY:,} processes a second of one request each, by what they must be",
        [CPU, RATE, P50, P99, FAILED])
    _measure(
        bench, arm, _deploy(bench, arm, ("open", "by user")), lambda _, port, seconds: run_callers("once", port, MANY, seconds))


def attested_first(bench: Bench) -> None:
    """What a process waits for the answer to its first call, with connecting; nobody else calls."""
    arm = bench.arm(
        "attested-first", "A workload's own listener: a process's first call, from connecting to the answer, by what it must be",
        [P50, P99, CPU, FAILED])
    _measure(
        bench, arm, _deploy(bench, arm),
        lambda row, port, seconds: run_callers("once", port, FOUND if row.endswith("by path") else FEW, seconds))
    for way in WAYS:
        more = arm.difference(f"heddle, {way}", "heddle, open", P50.key)
        if way != "open" and more is not None:
            arm.notes.append(f"heddle: by {way.removeprefix('by ')} it takes {more * 1000:.0f} µs more than without selectors.")


def attested_disturbed(bench: Bench) -> None:
    """One caller on a kept connection, and another user's processes, that exit, fork or flood at the same listener."""
    busy = Column("busyPercent", "% of the core", 0)
    arm = bench.arm(
        "attested-disturbed", f"A workload's own listener, one kept connection with {KEPT:,} requests a second beside another user",
        [P50, P99, busy, FAILED])
    work, rows, disturbances = bench.work("disturbers"), {}, {}
    deployments = _deploy(bench, arm, ("open", "by path"))
    for how in (None, *DISTURBANCES):
        for name, deployment in deployments.items():
            row = f"{name}, {how or 'alone'}"
            rows[row], disturbances[row] = deployment, how
    for number, name, deployment in bench.interleaved(rows):
        how, child = disturbances[name], None
        if how:
            child = Child(
                "disturber", [tool("callers"), how, str(deployment.port), str(DISTURBANCES[how]), str(DISTURBER)], LOAD_CORE,
                work.folder)
            time.sleep(0.5)  # until it is in full swing
        before, began = cpu_nanoseconds(deployment.children), time.monotonic()
        try:
            result = run_callers("keep", deployment.port, KEPT, bench.settings.duration)
        finally:
            used, took = cpu_nanoseconds(deployment.children) - before, time.monotonic() - began
            if child:
                child.stop()
        arm.record(
            name, p50Milliseconds=result.p50_milliseconds, p99Milliseconds=result.p99_milliseconds,
            busyPercent=used / took / 1e7, failedRequests=result.failed)
        bench.say(
            f"  round {number} {name}: p50 {result.p50_milliseconds:.3f} ms, p99 {result.p99_milliseconds:.3f} ms, "
            f"{used / took / 1e7:.0f} % busy, {result.failed} failed")
    stop(deployments)


def _deploy(bench: Bench, arm: Arm, ways: tuple[str, ...] = tuple(WAYS), **more) -> dict[str, Deployment]:
    """One of each binary of ours for each way, by the row's name."""
    deployments: dict[str, Deployment] = {}
    work = bench.work("-".join([arm.name, *more]), **more)
    for proxy in bench.named("heddle"):
        for way in ways:
            deployments |= {f"{proxy.name}, {way}": deployment for deployment in bench.deploy(
                lambda proxy, way=way: proxy.outbound(work, WAYS[way](), way.replace(" ", "-")), [proxy], arm).values()}
    return deployments


def _measure(
    bench: Bench, arm: Arm, deployments: dict[str, Deployment], load: Callable[[str, int, float], LoadResult]
) -> None:
    bench.measure_throughput(arm, deployments, lambda row, deployment, seconds: load(row, deployment.port, seconds))
    for row in deployments:
        name, _, way = row.partition(", ")
        ratio = arm.ratio(row, f"{name}, open", CPU.key)
        if way != "open" and ratio is not None:
            arm.notes.append(f"{name}: {way} costs {ratio:.2f} × what it costs without selectors.")
    stop(deployments)
