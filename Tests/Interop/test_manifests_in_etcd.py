"""Manifests that three nodes follow in a real etcd: pushes under load, and what nobody may take for a set."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from conftest import IS_LONG, _binary
from lab import manifests
from lab.etcd import CLIENT_PORT, Etcd
from lab.load import Load
from lab.manifests import allow, caller, resource, workload
from lab.mesh import INBOUND_PORT, Node

ETCD = os.environ.get("ETCD") or shutil.which("etcd")
WEB, ECHO = 15_601, 20_061
PUSHES = 200 if IS_LONG else 20

pytestmark = [
    pytest.mark.heddle, pytest.mark.skipif(ETCD is None, reason="it takes etcd (Debian: etcd-server)"),
    pytest.mark.timeout(900)]


def set_hash(files: dict[str, bytes]) -> str:
    """As docs/reference/manifests-in-etcd.md has it."""
    digest = hashlib.sha256(b"heddle-manifest-set-1\n")
    for path, data in sorted((path.encode(), data) for path, data in files.items()):
        for part in (path, data):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


class Scene:
    """Three nodes, of which a calls what runs on b and c, and an etcd on host a."""

    def __init__(self, laboratory, name: str, signs: bool):
        self.hosts = [laboratory.hosts.a, laboratory.hosts.b, laboratory.hosts.third()]
        self.folder = laboratory.folder / name
        self.folder.mkdir()
        self.manifests = self.folder / "manifests"
        self.authority = laboratory.authority
        self.etcd = Etcd(ETCD, self.hosts[0], self.folder)
        self.prefix = f"/{name}"
        self.url = f"etcd://{self.hosts[0].address}:{CLIENT_PORT}{self.prefix}"
        self.key, public = self.folder / "push.key", self.folder / "push.pub"
        options = ["--manifests", self.url, "--files-below", str(self.authority.key.parent)]
        if signs:
            for arguments in (["genpkey", "-algorithm", "ed25519", "-out", self.key], ["pkey", "-in", self.key, "-pubout", "-out", public]):
                subprocess.run(["openssl", *map(str, arguments)], check=True)
            self.key.chmod(0o600)
            options += ["--manifests-key", str(public)]
        self.nodes = [Node(host, self.folder / host.name, _binary(), *options) for host in self.hosts]

    def close(self) -> None:
        try:
            for node in self.nodes:
                node.stop()
        finally:
            self.etcd.stop()

    def write(self, generation: int, authority_key: str | None = None) -> None:
        """Several files, which change with each generation."""
        authority = {
            "type": "Files", "certificateFile": str(self.authority.certificate),
            "keyFile": authority_key or str(self.authority.key)}
        files = {
            "mesh.yaml": [resource("Mesh", "mesh", {
                "trustDomain": manifests.TRUST_DOMAIN, "identity": {"authority": authority}})],
            "nodes/nodes.yaml": [
                resource("Node", host.name, {"address": f"{host.address}:{INBOUND_PORT}"}) for host in self.hosts],
            "echo.yaml": [
                caller("web", WEB), resource("Service", "echo", {"protocol": "HTTP"}),
                *(workload(f"echo-{node}", "echo", ECHO, node) for node in "bc"), allow("callers", "echo", ["web"])],
            "changing.yaml": [
                resource("Service", f"changing-{generation % 7}", {"protocol": "HTTP"}),
                allow("changing", "echo", [f"nobody-{generation}"])],
        }
        for path, resources in files.items():
            place = self.manifests / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(manifests.text(resources))

    def push(self, *options: str) -> str:
        """Returns the set's digest."""
        done = subprocess.run(
            self.hosts[0].command([str(_binary()), "push", str(self.manifests), "--to", self.url, "-o", "json", *options]),
            capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (done.stdout, done.stderr)
        found = json.loads(done.stdout)
        assert found["outcome"] == "pushed", found
        assert found["set"] == set_hash(self.files())
        return found["set"]

    def files(self) -> dict[str, bytes]:
        return {str(path.relative_to(self.manifests)): path.read_bytes() for path in self.manifests.rglob("*.yaml")}

    def wait_for(self, name: str) -> None:
        for node in self.nodes:
            node.process.wait_for(
                f"{node.host.name} served {name}", lambda: _served(node) == name, 30)

    def wait_until_refused(self, code: str, serving: str) -> None:
        """Every node says so, and goes on with what it had."""
        for node in self.nodes:
            node.process.wait_for(f"{node.host.name} refused it: {code}", lambda: code in _refused(node), 30)
            assert _served(node) == serving

    def name(self, digest: str, number: int) -> None:
        self.etcd.change({f"{self.prefix}/current": f"heddle-manifests-1\nset {digest}\nnumber {number}\n"})


def _status(node: Node) -> dict:
    """Nothing, while nobody answers."""
    try:
        return node.status()
    except OSError:
        return {}


def _refused(node: Node) -> str:
    return json.dumps(_status(node).get("refused") or {})


def _served(node: Node) -> str | None:
    return (_status(node).get("set") or {}).get("hash")


def _is_last_good(node: Node) -> bool:
    return bool((_status(node).get("serving") or {}).get("lastGood"))


class Calls:
    """From node a's workload to the service on b and c, on connections that stay."""

    def __init__(self) -> None:
        self._local = threading.local()
        self.load = Load(self._call, threads=4)

    def _call(self, number: int) -> str:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection("127.0.0.1", WEB, timeout=20)
        try:
            connection.request("GET", "/", headers={"Host": "echo.shop"})
            response = connection.getresponse()
            response.read()
            return "ok" if response.status == 200 else f"{response.status} {response.getheader('x-heddle-reason')}"
        except (OSError, http.client.HTTPException) as error:
            self._local.connection = None
            return repr(error)


@pytest.fixture(scope="module")
def workloads(laboratory):
    for host in (laboratory.hosts.b, laboratory.hosts.third()):
        laboratory.workload(f"echo-{host.name}", "http1_workload.py", ECHO, host=host)


@pytest.fixture
def open_scene(laboratory, workloads):
    scenes = []

    def open_one(name: str, signs: bool = False) -> tuple[Scene, str]:
        scene = Scene(laboratory, name, signs)
        scenes.append(scene)
        scene.etcd.start()
        scene.write(0)
        first = scene.push(*(["--sign", str(scene.key)] if signs else []))
        for node in scene.nodes:
            node.start(is_awaited=False)
        scene.wait_for(first)
        return scene, first

    yield open_one
    for scene in scenes:
        scene.close()


def test_three_nodes_follow_pushes_under_load_without_a_failed_call(open_scene):
    scene, _ = open_scene("pushes")
    calls = Calls()
    for generation in range(1, PUSHES + 1):
        scene.write(generation)
        scene.wait_for(scene.push())
    outcomes = calls.load.stop()
    assert set(outcomes) == {"ok"}, outcomes
    assert outcomes["ok"] > PUSHES
    for node in scene.nodes:
        assert node.status().get("refused") is None


def test_what_is_no_set_is_refused_and_the_last_good_one_goes_on(open_scene):
    scene, first = open_scene("refusals")
    calls = Calls()
    number = 10**14  # later than any push

    # Half of a set, named before it is whole; and then whole.
    scene.write(1)
    files = scene.files()
    half = set_hash(files)
    place = f"{scene.prefix}/sets/{half}/"
    missing = "echo.yaml"
    scene.etcd.change({place + path: data.decode() for path, data in files.items() if path != missing})
    scene.name(half, number)
    scene.wait_until_refused("set.damaged", first)
    scene.etcd.change({place + missing: files[missing].decode()})
    scene.wait_for(half)

    # Another text under the same name, for a node that starts and has nothing but the last good set.
    scene.etcd.change({place + missing: files[missing].decode() + "# altered\n"})
    last = scene.nodes[2]
    last.stop()
    last.start(is_awaited=False)
    last.process.wait_for("it refused what was altered", lambda: "set.damaged" in _refused(last), 30)
    last.process.wait_for("it serves the last good set", lambda: _is_last_good(last) and _served(last) == half, 60)

    # A key file of the host's.
    scene.write(2, authority_key="/etc/shadow")
    scene.push()
    scene.wait_until_refused("manifest.file-outside", half)
    # The same by a path that begins where it may.
    scene.write(3, authority_key=str(scene.authority.key.parent / "../../../../../../etc/shadow"))
    scene.push()
    scene.wait_until_refused("manifest.file-outside", half)

    # Nothing is named any more.
    scene.etcd.change({}, [f"{scene.prefix}/current"])
    for node in scene.nodes:
        node.process.wait_for("it waits", lambda: (_status(node).get("pending") or {}).get("reason") == "empty", 30)
        assert _served(node) == half

    # All is lost, and comes back.
    scene.etcd.wipe()
    scene.write(4)
    new = scene.push()
    scene.wait_for(new)

    # Away: each goes on, and one that starts has the last good set.
    scene.etcd.kill()
    for node in scene.nodes:
        node.process.wait_for("it says that etcd is away", lambda: "set.away" in _refused(node), 60)
    last.stop()
    last.start(is_awaited=False)
    last.process.wait_for("it serves the last good set", lambda: _is_last_good(last) and _served(last) == new, 60)
    scene.etcd.start()
    scene.write(5)
    scene.wait_for(scene.push())

    outcomes = calls.load.stop()
    # While node c was stopped its workload had nobody to be called by; all else is answered.
    assert outcomes["ok"] > 100
    assert all(outcome == "ok" or outcome.startswith("50") for outcome in outcomes), outcomes


def test_only_what_is_signed_is_taken_and_no_old_set_again(open_scene):
    scene, first = open_scene("signatures", signs=True)
    sign = ["--sign", str(scene.key)]
    old = scene.etcd.value(f"{scene.prefix}/current")
    scene.write(1)
    scene.push()
    scene.wait_until_refused("set.unsigned", first)
    scene.write(2)
    signed = scene.push(*sign)
    scene.wait_for(signed)
    scene.etcd.change({f"{scene.prefix}/current": old})
    scene.wait_until_refused("set.older", signed)
    done = scene.nodes[0].command("apply", "-f", str(scene.manifests / "echo.yaml"))
    assert done.returncode == 1, (done.stdout, done.stderr)
    scene.write(0)
    again = scene.push(*sign)
    assert again == first
    scene.wait_for(again)
    done = scene.nodes[0].command("delete", "policy", "shop/changing")
    assert done.returncode == 1 and "set.unsigned" in done.stderr, (done.stdout, done.stderr)


def test_apply_and_delete_change_the_set_for_all(open_scene, tmp_path: Path):
    scene, first = open_scene("edits")
    added = tmp_path / "added.yaml"
    added.write_text(manifests.text([resource("Service", "added", {"protocol": "HTTP"})]))
    done = scene.nodes[1].command("apply", "-f", str(added))
    assert done.returncode == 0, (done.stdout, done.stderr)
    files = scene.files() | {"added.yaml": added.read_bytes()}
    scene.wait_for(set_hash(files))
    done = scene.nodes[2].command("delete", "service", "shop/added")
    assert done.returncode == 0, (done.stdout, done.stderr)
    scene.wait_for(first)
