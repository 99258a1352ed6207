"""The laboratory that all tests share: two hosts, of which the tests run on a, and what is started on both."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Callable

import pytest

from lab.mesh import Authority, Mesh
from lab.namespaces import Host, TwoHosts
from lab.processes import Process, accepts

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
IS_LONG = bool(os.environ.get("HEDDLE_LONG_TESTS"))
NEEDED = "root is needed for network namespaces: sudo Tests/Interop/run"


def pytest_addoption(parser):
    parser.addoption(
        "--direct", action="store_true", help="clients and servers without Heddle between them: tests the tests")


def pytest_collection_modifyitems(config, items):
    for item in items:
        if os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason=NEEDED))
        if config.getoption("--direct") and item.get_closest_marker("heddle"):
            item.add_marker(pytest.mark.skip(reason="judges Heddle, and with --direct there is none"))
        if item.get_closest_marker("long") and not IS_LONG:
            item.add_marker(pytest.mark.skip(reason="takes long: HEDDLE_LONG_TESTS=1"))


class Laboratory:
    """What a file of tests starts, and what ends with it."""

    def __init__(self, hosts: TwoHosts, authority: Authority, folder: Path, is_direct: bool):
        self.hosts, self.authority, self.folder, self.is_direct = hosts, authority, folder, is_direct
        self._processes: list[Process] = []
        self._meshes: list[Mesh] = []
        self._cleanups: list[Callable[[], None]] = []

    def at_end(self, cleanup: Callable[[], None]) -> None:
        """Called once all processes have ended."""
        self._cleanups.append(cleanup)

    def start(self, host: Host, name: str, arguments: list[str], port: int) -> Process:
        """A server, and waits until it listens."""
        process = Process(host, arguments, self.folder / f"{name}.log")
        self._processes.append(process)
        process.wait_for(f"{name} listened on {port}", lambda: accepts((self._address(host), port)))
        return process

    def workload(self, name: str, script: str, port: int, *arguments: str, host: Host | None = None) -> Process:
        """One of workloads/, on host b if no other is named."""
        program = [sys.executable, "-B", str(HERE / "workloads" / script), str(port), *arguments]
        return self.start(host or self.hosts.b, name, program, port)

    def mesh(self, name: str = "mesh") -> Mesh:
        """Not started yet."""
        mesh = Mesh(self.hosts, self.authority, self.folder / name, _binary())
        self._meshes.append(mesh)
        return mesh

    def logs(self) -> str:
        parts = [
            f"--- node {node.host.name}\n{node.log()}" for mesh in self._meshes for node in (mesh.a, mesh.b)]
        parts += [f"--- {process.log.name}\n{process.said(2000)}" for process in self._processes]
        # Bytes that nobody reads are what a stuck stream looks like from outside.
        parts += [f"--- sockets of host {host.name}\n{host.sockets()}" for host in (self.hosts.a, self.hosts.b)]
        return "\n".join(parts)

    def close(self) -> None:
        try:
            for mesh in self._meshes:
                mesh.stop()
        finally:
            for process in self._processes:
                process.end()
            for cleanup in self._cleanups:
                cleanup()

    def _address(self, host: Host) -> str:
        return "127.0.0.1" if host is self.hosts.a else host.address


def _binary() -> Path:
    if "HEDDLE" in os.environ:
        return Path(os.environ["HEDDLE"])
    built = [REPOSITORY / ".build" / configuration / "heddle" for configuration in ("release", "debug")]
    built = [path for path in built if os.access(path, os.X_OK)]
    if not built:
        pytest.fail("heddle is not built: swift build --product heddle", pytrace=False)
    return max(built, key=lambda path: path.stat().st_mtime)


@pytest.fixture(scope="session")
def hosts():
    hosts = TwoHosts()
    try:
        hosts.a.enter()  # before a client library starts its threads
        yield hosts
    finally:
        hosts.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("pki") / "authority")


@pytest.fixture(scope="module")
def laboratory(request, hosts, authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.module.__name__)
    folder.chmod(0o755)
    laboratory = Laboratory(hosts, authority, folder, request.config.getoption("--direct"))
    request.module.laboratory_in_use = laboratory
    try:
        yield laboratory
    finally:
        laboratory.close()
        if not request.session.testsfailed:
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def healthy_path(hosts):
    """Whatever a test did to the cable, the next one finds it whole."""
    yield
    hosts.b.heal()
    hosts.a.heal()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    laboratory = getattr(item.module, "laboratory_in_use", None)
    if report.failed and laboratory is not None:
        report.sections.append(("what the nodes and workloads said", laboratory.logs()))
