"""Heddle beside its peers: the same work, interleaved rounds, the proxy on one core, load and workload on the other."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import arms
import attestation_arms
import budget
import certificates
import config_arms
import guard_arms
import http2_arms
import peers
import processes
import stream_arms
from heddle import Heddle
from measurement import Arm, targets_table
from proxy import Proxy, Work, start_backend
from targets import judge

REPOSITORY = Path(__file__).resolve().parent.parent.parent
ARMS = {
    "plain": arms.plain, "mesh": http2_arms.mesh, "mesh-256": http2_arms.mesh_256, "h2": http2_arms.http2_in,
    "h2-tls": http2_arms.http2_in_tls, "grpc": http2_arms.grpc, "grpc-mesh": http2_arms.grpc_mesh,
    "grpc-stream": stream_arms.grpc_stream, "grpc-stream-mesh": stream_arms.grpc_stream_mesh,
    "bulk": stream_arms.bulk, "tcp": stream_arms.tcp, "tcp-mesh": stream_arms.tcp_mesh,
    "rules": arms.rules, "shadow": arms.shadow, "reload": arms.reload, "reload-10000": arms.reload_large,
    "idle-plain": arms.idle_plain, "idle-tls": arms.idle_tls, "idle-grpc": stream_arms.idle_grpc,
    "attested": attestation_arms.attested, "attested-short": attestation_arms.attested_short,
    "attested-first": attestation_arms.attested_first, "attested-callers": attestation_arms.attested_callers,
    "attested-disturbed": attestation_arms.attested_disturbed, "guarded": guard_arms.guarded,
    "config-file": config_arms.config_file, "config-etcd": config_arms.config_etcd,
    "config-watchers": config_arms.config_watchers, "handshakes": arms.handshakes, "cold": arms.cold_start, "resident": arms.resident,
    "budget": budget.budget, "budget-mesh": budget.budget_mesh, "budget-h2": budget.budget_http2,
    "budget-attested": budget.budget_attested, "budget-attested-shadow": budget.budget_attested_shadow,
    "budget-grpc": budget.budget_grpc, "budget-rules": budget.budget_rules,
    "budget-shadow": budget.budget_shadow, "budget-reload": budget.budget_reload,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--arms", default=",".join(ARMS), help="of: " + ", ".join(ARMS))
    parser.add_argument("--peers", default="haproxy,nginx,envoy,traefik,nghttpx", help="whom to measure beside Heddle")
    parser.add_argument("--rounds", type=int, help="interleaved rounds (default 7, quick 3)")
    parser.add_argument("--duration", type=float, help="whole seconds of load a round and proxy (default 5, quick 2)")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--reloads", type=int, help="reloads a proxy (default 200, quick 40)")
    parser.add_argument("--quick", action="store_true", help="shorter rounds, fewer of them")
    parser.add_argument("--output", choices=["table", "json"], default="table")
    parser.add_argument("--heddle", type=Path, default=REPOSITORY / ".build/release/heddle", help="the binary")
    parser.add_argument(
        "--against", type=Path, metavar="BINARY", help="another binary of Heddle, measured as \"before\" in the same rounds")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target was measured and missed")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    chosen = [name for name in options.arms.split(",") if name]
    unknown = [name for name in chosen if name not in ARMS]
    if unknown:
        print(f"no such arm: {', '.join(unknown)}; there are {', '.join(ARMS)}", file=sys.stderr)
        return 2
    if (os.cpu_count() or 1) < 2:
        print("two cores are needed: one for the proxy, one for load and workload", file=sys.stderr)
        return 2
    missing = [tool for tool in ("wrk", "h2load", "nginx", "taskset", "openssl") if not shutil.which(tool)]
    if missing:
        print(
            f"not installed: {', '.join(missing)} (apt-get install wrk nghttp2-client nginx util-linux openssl)",
            file=sys.stderr)
        return 2

    say = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    proxies = _available(options, say)
    processes.pin_this_process()
    descriptors = processes.raise_descriptor_limit()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings = _settings(options, descriptors)
    folder = Path(tempfile.mkdtemp(prefix="heddle-bench-"))
    results: list[Arm] = []
    try:
        ports = processes.Ports()
        backend_port, _ = start_backend(Work(folder, ports, 0))
        bench = arms.Bench(
            settings, folder, ports, certificates.make(folder / "certificates"), proxies, backend_port, say,
            results)
        for name in chosen:
            say(f"{name}:")
            try:
                ARMS[name](bench)
            except (processes.BenchmarkError, OSError) as error:  # a TLS alert is an OSError
                say(f"  the arm {name} ended early: {error}")
                for child in [c for c in processes.running() if not c.name.startswith("backend")]:
                    child.stop()
    except KeyboardInterrupt:
        say("interrupted; what was measured so far:")
    finally:
        processes.stop_all()
        shutil.rmtree(folder, ignore_errors=True)

    targets = judge(results)
    about = _about(proxies, settings)
    if options.output == "json":
        document = about | {
            "arms": {arm.name: arm.as_json() for arm in results}, "targets": [target.as_json() for target in targets]}
        print(json.dumps(document, indent=2))
    else:
        machine = about["machine"]
        versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
        print(f"{about['date']}, {machine['cores']} cores ({machine['processor']}), {machine['memoryGibibytes']} GiB, "
              f"{machine['kernel']}; {versions}")
        for arm in results:
            print("\n" + arm.as_table())
        if targets:
            print("\n" + targets_table(targets))
    return 1 if options.strict and any(target.is_kept is False for target in targets) else 0


def _available(options: argparse.Namespace, say) -> list[Proxy]:
    wanted = options.peers.split(",")
    ours = [Heddle(options.heddle.resolve())]
    if options.against:
        ours.append(Heddle(options.against.resolve(), name="before"))
    candidates = [*ours, *(peer() for peer in peers.PEERS if peer.name in wanted)]
    found = []
    for proxy in candidates:
        if proxy.program():
            found.append(proxy)
        else:
            say(f"{proxy.name} is not here and is left out")
    return found


def _settings(options: argparse.Namespace, descriptors: int) -> arms.Settings:
    quick = options.quick
    # Client and proxy each hold one descriptor a connection; both processes have the same limit.
    idle_plain = min(1_000 if quick else 5_000, descriptors - 500)
    return arms.Settings(
        rounds=options.rounds or (3 if quick else 7), duration=options.duration or (2 if quick else 5),
        connections=options.connections, reloads=options.reloads or (40 if quick else 200), idle_plain=idle_plain,
        # Of its descriptors a node keeps one beside each connection for the other side of its calls.
        idle_watchers=min(1_000 if quick else 9_000, descriptors // 3 // 1_000 * 1_000),
        idle_tls=200 if quick else 1_000, idle_streams=1_000 if quick else 10_000, handshakes=200 if quick else 1_000)


def _about(proxies: list[Proxy], settings: arms.Settings) -> dict:
    processor = "?"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    return {
        "date": datetime.date.today().isoformat(),
        "machine": {
            "cores": os.cpu_count(), "processor": processor, "memoryGibibytes": round(memory),
            "kernel": f"Linux {platform.release()}",
        },
        "versions": {proxy.name: proxy.version() for proxy in proxies},
        "settings": settings.__dict__,
    }


sys.exit(main())
