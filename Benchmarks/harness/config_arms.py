"""Arms about configs: from a change to the last of many watchers, and what watchers that idle hold."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path

from arms import KIB, Bench
from heddle import Heddle
from measurement import Column, percentile
from processes import LOAD_CORE, PROXY_CORE, BenchmarkError, Child, proportional_bytes, wait_until
from proxy import Work, replace
from tools import tool

WATCHERS = 1_000
#: A workload has at most 1,000 watches.
READERS = 10
PREFIX = "/bench/app/"
WATCH = "GET /v1/configs/~/app/watch HTTP/1.1\r\nHost: config.mesh\r\n\r\n"
SOME_KEYS = {f"key-{number}": f"value {number}" for number in range(100)}

P50 = Column("p50Milliseconds", "p50 ms", 1, has_ratio=True)
P99 = Column("p99Milliseconds", "p99 ms", 1, has_ratio=True)
WORST = Column("worstMilliseconds", "worst ms", 1)


class Watchers:
    """Watches on a number of ports, each on a connection of its own."""

    def __init__(self, count: int, ports: list[int], request: str, first: str):
        self._process = subprocess.Popen(
            ["taskset", "-c", str(LOAD_CORE), tool("watchers"), str(count // len(ports)), first, *map(str, ports)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._ask(request + "END\n")
        self._read("ready")

    def told(self, text: str) -> list[int]:
        """When each of them has been told this text, in ns of the monotonic clock."""
        self._ask(text + "\n")
        return [int(time) for time in self._read("").split()]

    def stop(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
        self._process.stderr.close()

    def _ask(self, text: str) -> None:
        self._process.stdin.write(text)
        self._process.stdin.flush()

    def _read(self, beginning: str) -> str:
        line = self._process.stdout.readline()
        if not line.endswith("\n") or not line.startswith(beginning):
            raise BenchmarkError(f"the watchers did not last: {self._process.stderr.read().strip()}")
        return line


class Etcd:
    """One of its own, with nothing but what the bench puts there."""

    def __init__(self, work: Work, core: int):
        program = os.environ.get("ETCD") or shutil.which("etcd")
        if not program:
            raise BenchmarkError("this arm needs etcd (apt-get install etcd-server, or ETCD=its path)")
        self.port, peers = work.ports.take(), f"http://127.0.0.1:{work.ports.take()}"
        self.endpoint = f"http://127.0.0.1:{self.port}"
        folder = work.subfolder(f"etcd-{core}")
        self.child = Child("etcd", [
            program, "--name", "bench", "--data-dir", str(folder / "data"), "--listen-client-urls", self.endpoint,
            "--advertise-client-urls", self.endpoint, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
            "--initial-cluster", f"bench={peers}", "--log-level", "error"], core, folder)
        wait_until("etcd", [self.child], self._is_there)

    def put(self, name: str, text: str) -> None:
        self._ask("/v3/kv/put", {"key": _base64(PREFIX + name), "value": _base64(text)})

    @staticmethod
    def watch(port: int) -> str:
        body = json.dumps({"create_request": {
            "key": _base64(PREFIX), "range_end": _base64(PREFIX[:-1] + chr(ord(PREFIX[-1]) + 1))}})
        return (
            f"POST /v3/watch HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body) + 1}\r\n\r\n{body}\n")

    def _is_there(self) -> bool:
        try:
            self._ask("/v3/kv/range", {"key": _base64("/")})
            return True
        except OSError:
            return False

    def _ask(self, path: str, message: dict) -> None:
        request = urllib.request.Request(self.endpoint + path, json.dumps(message).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def config_file(bench: Bench) -> None:
    """From the rename(2) of a file to each watcher."""
    arm = bench.arm("config-file", f"A changed file, until each of {WATCHERS:,} watchers has it", [P50, P99, WORST])
    work, deployments = bench.work("config-file"), {}
    for proxy in bench.named("heddle"):
        path = work.subfolder(f"{proxy.name}/values") / "values.json"

        def write(text: str, path: Path = path) -> None:
            replace(path, json.dumps(SOME_KEYS | {"changing": text}))

        write("change-0")
        child, ports = _heddle(proxy, work, f'{{type: File, path: "{path}"}}')
        deployments[proxy.name] = (write, Watchers(WATCHERS, ports, WATCH, "change-0"), [child])
    _measure(bench, arm, deployments)


def config_etcd(bench: Bench) -> None:
    """From asking etcd for a change to each watcher, of Heddle and of etcd itself by its gateway."""
    arm = bench.arm("config-etcd", f"A changed key of etcd, until each of {WATCHERS:,} watchers has it", [P50, P99, WORST])
    work, deployments = bench.work("config-etcd"), {}
    for proxy in bench.named("heddle"):
        etcd = _etcd(work.subfolder(proxy.name), work, LOAD_CORE)
        child, ports = _heddle(proxy, work, f'{{type: Etcd, endpoints: ["{etcd.endpoint}"], prefix: "{PREFIX}"}}')
        watchers = Watchers(WATCHERS, ports, WATCH, "change-0")
        deployments[proxy.name] = (lambda text, etcd=etcd: etcd.put("changing", text), watchers, [child, etcd.child])
    etcd = _etcd(work.subfolder("etcd"), work, PROXY_CORE)
    watchers = Watchers(WATCHERS, [etcd.port], Etcd.watch(etcd.port), '"created":true')

    def put(text: str) -> None:
        etcd.put("changing", text)

    deployments["etcd's own watch"] = (put, watchers, [etcd.child])
    _measure(bench, arm, deployments)


def config_watchers(bench: Bench) -> None:
    """Begins after one watch of each reader has come and gone, so that what is set up once does not count."""
    count = bench.settings.idle_watchers
    arm = bench.arm(
        "config-watchers", f"{count:,} idle watchers of a Config with {len(SOME_KEYS)} keys, one a connection",
        [Column("kibibytesPerWatcher", "KiB/watcher", 2)])
    work = bench.work("config-watchers")
    for proxy in bench.named("heddle"):
        child, ports = _heddle(proxy, work, "{type: Inline, data: " + json.dumps(SOME_KEYS) + "}")
        Watchers(READERS, ports, WATCH, "key-99").stop()
        time.sleep(2)
        before = proportional_bytes([child])
        watchers = Watchers(count, ports, WATCH, "key-99")
        time.sleep(3)
        figure = (proportional_bytes([child]) - before) / count
        watchers.stop()
        child.stop()
        arm.record(proxy.name, kibibytesPerWatcher=figure / KIB)
        bench.say(f"  {proxy.name}: {figure / KIB:.2f} KiB per idle watcher")


def _heddle(proxy: Heddle, work: Work, source: str) -> tuple[Child, list[int]]:
    return proxy.configs(work, READERS, source)


def _etcd(folder: Path, work: Work, core: int) -> Etcd:
    etcd = Etcd(Work(folder, work.ports, 0), core)
    for name, text in SOME_KEYS.items():
        etcd.put(name, text)
    etcd.put("changing", "change-0")
    return etcd


def _measure(bench: Bench, arm, deployments: dict) -> None:
    """Rounds of changes one after the other, each once all have been told of the one before."""
    number = 0
    for round_, name, (change, watchers, _) in bench.interleaved(deployments):
        waits: list[float] = []
        for _ in range(bench.settings.reloads // 4):
            number += 1
            text = f"change-{number}-"
            began = time.monotonic_ns()
            change(text)
            expected = _base64(text) if name.startswith("etcd") else text
            waits += [(told - began) / 1e6 for told in watchers.told(expected)]
        figures = {
            "p50Milliseconds": percentile(waits, 0.5), "p99Milliseconds": percentile(waits, 0.99), "worstMilliseconds": max(waits)}
        arm.record(name, **figures)
        bench.say(f"  round {round_} {name}: " + ", ".join(f"{key[:5]} {value:.1f} ms" for key, value in figures.items()))
    for _, watchers, children in deployments.values():
        watchers.stop()
        for child in children:
            child.stop()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
