"""The arms of what lasts or is large: gRPC streams, one large answer, TCP."""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import tools
from arms import KIB, MIB, Bench, stop
from load import read_bulk, read_bytes
from measurement import Arm, Column
from processes import (
    BenchmarkError, cpu_nanoseconds, peak_resident_bytes, proportional_bytes, reset_peak_resident, resident_bytes)
from proxy import BULK_BYTES, Deployment, Work, start_byte_source
from traffic import GRPC

#: Messages under way at once on the one stream, and each one's bytes without the prefix.
WINDOW = 64
MESSAGE_BYTES = 1024
TCP_CONNECTIONS = 4
STREAMS_PER_CONNECTION = 100

BYTES = Column("mebibytesPerCPUSecond", "MiB/CPU s", 0, has_ratio=True)
SPEED = Column("mebibytesPerSecond", "MiB/s", 0)
GROWTH = Column("grownMebibytes", "MiB more", 1)


def grpc_stream(bench: Bench) -> None:
    _grpc_stream(bench, "grpc-stream", "one hop", is_mesh=False)


def grpc_stream_mesh(bench: Bench) -> None:
    _grpc_stream(bench, "grpc-stream-mesh", "the mesh path", is_mesh=True)


def _grpc_stream(bench: Bench, name: str, where: str, is_mesh: bool) -> None:
    arm = bench.arm(
        name, f"gRPC, one bidirectional stream of 1 KiB messages, {WINDOW} under way: {where}",
        [Column("messagesPerCPUSecond", "messages/CPU s", 0, has_ratio=True),
         Column("messagesPerSecond", "messages/s", 0)])
    work = bench.work(name, GRPC)
    deployments = bench.deploy(
        lambda proxy: proxy.mesh(work) if is_mesh else proxy.hop(work),
        bench.named("heddle", "haproxy", "envoy", "nghttpx"), arm)
    for number, name, deployment in bench.interleaved(deployments):
        before = cpu_nanoseconds(deployment.children)
        count = tools.stream_messages(
            deployment.port, f"{GRPC.prefix}Stream", bench.settings.duration, WINDOW, MESSAGE_BYTES)
        rate = count / ((cpu_nanoseconds(deployment.children) - before) / 1e9)
        arm.record(name, messagesPerCPUSecond=rate, messagesPerSecond=count / bench.settings.duration)
        bench.say(f"  round {number} {name}: {rate:,.0f} messages per CPU second")
    stop(deployments)


def bulk(bench: Bench) -> None:
    arm = bench.arm(
        "bulk", "One answer of 1 GiB over the mesh path, HTTP/1.1 in and out; read after a pause of 0.5 s",
        [BYTES, SPEED, GROWTH])
    work, with_http1 = bench.work("bulk"), bench.work("bulk-http1", between="http/1.1")
    deployments = bench.deploy(lambda proxy: proxy.mesh(work), [p for p in bench.proxies if p.has_mesh], arm)
    started = bench.deploy(lambda proxy: proxy.mesh(with_http1), bench.named("haproxy", "envoy"), arm)
    deployments |= {f"{peer} HTTP/1.1": deployment for peer, deployment in started.items()}
    # What the first answer makes a proxy take, it may keep: each peak counts from before that.
    resident = {name: resident_bytes(deployment.children) for name, deployment in deployments.items()}
    for number, name, deployment in bench.interleaved(deployments):
        reset_peak_resident(deployment.children)
        used, began = cpu_nanoseconds(deployment.children), time.monotonic()
        count = read_bulk(deployment.port, "/bench/bulk", pause=0.5)
        seconds = time.monotonic() - began - 0.5
        used = cpu_nanoseconds(deployment.children) - used
        if count != BULK_BYTES:
            raise BenchmarkError(f"{name} sent {count:,} of {BULK_BYTES:,} bytes")
        growth = peak_resident_bytes(deployment.children) - resident[name]
        _record_bytes(bench, arm, number, name, count, used, seconds, grownMebibytes=growth / MIB)
    stop(deployments)


def tcp(bench: Bench) -> None:
    arm = bench.arm("tcp", f"TCP, plain in and out, one process, {TCP_CONNECTIONS} connections", [BYTES, SPEED])
    work = Work(bench.work("tcp").folder, bench.ports, start_byte_source(bench.work("tcp-source")))
    _measure_tcp(bench, arm, bench.deploy(lambda proxy: proxy.tcp_hop(work), bench.named("heddle", "haproxy"), arm))


