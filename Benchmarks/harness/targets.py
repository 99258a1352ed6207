"""The promises about speed and size that a run is held to."""

from __future__ import annotations

from measurement import Arm, Target


def judge(results: list[Arm]) -> list[Target]:
    by_name = {arm.name: arm for arm in results}

    def ratio(arm: str, peer: str, key: str, proxy: str = "heddle") -> float | None:
        return by_name[arm].ratio(proxy, peer, key) if arm in by_name else None

    def median(arm: str, key: str, proxy: str = "heddle") -> float | None:
        return by_name[arm].median(proxy, key) if arm in by_name else None

    def microseconds_more(arm: str, peer: str, key: str, proxy: str) -> float | None:
        more = by_name[arm].difference(proxy, peer, key) if arm in by_name else None
        return None if more is None else more * 1000

    cpu, p99 = "cpuMicrosecondsPerRequest", "p99Milliseconds"
    bytes_, allocations = "mebibytesPerCPUSecond", "allocationsPerRequest"
    targets = [
        Target("plain hop: CPU per request, × HAProxy", 0.85, ratio("plain", "haproxy", cpu)),
        Target("plain hop: CPU per request, × Envoy", 0.25, ratio("plain", "envoy", cpu)),
        Target("plain hop: p99, × HAProxy", 1.0, ratio("plain", "haproxy", p99)),
        Target("with selectors, kept connections: CPU per request, × without", 1.05,
               ratio("attested", "heddle, open", cpu, proxy="heddle, by user")),
        Target("with selectors and 1,000 policies in Shadow: CPU per request, × without", 1.05,
               ratio("attested", "heddle, open", cpu, proxy="heddle, by user, Shadow")),
        Target("with selectors, a connection a request: CPU per request, × without", 1.3,
               ratio("attested-short", "heddle, open", cpu, proxy="heddle, by user")),
        Target("with selectors, 5,000 processes a second of one request each: CPU, × without", 1.3,
               ratio("attested-callers", "heddle, open", cpu, proxy="heddle, by user")),
        Target("with selectors, a process's first call: µs more", 20,
               microseconds_more("attested-first", "heddle, open", "p50Milliseconds", proxy="heddle, by user")),
        *(Target(f"with selectors, beside processes that {how}: p99, × without", 1.3,
                 ratio("attested-disturbed", f"heddle, open, {how}", p99, proxy=f"heddle, by path, {how}"))
          for how in ("exit", "fork", "flood")),
        Target("with a guard: CPU per request, × without", 1.05, ratio("guarded", "heddle, open", cpu, proxy="heddle, guard")),
        Target("mesh path: CPU per request, × HAProxy with HTTP/1.1 between", 0.95,
               ratio("mesh", "haproxy HTTP/1.1", cpu)),
        Target("mesh path: CPU per request, × HAProxy", 0.8, ratio("mesh", "haproxy", cpu)),
        Target("mesh path: CPU per request, × Envoy", 0.2, ratio("mesh", "envoy", cpu)),
        Target("mesh path: p99, × HAProxy", 1.0, ratio("mesh", "haproxy", p99)),
        Target("mesh path, 256 connections: CPU per request, × HAProxy", 0.8, ratio("mesh-256", "haproxy", cpu)),
        Target("mesh path, 256 connections: p99, × HAProxy", 1.0, ratio("mesh-256", "haproxy", p99)),
        Target("HTTP/2 in: CPU per request, × HAProxy", 0.8, ratio("h2", "haproxy", cpu)),
        Target("HTTP/2 in: CPU per request, × nghttpx", 0.8, ratio("h2", "nghttpx", cpu)),
        Target("HTTP/2 in over TLS: CPU per request, × HAProxy", 0.8, ratio("h2-tls", "haproxy", cpu)),
        Target("HTTP/2 in over TLS: CPU per request, × nghttpx", 0.8, ratio("h2-tls", "nghttpx", cpu)),
        Target("gRPC unary: CPU per call, × HAProxy", 0.8, ratio("grpc", "haproxy", cpu)),
        Target("gRPC unary: CPU per call, × Envoy", 0.8, ratio("grpc", "envoy", cpu)),
        Target("gRPC stream: messages per CPU second, × Envoy", 1.2,
               ratio("grpc-stream", "envoy", "messagesPerCPUSecond"), is_minimum=True),
        Target("1 GiB over the mesh path: bytes per CPU second, × HAProxy", 1.0, ratio("bulk", "haproxy", bytes_),
               is_minimum=True),
        Target("1 GiB over the mesh path: MiB more resident", 8, median("bulk", "grownMebibytes")),
        Target("TCP: bytes per CPU second, × HAProxy with splice", 1.0, ratio("tcp", "haproxy", bytes_), is_minimum=True),
        Target("TCP over the mesh path: bytes per CPU second, × HAProxy", 1.0, ratio("tcp-mesh", "haproxy", bytes_),
               is_minimum=True),
        Target("10,000 rules and routes: CPU per request, × its own 10", 1.5,
               ratio("rules", "heddle 10", cpu, proxy="heddle 10,000")),
        Target("1,000 policies in Shadow, three that match: CPU per request, × without", 1.05,
               ratio("shadow", "heddle 0", cpu, proxy="heddle 1,000")),
        Target("reload, 100 resources: p99 ms", 10, median("reload", p99)),
        Target("reload, 100 resources: p99, × Envoy", 1.0, ratio("reload", "envoy", p99)),
        Target("reload: failed requests", 0, median("reload", "failedRequests")),
        Target("reload: closed connections", 0, median("reload", "closedConnections")),
        Target("reload, 10,000 resources: p99 ms", 250, median("reload-10000", p99)),
        Target("cold start, 10,000 resources: ms", 1_000, median("cold", "milliseconds")),
        Target("resident with 100 resources: MiB", 20, median("resident", "residentMebibytes")),
        Target("idle plain connection: KiB", 1, median("idle-plain", "kibibytesPerConnection")),
        Target("idle TLS connection: KiB", 26, median("idle-tls", "kibibytesPerConnection")),
        Target("idle gRPC stream: KiB", 8, median("idle-grpc", "kibibytesPerStream")),
        Target("a changed file to 1,000 watchers: p99 ms", 30, median("config-file", p99)),
        Target("a changed key of etcd to 1,000 watchers: p99 ms", 50, median("config-etcd", p99)),
        Target("idle watcher of a config: KiB", 8, median("config-watchers", "kibibytesPerWatcher")),
        Target("full handshakes per CPU second, × HAProxy", 1.5,
               ratio("handshakes", "haproxy", "handshakesPerCPUSecond"), is_minimum=True),
        Target("heap allocations per plain request", 0.01, median("budget", allocations)),
        Target("heap allocations per request with selectors", 0.01, median("budget-attested", allocations)),
        Target("heap allocations per request with selectors and policies in Shadow", 0.01,
               median("budget-attested-shadow", allocations)),
        Target("heap allocations per request with policies in Shadow", 0.01, median("budget-shadow", allocations)),
        Target("heap allocations per request on the mesh path", 0.02, median("budget-mesh", allocations)),
        Target("heap allocations per request of HTTP/2 in", 0.01, median("budget-h2", allocations)),
        Target("heap allocations per gRPC call", 0.01, median("budget-grpc", allocations)),
        Target("reads per plain request", 2.05, median("budget", "readsPerRequest")),
        Target("writes per plain request", 2.05, median("budget", "writesPerRequest")),
    ]
    return targets if any("heddle" in name for arm in results for name in arm.rounds) else []
