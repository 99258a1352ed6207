"""The arms: each starts the proxies it compares, measures them in interleaved rounds, and ends them."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from certificates import Certificates
from heddle import Heddle
from load import (
    Connection, HTTP2Connection, LoadResult, answers, client_context, full_handshake, run_wrk, write_paths_script)
from measurement import Arm, Column, percentile
from processes import BenchmarkError, Child, Ports, cpu_nanoseconds, proportional_bytes, resident_bytes
from proxy import CHANGING_PATH, Deployment, Proxy, Work, serve, start_grpc_backend
from traffic import HTTP, Traffic

CPU = Column("cpuMicrosecondsPerRequest", "CPU µs/request", 1, has_ratio=True)
RATE = Column("requestsPerSecond", "requests/s", 0)
P50 = Column("p50Milliseconds", "p50 ms", 3)
P99 = Column("p99Milliseconds", "p99 ms", 2, has_ratio=True)
PSS = Column("proportionalMebibytes", "PSS MiB", 1)
FAILED = Column("failedRequests", "failed", 0)
KIB = 1024
MIB = 1024 * 1024


@dataclass
class Settings:
    """What the command line asks for."""

    rounds: int
    #: Seconds of load in each round of each proxy.
    duration: float
    connections: int
    reloads: int
    idle_plain: int
    idle_tls: int
    idle_streams: int
    idle_watchers: int
    handshakes: int


@dataclass
class Bench:
    settings: Settings
    folder: Path
    ports: Ports
    certificates: Certificates
    proxies: list[Proxy]
    backend_port: int
    say: object
    #: Arms begun so far, with what they have measured: an interrupted run still shows them.
    results: list[Arm]
    #: The workload of the gRPC arms, once one of them has begun.
    grpc_backend_port: int | None = None

    def arm(self, name: str, title: str, columns: list[Column]) -> Arm:
        self.results.append(Arm(name, title, columns))
        return self.results[-1]

    def work(self, name: str, traffic: Traffic = HTTP, **more) -> Work:
        folder = self.folder / name
        folder.mkdir()
        if traffic.is_grpc and self.grpc_backend_port is None:
            self.grpc_backend_port = start_grpc_backend(Work(self.folder, self.ports, 0))
        backend = self.grpc_backend_port if traffic.is_grpc else self.backend_port
        return Work(folder, self.ports, backend, self.certificates, traffic, **more)

    def deploy(self, start, proxies: list[Proxy], arm: Arm) -> dict[str, Deployment]:
        """Starts each proxy; one that fails is left out, and the arm says why."""
        deployments = {}
        for proxy in proxies:
            try:
                deployments[proxy.name] = start(proxy)
            except BenchmarkError as error:
                arm.notes.append(f"{proxy.name} is left out: {error}")
                self.say(f"  {proxy.name} is left out: {error}")
        return deployments

    def named(self, *names: str) -> list[Proxy]:
        """Those of these names that are here; every binary of ours goes by "heddle"."""
        return [
            proxy for proxy in self.proxies
            if proxy.name in names or (isinstance(proxy, Heddle) and "heddle" in names)]

    def measure_throughput(
        self, arm: Arm, deployments: dict[str, Deployment],
        load: Callable[[str, Deployment, float], LoadResult] | None = None
    ) -> None:
        """Rounds of `load`, which is told the row's name, whom to call and for how many seconds; wrk if there is none."""
        load = load or (lambda _, deployment, seconds: run_wrk(deployment.port, seconds, self.settings.connections))
        for name in list(deployments):
            if load(name, deployments[name], 1).requests == 0:
                arm.notes.append(f"{name} is left out: it answered nothing")
                self.say(f"  {name} is left out: it answered nothing")
                deployments.pop(name).stop()
        for number, name, deployment in self.interleaved(deployments):
            before = cpu_nanoseconds(deployment.children)
            result = load(name, deployment, self.settings.duration)
            used = cpu_nanoseconds(deployment.children) - before
            latency = {
                key: value for key, value in (
                    (P50.key, result.p50_milliseconds), (P99.key, result.p99_milliseconds)) if value is not None}
            arm.record(
                name, cpuMicrosecondsPerRequest=used / 1000 / max(1, result.requests),
                requestsPerSecond=result.requests_per_second, failedRequests=result.failed,
                proportionalMebibytes=proportional_bytes(deployment.children) / MIB, **latency)
            self.say(
                f"  round {number} {name}: {used / 1000 / max(1, result.requests):.1f} µs, "
                f"{result.requests_per_second:,.0f}/s"
                + "".join(f", {key[:3]} {value:.3f} ms" for key, value in latency.items()))

    def interleaved(self, deployments: dict[str, Deployment]) -> Iterator[tuple[int, str, Deployment]]:
        """Each round begins with another proxy, so that none always runs on a warm machine."""
        names = list(deployments)
        for number in range(self.settings.rounds):
            start = number % len(names) if names else 0
            for name in names[start:] + names[:start]:
                yield number + 1, name, deployments[name]