def tcp_mesh(bench: Bench) -> None:
    arm = bench.arm(
        "tcp-mesh", f"TCP over the mesh path, mutual TLS 1.3 between, a rule, {TCP_CONNECTIONS} connections",
        [BYTES, SPEED])
    source = start_byte_source(bench.work("tcp-mesh-source"))
    work = Work(bench.work("tcp-mesh").folder, bench.ports, source, bench.certificates)
    _measure_tcp(bench, arm, bench.deploy(lambda proxy: proxy.tcp_mesh(work), bench.named("heddle", "haproxy"), arm))


def _measure_tcp(bench: Bench, arm: Arm, deployments: dict[str, Deployment]) -> None:
    for name in list(deployments):
        try:
            _wait_for_bytes(deployments[name])
        except BenchmarkError as error:
            arm.notes.append(f"{name} is left out: {error}")
            bench.say(f"  {name} is left out: {error}")
            deployments.pop(name).stop()
    for number, name, deployment in bench.interleaved(deployments):
        used = cpu_nanoseconds(deployment.children)
        with ThreadPoolExecutor(TCP_CONNECTIONS) as readers:
            began = time.monotonic()
            count = sum(readers.map(
                lambda _: read_bytes(deployment.port, bench.settings.duration), range(TCP_CONNECTIONS)))
        used = cpu_nanoseconds(deployment.children) - used
        _record_bytes(bench, arm, number, name, count, used, time.monotonic() - began)
    stop(deployments)


def _wait_for_bytes(deployment: Deployment) -> None:
    deadline = time.monotonic() + 15
    while read_bytes(deployment.port, 0.1) == 0:
        if time.monotonic() > deadline or not all(child.is_running() for child in deployment.children):
            words = "\n".join(child.last_words() for child in deployment.children)
            raise BenchmarkError(f"no byte came through:\n{words}")
        time.sleep(0.05)


def _record_bytes(
    bench: Bench, arm: Arm, number: int, name: str, count: int, used: int, seconds: float, **more: float
) -> None:
    rate = count / MIB / (used / 1e9)
    arm.record(name, mebibytesPerCPUSecond=rate, mebibytesPerSecond=count / MIB / seconds, **more)
    bench.say(f"  round {number} {name}: {rate:,.0f} MiB per CPU second" + "".join(
        f", {value:.1f} MiB more" for value in more.values()))


def idle_grpc(bench: Bench) -> None:
    count = bench.settings.idle_streams
    column = Column("kibibytesPerStream", "KiB/stream", 2, has_ratio=True)
    arm = bench.arm(
        "idle-grpc", f"{count:,} idle gRPC streams on one node after one message each way, "
        f"{STREAMS_PER_CONNECTION} a connection", [column])
    work = bench.work("idle-grpc", GRPC)
    for proxy in bench.named("heddle", "haproxy", "envoy", "nghttpx"):
        for deployment in bench.deploy(lambda proxy: proxy.hop(work), [proxy], arm).values():
            try:
                figure = _bytes_per_stream(deployment, count)
                arm.record(proxy.name, kibibytesPerStream=figure / KIB)
                bench.say(f"  {proxy.name}: {figure / KIB:.2f} KiB per idle stream")
            except BenchmarkError as error:
                arm.notes.append(f"{proxy.name} is left out: {error}")
                bench.say(f"  {proxy.name} is left out: {error}")
            deployment.stop()


def _bytes_per_stream(deployment: Deployment, count: int) -> float:
    """Growth of the proportional set, per stream, connections and all. Begins after one connection's streams have come
    and gone, so that what a proxy sets up once does not count."""
    before = 0
    for connections in (1, count // STREAMS_PER_CONNECTION):
        load = subprocess.Popen(
            tools.grpc_load("idle", deployment.port, f"{GRPC.prefix}Stream", connections, STREAMS_PER_CONNECTION),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            if load.stdout.readline().strip() != "ready":
                raise BenchmarkError(f"the streams did not come up: {load.stderr.read().strip()}")
            time.sleep(3)
            if load.poll() is not None:
                raise BenchmarkError(f"the streams did not last: {load.stderr.read().strip()}")
            after = proportional_bytes(deployment.children)
        finally:
            load.stdin.close()
            load.wait(timeout=10)
            load.stdout.close()
            load.stderr.close()
        if connections == 1:
            time.sleep(1)
            before = proportional_bytes(deployment.children)
    return (after - before) / (count // STREAMS_PER_CONNECTION * STREAMS_PER_CONNECTION)
