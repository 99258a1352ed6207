"""An etcd that is not well: members that are killed or say nothing, no leader, rights that are taken back. What was good stays, why is said
by `status`, and it is taken up again by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import IS_LONG, _binary
from lab import manifests
from lab.etcd import Etcd
from lab.mesh import Node
from lab.pauses import wait_until

ETCD = os.environ.get("ETCD") or shutil.which("etcd")
PREFIX = "/shop/web/"
LISTENER = 15_701

pytestmark = [
    pytest.mark.heddle, pytest.mark.skipif(ETCD is None, reason="it takes etcd (Debian: etcd-server)")]


class Scene:
    """Members on host a, and a node on host b that has a config from them."""

    def __init__(self, laboratory, name: str, members: int):
        self.hosts = laboratory.hosts
        self.folder = laboratory.folder / name
        self.folder.mkdir()
        self.members = [Etcd(ETCD, self.hosts.a, self.folder, number, members) for number in range(members)]
        self.node = Node(self.hosts.b, self.folder / "node", _binary())
        self.password = self.folder / "password"
        self.seen: list[str] = []

    def start(self, **source) -> None:
        self.node.write([
            manifests.resource("Mesh", "mesh", {"trustDomain": manifests.TRUST_DOMAIN}),
            manifests.resource("Node", "b", {"address": f"{self.hosts.b.address}:15008"}),
            manifests.caller("web", LISTENER, node="b"),
            manifests.resource("ConfigSource", "keys", {
                "type": "Etcd", "endpoints": [member.endpoint for member in self.members], "prefix": PREFIX, **source}),
            manifests.resource("Config", "web", {"sources": ["keys"]}),
            manifests.resource("AuthorizationPolicy", "web-reads", {
                "targetRefs": [{"kind": "Config", "name": "web"}], "action": "ALLOW",
                "rules": [{"from": [{"source": {"serviceAccounts": [f"{manifests.NAMESPACE}/web"]}}]}]}),
        ])
        self.node.start()

    def close(self) -> None:
        try:
            self.node.stop()
        finally:
            for member in self.members:
                member.pause(False)
                member.stop()

    @property
    def value(self) -> str | None:
        """Of the key `turn`, as a workload reads it; nothing while there is none."""
        asked = subprocess.run(
            self.hosts.b.command([
                "curl", "-sS", "--max-time", "10", "-w", "\n%{http_code}", "-H", "Host: config.mesh",
                f"http://127.0.0.1:{LISTENER}/v1/configs/~/web/values/turn"]),
            capture_output=True, text=True, timeout=20)
        body, status = asked.stdout.rsplit("\n", 1)
        if status != "200":
            assert status in ("404", "503"), asked
            return None
        value = json.loads(body)
        if not self.seen or self.seen[-1] != value:
            self.seen.append(value)
        return value

    def change(self, member: int, value: str) -> None:
        self.members[member].change({PREFIX + "turn": value})

    def wait_for(self, value: str) -> None:
        wait_until(f"the value was {value}", lambda: self.value == value, 30)

    @property
    def problems(self) -> str:
        return json.dumps(self.node.status()["problems"])

    def wait_until_away(self, why: str) -> None:
        wait_until(f"it was said to be away: {why}", lambda: why in self.problems, 40)
        assert "config.source-away" in self.problems

    def wait_until_well(self) -> None:
        wait_until("nothing was said to be wrong", lambda: "config.source-away" not in self.problems, 40)


@pytest.fixture
def open_scene(laboratory):
    scenes: list[Scene] = []

    def open_one(name: str, members: int) -> Scene:
        scenes.append(Scene(laboratory, name, members))
        return scenes[-1]

    yield open_one
    for scene in scenes:
        scene.close()


def test_a_cluster_that_loses_members_and_its_leader(open_scene, tmp_path: Path):
    scene = open_scene("cluster", 3)
    for member in scene.members:
        member.start(is_awaited=False)
    for member in scene.members:
        member.wait_until_there()
    scene.change(0, "1")
    scene.start()
    scene.wait_for("1")

    # Whichever of them it follows: one after the other is killed, or says nothing, and it goes on.
    turn = 1
    for lost in range(3):
        other = (lost + 1) % 3
        scene.members[lost].kill()
        turn += 1
        scene.members[other].wait_until_there()
        scene.change(other, f"{turn}")
        scene.wait_for(f"{turn}")
        scene.members[lost].start()
    # One that says nothing is found out within 11 s.
    for lost in range(3 if IS_LONG else 0):
        other = (lost + 1) % 3
        scene.members[lost].pause()
        turn += 1
        scene.members[other].wait_until_there()
        scene.change(other, f"{turn}")
        scene.wait_for(f"{turn}")
        scene.members[lost].pause(False)
        scene.members[lost].wait_until_there()

    # Without a leader the last one says nothing that might be old, and takes nothing.
    for lost in (1, 2):
        scene.members[lost].kill()
    scene.wait_until_away("etcd")
    assert scene.value == f"{turn}"
    (tmp_path / "mesh.yaml").write_text(manifests.text([
        manifests.resource("Mesh", "mesh", {"trustDomain": manifests.TRUST_DOMAIN})]))
    endpoint = scene.members[0].endpoint.removeprefix("http://")
    pushed = subprocess.run(
        scene.hosts.a.command([str(_binary()), "push", str(tmp_path), "--to", f"etcd://{endpoint}/sets"]),
        capture_output=True, text=True, timeout=60)
    assert pushed.returncode == 1 and "nothing was pushed" in pushed.stdout, (pushed.stdout, pushed.stderr)
    assert "set.away" in pushed.stderr, pushed.stderr
    for lost in (1, 2):
        scene.members[lost].start(is_awaited=False)
    for member in scene.members:
        member.wait_until_there()
    scene.wait_until_well()
    turn += 1
    scene.change(2, f"{turn}")
    scene.wait_for(f"{turn}")
    assert scene.seen == [f"{number}" for number in range(1, turn + 1)], "each once, in order, and none that never was"


def test_rights_that_are_taken_back_and_passwords_that_change(open_scene):
    scene = open_scene("rights", 1)
    etcd = scene.members[0]
    etcd.start()
    scene.change(0, "1")
    etcd.ask_who_is_there("root-secret-7", {"web": ("web-secret-7", PREFIX)})
    scene.password.write_text("web-secret-7\n")
    scene.start(user="web", passwordFile=str(scene.password))
    scene.wait_for("1")

    # Tokens are in its memory: after a restart there is none that it knows.
    etcd.kill()
    etcd.start()
    scene.change(0, "2")
    scene.wait_for("2")

    etcd.revoke("web", PREFIX)
    etcd.kill()
    etcd.start()
    scene.wait_until_away("permission denied")
    assert scene.value == "2"
    scene.change(0, "3")
    etcd.grant("web", PREFIX)
    scene.wait_for("3")
    scene.wait_until_well()

    etcd.set_password("web", "other-secret-7")
    etcd.kill()
    etcd.start()
    scene.wait_until_away("authentication failed")
    assert scene.value == "3"
    scene.password.write_text("other-secret-7\n")
    scene.change(0, "4")
    scene.wait_for("4")
    scene.wait_until_well()
    assert "secret-7" not in scene.node.log(1_000_000) + scene.node.admin("/v1/status") + scene.node.metrics()
    assert scene.seen == ["1", "2", "3", "4"]
