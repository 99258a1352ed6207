"""The arms of requests over HTTP/2: between the two nodes of the mesh path, from the caller, all the way with gRPC."""

from __future__ import annotations

from pathlib import Path

from arms import CPU, FAILED, P99, PSS, RATE, Bench, stop
from load import PATH, LoadResult, run_h2load, run_wrk
from proxy import Deployment
from traffic import GRPC

#: h2load's connections, and the streams that each keeps busy.
CONNECTIONS = 16
STREAMS = 16
GRPC_FIELDS = ("content-type: application/grpc", "te: trailers")


def mesh(bench: Bench) -> None:
    _mesh(bench, "mesh", bench.settings.connections)


def mesh_256(bench: Bench) -> None:
    _mesh(bench, "mesh-256", 256)


def _mesh(bench: Bench, name: str, connections: int) -> None:
    """HTTP/1.1 in and out. HAProxy and Envoy run with HTTP/1.1 between, too: their users have that choice."""
    title = f"Mesh path: two processes, mutual TLS 1.3, HTTP/2 between, a rule, {connections} HTTP/1.1 connections in"
    arm = bench.arm(name, title, [CPU, RATE, P99, PSS, FAILED])
    work = bench.work(name)
    deployments = bench.deploy(lambda proxy: proxy.mesh(work), [p for p in bench.proxies if p.has_mesh], arm)
    with_http1 = bench.work(f"{name}-http1", between="http/1.1")
    started = bench.deploy(lambda proxy: proxy.mesh(with_http1), bench.named("haproxy", "envoy"), arm)
    deployments |= {f"{peer} HTTP/1.1": deployment for peer, deployment in started.items()}
    bench.measure_throughput(
        arm, deployments, lambda _, deployment, seconds: run_wrk(deployment.port, seconds, connections))
    stop(deployments)


def http2_in(bench: Bench) -> None:
    _http2_in(bench, "h2", "with prior knowledge", "http")


def http2_in_tls(bench: Bench) -> None:
    _http2_in(bench, "h2-tls", "over TLS 1.3", "https", is_tls=True)


def _http2_in(bench: Bench, name: str, how: str, scheme: str, **more) -> None:
    title = f"One hop with a rule, HTTP/2 in {how}, HTTP/1.1 out, {CONNECTIONS} connections of {STREAMS} streams"
    arm = bench.arm(name, title, [CPU, RATE, PSS, FAILED])
    work = bench.work(name, **more)
    deployments = bench.deploy(
        lambda proxy: proxy.hop(work), bench.named("heddle", "haproxy", "envoy", "nghttpx"), arm)
    bench.measure_throughput(arm, deployments, lambda _, deployment, seconds: http2_load(deployment, seconds, scheme))
    stop(deployments)


def grpc(bench: Bench) -> None:
    title = f"gRPC, unary, 64-byte messages: one hop with a rule, {CONNECTIONS} connections of {STREAMS} streams"
    arm = bench.arm("grpc", title, [CPU, RATE, PSS, FAILED])
    work = bench.work("grpc", GRPC)
    deployments = bench.deploy(
        lambda proxy: proxy.hop(work), bench.named("heddle", "haproxy", "envoy", "nghttpx"), arm)
    bench.measure_throughput(arm, deployments, lambda _, deployment, seconds: grpc_load(bench, deployment, seconds))
    stop(deployments)


def grpc_mesh(bench: Bench) -> None:
    title = f"gRPC, unary, 64-byte messages: the mesh path, {CONNECTIONS} connections of {STREAMS} streams"
    arm = bench.arm("grpc-mesh", title, [CPU, RATE, PSS, FAILED])
    work = bench.work("grpc-mesh", GRPC)
    deployments = bench.deploy(lambda proxy: proxy.mesh(work), [p for p in bench.proxies if p.has_mesh], arm)
    bench.measure_throughput(arm, deployments, lambda _, deployment, seconds: grpc_load(bench, deployment, seconds))
    stop(deployments)


def http2_load(deployment: Deployment, seconds: float, scheme: str = "http") -> LoadResult:
    return run_h2load(f"{scheme}://127.0.0.1:{deployment.port}{PATH}", seconds, CONNECTIONS, STREAMS)


def grpc_load(bench: Bench, deployment: Deployment, seconds: float) -> LoadResult:
    """One message of 64 bytes with gRPC's prefix: not compressed, its length."""
    message = Path(bench.folder) / "message"
    message.write_bytes(b"\0" + (64).to_bytes(4, "big") + b"x" * 64)
    url = f"http://127.0.0.1:{deployment.port}{GRPC.prefix}Call"
    return run_h2load(url, seconds, CONNECTIONS, STREAMS, message, GRPC_FIELDS)