def plain(bench: Bench) -> None:
    arm = bench.arm("plain", f"Plain hop with a rule, {bench.settings.connections} connections", [CPU, RATE, P99, PSS, FAILED])
    work = bench.work("plain")
    deployments = bench.deploy(
        lambda proxy: proxy.hop(work), bench.named("heddle", "haproxy", "nginx", "envoy"), arm)
    bench.measure_throughput(arm, deployments)
    stop(deployments)


def rules(bench: Bench) -> None:
    """All sizes of one proxy run side by side, so that its ratio against its own 10 is of one run too."""
    columns = [CPU, RATE, P99, PSS, FAILED]
    arm = bench.arm("rules", "10, 1,000 and 10,000 rules and routes, requests over all of them", columns)
    deployments: dict[str, Deployment] = {}
    scripts: dict[str, Path] = {}
    for proxy in bench.named("heddle", "haproxy", "nginx", "envoy"):
        for count in (10, 1_000, 10_000):
            work = bench.work(f"rules-{proxy.name}-{count}", rule_count=count)
            started = bench.deploy(lambda proxy: proxy.hop(work), [proxy], arm)
            for deployment in started.values():
                if answers(deployment.port, f"/r{count - 1}/item") != 200:
                    raise BenchmarkError(f"{proxy.name} does not serve its last of {count} routes")
                name = f"{proxy.name} {count:,}"
                deployments[name] = deployment
                scripts[name] = write_paths_script(work.folder / "paths.lua", count)
    bench.measure_throughput(arm, deployments, lambda name, deployment, seconds: run_wrk(
        deployment.port, seconds, bench.settings.connections, scripts[name]))
    stop(deployments)
    for proxy in bench.proxies:
        for count in ("1,000", "10,000"):
            ratio = arm.ratio(f"{proxy.name} {count}", f"{proxy.name} 10", CPU.key)
            if ratio:
                arm.notes.append(f"{proxy.name}: a request with {count} costs {ratio:.2f} × one with 10.")


def shadow(bench: Bench) -> None:
    """The plain hop beside itself with policies that decide nothing, of which three match each call."""
    arm = bench.arm(
        "shadow", "Plain hop with policies in Shadow and of AUDIT, three of which match each call", [CPU, RATE, P99, PSS, FAILED])
    deployments: dict[str, Deployment] = {}
    for proxy in bench.named("heddle"):
        for count in (0, 3, 1_000):
            work = bench.work(f"shadow-{proxy.name}-{count}", shadow_count=count)
            for deployment in bench.deploy(lambda proxy, work=work: proxy.hop(work), [proxy], arm).values():
                deployments[f"{proxy.name} {count:,}"] = deployment
    bench.measure_throughput(arm, deployments)
    stop(deployments)
    for proxy in bench.named("heddle"):
        for count in ("3", "1,000"):
            ratio = arm.ratio(f"{proxy.name} {count}", f"{proxy.name} 0", CPU.key)
            if ratio is not None:
                arm.notes.append(f"{proxy.name}: a request with {count} costs {ratio:.2f} × one without.")


