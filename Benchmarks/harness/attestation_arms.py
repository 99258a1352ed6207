"""Arms about who calls on a host: the same hop from a workload's own listener, with and without selectors."""

from __future__ import annotations

import os

from arms import CPU, FAILED, P99, RATE, Bench, stop
from load import run_wrk
from proxy import Deployment

#: What a process must be, by the row's name; wrk runs as who runs the bench.
WAYS = {
    "open": "",
    "by user": f"[{{unix: {{uid: {os.getuid()}}}}}]",
}


def attested(bench: Bench) -> None:
    """Kept connections: each is looked at once."""
    _measure(bench, "attested", "A workload's own listener, 64 kept connections, by what a process must be", [])


def attested_short(bench: Bench) -> None:
    """A connection for each request, as short-lived programs make them: each is looked at."""
    _measure(
        bench, "attested-short", "A workload's own listener, one request a connection, by what a process must be",
        ["Connection: close"])


def _measure(bench: Bench, name: str, title: str, fields: list[str]) -> None:
    arm = bench.arm(name, title, [CPU, RATE, P99, FAILED])
    work = bench.work(name)
    deployments: dict[str, Deployment] = {}
    for proxy in bench.named("heddle"):
        for way, selectors in WAYS.items():
            deployments |= {f"{proxy.name}, {way}": deployment for deployment in bench.deploy(
                lambda proxy, selectors=selectors, way=way: proxy.outbound(work, selectors, way), [proxy], arm).values()}
    bench.measure_throughput(
        arm, deployments,
        lambda _, deployment, seconds: run_wrk(deployment.port, seconds, bench.settings.connections, fields=fields))
    for proxy in bench.named("heddle"):
        ratio = arm.ratio(f"{proxy.name}, by user", f"{proxy.name}, open", CPU.key)
        if ratio is not None:
            arm.notes.append(f"{proxy.name}: by user costs {ratio:.2f} × what it costs without selectors.")
    stop(deployments)
