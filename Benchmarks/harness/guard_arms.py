"""The arm of a node's guard: the plain hop, with the packet filter's table loaded and without."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack

from arms import CPU, FAILED, P99, RATE, Bench, stop
from heddle import Heddle
from load import run_wrk
from namespaces import Network
from processes import BenchmarkError, Child
from proxy import Deployment, start_backend

#: What the Node says, by the row's name.
WAYS = {"open": "", "guard": ", guard: {}"}
#: Heddle runs as who runs the bench; the workload must be another's, and a third may reach it only without the guard.
WORKLOAD, STRANGER = 61_002, 61_003


def guarded(bench: Bench) -> None:
    """Each way in a network of its own, with a workload of its own."""
    arm = bench.arm(
        "guarded", f"Plain hop of a node with and without its guard, {bench.settings.connections} connections",
        [CPU, RATE, P99, FAILED])
    missing = [program for program in ("nft", "ip", "setpriv") if not shutil.which(program)]
    if missing:
        raise BenchmarkError(f"not installed: {', '.join(missing)} (apt-get install nftables iproute2 util-linux)")
    bench.folder.chmod(0o711)  # the workload's folder is another user's
    with ExitStack() as networks:
        deployments: dict[str, Deployment] = {}
        entered: dict[str, Network] = {}
        backends: list[Child] = []
        for proxy in bench.named("heddle"):
            for way in WAYS:
                network, row = Network(), f"{proxy.name}, {way}"
                networks.callback(network.close)
                with network.entered():
                    started, backend = _start(bench, proxy, way)
                backends.append(backend)
                deployments[row], entered[row] = started, network

        def load(name: str, deployment: Deployment, seconds: float):
            with entered[name].entered():
                return run_wrk(deployment.port, seconds, bench.settings.connections)

        bench.measure_throughput(arm, deployments, load)
        for proxy in bench.named("heddle"):
            ratio = arm.ratio(f"{proxy.name}, guard", f"{proxy.name}, open", CPU.key)
            if ratio is not None:
                arm.notes.append(f"{proxy.name}: with the guard a request costs {ratio:.2f} × one without.")
        stop(deployments)
        for backend in backends:
            backend.stop()


def _start(bench: Bench, proxy: Heddle, way: str) -> tuple[Deployment, Child]:
    work = bench.work(f"guarded-{proxy.name}-{way}", node=WAYS[way])
    work.folder.chmod(0o711)
    work.backend, backend = start_backend(work, WORKLOAD)
    deployment = proxy.hop(work)
    has_guard = way != "open"
    if _is_reached_by_a_stranger(work.backend) == has_guard:
        stop({way: deployment})
        backend.stop()
        raise BenchmarkError(f"the guard {'does not hold' if has_guard else 'is there though nobody asked for it'}")
    return deployment, backend


def _is_reached_by_a_stranger(port: int) -> bool:
    command = ["setpriv", "--reuid", str(STRANGER), "--clear-groups", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"]
    return subprocess.run(command, capture_output=True).returncode == 0