def reload(bench: Bench) -> None:
    _reload(
        bench, "reload", "one changed route of about 100 resources", filler_count=96,
        proxies=[proxy for proxy in bench.proxies if proxy.has_reload])


def reload_large(bench: Bench) -> None:
    _reload(
        bench, "reload-10000", "one changed route of 10,000 resources (Envoy: 3,330 routes)", filler_count=9_990,
        proxies=bench.named("heddle", "envoy"))


def _reload(bench: Bench, name: str, what: str, filler_count: int, proxies: list[Proxy]) -> None:
    columns = [
        Column("p50Milliseconds", "p50 ms", 1, has_ratio=True), Column("p99Milliseconds", "p99 ms", 1, has_ratio=True),
        Column("worstMilliseconds", "worst ms", 1), Column("failedRequests", "failed", 0),
        Column("closedConnections", "closed", 0), Column("reloads", "reloads", 0),
    ]
    arm = bench.arm(
        name, f"Reload, {what}: rename(2) to the first new answer, {bench.settings.connections} connections of load",
        columns)
    work = bench.work(name, filler_count=filler_count)
    deployments = bench.deploy(lambda proxy: proxy.hop(work), proxies, arm)
    _measure_reloads(bench, arm, deployments)
    stop(deployments)


def _measure_reloads(bench: Bench, arm: Arm, deployments: dict[str, Deployment]) -> None:
    """In four interleaved parts; the figures are of all parts together."""
    publishers = {proxy.name: proxy for proxy in bench.proxies}
    durations: dict[str, list[float]] = {name: [] for name in deployments}
    totals: dict[str, dict[str, int]] = {name: {} for name in deployments}
    generations = itertools.count(1)
    for part in range(4):
        for name in list(durations):
            # Traefik waits 2 s between two changes: a tenth of the reloads shows it well enough.
            count = max(1, bench.settings.reloads // 4 // (10 if name == "traefik" else 1))
            try:
                some, counted = _reload_some(publishers[name], deployments[name].port, count, generations, bench.settings)
            except BenchmarkError as error:
                arm.notes.append(f"{name} is left out: {error}")
                del durations[name]
                continue
            durations[name] += some
            for key, value in counted.items():
                totals[name][key] = totals[name].get(key, 0) + value
    for name, values in durations.items():
        total = totals[name]
        arm.record(
            name, p50Milliseconds=percentile(values, 0.5), p99Milliseconds=percentile(values, 0.99),
            worstMilliseconds=max(values), reloads=len(values), closedConnections=total["closed"],
            failedRequests=total["failed"] + total["refused"] + total["reconnectFailed"])
        bench.say(f"  {name}: p50 {percentile(values, 0.5):.1f} ms, p99 {percentile(values, 0.99):.1f} ms, {total}")


def _reload_some(
    proxy: Proxy, port: int, count: int, generations: Iterator[int], settings: Settings
) -> tuple[list[float], dict[str, int]]:
    """`count` reloads under load. Returns how long each took, in milliseconds, and what became of the load."""
    durations = []
    load = _start_steady_load(port, settings.connections)
    prober = _Prober(port)
    try:
        for generation in itertools.islice(generations, count):
            time.sleep(random.uniform(0.1, 0.2))
            before = time.perf_counter()
            proxy.publish(generation)
            durations.append((prober.wait_for(generation, 30) - before) * 1000)
        time.sleep(0.3)
        counted = _end_steady_load(load)
    finally:
        load.kill()
        load.wait()
    counted["closed"] += prober.closed_count
    return durations, counted


def reload_at_leisure(proxy: Proxy, port: int, generations: Iterator[int]) -> LoadResult:
    """One reload after the other, and hardly a request: nobody asks before the new generation must be there."""
    prober = _Prober(port)
    start = time.perf_counter()
    count = 0
    for generation in generations:
        proxy.publish(generation)
        time.sleep(1)
        prober.wait_for(generation, 60)
        count += 1
    return LoadResult(count, count / (time.perf_counter() - start), 0)


def _start_steady_load(port: int, connections: int) -> subprocess.Popen:
    script = Path(__file__).with_name("steady_load.py")
    load = subprocess.Popen(
        [sys.executable, "-B", str(script), str(port), str(connections)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    if load.stdout.readline().strip() != "ready":
        load.kill()
        raise BenchmarkError(f"the load found nobody on port {port}")
    return load


def _end_steady_load(load: subprocess.Popen) -> dict[str, int]:
    return json.loads(load.communicate(timeout=20)[0].strip().splitlines()[-1])


class _Prober:
    """Asks again and again on one kept connection until the new generation answers."""

    def __init__(self, port: int):
        self._port = port
        self._connection: Connection | None = None
        self.closed_count = 0

    def wait_for(self, generation: int, seconds: float) -> float:
        """The instant (perf_counter) at which the first answer of `generation` was there."""
        deadline = time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            try:
                if self._connection is None:
                    self._connection = Connection(self._port)
                _, fields, _ = self._connection.get(CHANGING_PATH)
                now = time.perf_counter()
            except OSError:
                self._drop()
                continue
            if not self._connection.is_reusable:
                self._drop()
            if fields.get("x-generation") == str(generation):
                return now
        raise BenchmarkError(f"generation {generation} was not served within {seconds:g} s")

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.closed_count += 1


IDLE = Column("kibibytesPerConnection", "KiB/connection", 2, has_ratio=True)


def idle_plain(bench: Bench) -> None:
    arm = bench.arm("idle-plain", f"{bench.settings.idle_plain:,} idle plain connections after one request each", [IDLE])
    work = bench.work("idle-plain")
    for proxy in bench.named("heddle", "haproxy", "nginx", "envoy"):
        for deployment in bench.deploy(lambda proxy: proxy.hop(work), [proxy], arm).values():
            figure = _bytes_per_connection(
                deployment.children, bench.settings.idle_plain, lambda: Connection(deployment.port))
            arm.record(proxy.name, kibibytesPerConnection=figure / KIB)
            bench.say(f"  {proxy.name}: {figure / KIB:.2f} KiB per plain connection")
            deployment.stop()


def idle_tls(bench: Bench) -> None:
    arm = bench.arm(
        "idle-tls", f"{bench.settings.idle_tls:,} idle mutual-TLS connections of HTTP/2 after one request each", [IDLE])
    work = bench.work("idle-tls")
    context = client_context(bench.certificates, ["h2"])
    for proxy in [p for p in bench.proxies if p.has_mesh]:
        for deployment in bench.deploy(lambda proxy: proxy.mesh(work), [proxy], arm).values():
            figure = _bytes_per_connection(
                deployment.tls_children, bench.settings.idle_tls,
                lambda: HTTP2Connection(deployment.tls_port, context, deployment.tls_name))
            arm.record(proxy.name, kibibytesPerConnection=figure / KIB)
            bench.say(f"  {proxy.name}: {figure / KIB:.2f} KiB per TLS connection")
            deployment.stop()


def _bytes_per_connection(children: list[Child], count: int, connect) -> float:
    """Growth of the proportional set, per connection. Begins after 64 connections have come and gone, so that what a
    proxy sets up once does not count; ends 3 s after the last request, when buffers have gone back."""
    connections = []
    try:
        for expected in (64, count):
            for _ in range(expected):
                connection = connect()
                connections.append(connection)
                if connection.get()[0] != 200:
                    raise BenchmarkError("a connection meant to idle was not served")
            time.sleep(3)
            after = proportional_bytes(children)
            if expected == count:
                return (after - before) / count
            for connection in connections:
                connection.close()
            connections.clear()
            time.sleep(1)
            before = proportional_bytes(children)
    finally:
        for connection in connections:
            connection.close()
    raise BenchmarkError("no idle connections were asked for")


def handshakes(bench: Bench) -> None:
    column = Column("handshakesPerCPUSecond", "handshakes/CPU s", 0, has_ratio=True)
    arm = bench.arm("handshakes", "Full mutual TLS 1.3 handshakes (P-256, X25519) per CPU second of the server", [column])
    work = bench.work("handshakes")
    deployments = bench.deploy(lambda proxy: proxy.mesh(work), [p for p in bench.proxies if p.has_mesh], arm)
    context = client_context(bench.certificates, ["h2"])
    for number in range(bench.settings.rounds):
        for name, deployment in deployments.items():
            for _ in range(20 if number == 0 else 1):
                full_handshake(deployment.tls_port, context, deployment.tls_name)
            before = cpu_nanoseconds(deployment.tls_children)
            for _ in range(bench.settings.handshakes):
                full_handshake(deployment.tls_port, context, deployment.tls_name)
            used = cpu_nanoseconds(deployment.tls_children) - before
            rate = bench.settings.handshakes / (used / 1e9)
            arm.record(name, handshakesPerCPUSecond=rate)
            bench.say(f"  round {number + 1} {name}: {rate:.0f} handshakes per CPU second")
    stop(deployments)


def cold_start(bench: Bench) -> None:
    column = Column("milliseconds", "ms", 0, has_ratio=True)
    ready = Column("readyMilliseconds", "readyz ms", 0)
    arm = bench.arm("cold", "Cold start with 10,000 resources (peers: 3,330 routes): exec to the first answer", [column, ready])
    for number in range(min(3, bench.settings.rounds)):
        for proxy in bench.named("heddle", "haproxy", "nginx", "envoy"):
            work = bench.work(f"cold-{proxy.name}-{number}", filler_count=9_990)
            if isinstance(proxy, Heddle):
                proxy.write_hop(work)
                before = time.perf_counter()
                child = proxy.start_hop(work)
                proxy.wait_ready(child)
                ready_at = time.perf_counter()
                served = serve(proxy.name, proxy.port, [child])
                figures = {"readyMilliseconds": (ready_at - before) * 1000}
                duration = (time.perf_counter() - before) * 1000
            else:
                served, duration = _time_start(proxy, work)
                figures = {}
            arm.record(proxy.name, milliseconds=duration, **figures)
            bench.say(f"  {proxy.name}: {duration:.0f} ms")
            served.stop()


def _time_start(proxy: Proxy, work: Work) -> tuple[Deployment, float]:
    """A peer writes its own configuration first; only the time from its process's start counts."""
    served = proxy.hop(work)
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    fields = Path(f"/proc/{served.children[0].pid}/stat").read_text().rsplit(")", 1)[1].split()
    started = int(fields[19]) / 100  # field 22 of stat: clock ticks (USER_HZ) since boot
    return served, (now - started) * 1000


def resident(bench: Bench) -> None:
    arm = bench.arm(
        "resident", "Memory, idle with 100 resources",
        [Column("residentMebibytes", "RSS MiB", 1), Column("proportionalMebibytes", "PSS MiB", 1, has_ratio=True)])
    work = bench.work("resident", filler_count=96)
    for proxy in bench.named("heddle", "haproxy", "nginx", "envoy"):
        for deployment in bench.deploy(lambda proxy: proxy.hop(work), [proxy], arm).values():
            time.sleep(2)
            arm.record(
                proxy.name, residentMebibytes=resident_bytes(deployment.children) / MIB,
                proportionalMebibytes=proportional_bytes(deployment.children) / MIB)
            bench.say(f"  {proxy.name}: {resident_bytes(deployment.children) / MIB:.1f} MiB resident")
            deployment.stop()


def stop(deployments: dict[str, Deployment]) -> None:
    for deployment in deployments.values():
        deployment.stop()
