"""Configs from a real etcd behind a cable, under changes, crashes and cuts: who watches sees what was, and ends with what is."""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from pathlib import Path

import pytest

from conftest import HERE, IS_LONG, _binary
from lab import manifests
from lab.etcd import Etcd
from lab.mesh import Node
from lab.pauses import meanwhile, slowly, wait_until
from lab.processes import Process

ETCD = os.environ.get("ETCD") or shutil.which("etcd")
PREFIX = "/shop/web/"
LISTENER = 15_501
CHANGES = 200 if IS_LONG else 60

pytestmark = [
    pytest.mark.heddle, pytest.mark.skipif(ETCD is None, reason="it takes etcd (Debian: etcd-server)")]


class Watchers:
    """A process on host b with some watches, and what each of them has seen."""

    def __init__(self, node: Node, folder: Path, name: str, count: int, pause: float, *more: str):
        self.count = count
        script = HERE / "workloads" / "config_watcher.py"
        self.process = Process(
            node.host, [sys.executable, "-B", str(script), f"127.0.0.1:{LISTENER}", "web", str(count), str(pause), *more],
            folder / f"{name}.log")

    def seen(self) -> list[list]:
        """For each watch, the values it has seen, in their order."""
        seen: list[list] = [[] for _ in range(self.count)]
        for line in self.process.log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                index, value = json.loads(line)
                seen[index].append(value)
        return seen

    def have(self, value) -> bool:
        return all(values and values[-1] == value for values in self.seen())


class Model:
    """What etcd holds below the prefix, and all that it ever held."""

    def __init__(self) -> None:
        self.keys: dict[str, str] = {}
        self.past: list = []

    @property
    def value(self) -> dict:
        value: dict = {}
        for key, text in self.keys.items():
            *above, last = key.split("/")
            at = value
            for each in above:
                at = at.setdefault(each, {})
            at[last] = text
        return value

    def remember(self) -> None:
        self.past.append(self.value)


class Scene:
    def __init__(self, laboratory, seed: int):
        self.random = random.Random(seed)
        self.hosts = laboratory.hosts
        self.folder = laboratory.folder / f"seed-{seed}"
        self.folder.mkdir()
        self.etcd = Etcd(ETCD, self.hosts.a, self.folder)
        self.model = Model()
        self.node = Node(self.hosts.b, self.folder / "node", _binary())
        self.count = 0
        self.revision = 0

    def start(self) -> None:
        self.etcd.start()
        self.change()
        self.node.write([
            manifests.resource("Mesh", "mesh", {"trustDomain": manifests.TRUST_DOMAIN}),
            manifests.resource("Node", "b", {"address": f"{self.hosts.b.address}:15008"}),
            manifests.caller("web", LISTENER, node="b"),
            manifests.resource(
                "ConfigSource", "keys", {"type": "Etcd", "endpoints": [self.etcd.endpoint], "prefix": PREFIX}),
            manifests.resource("Config", "web", {"sources": ["keys"]}),
            manifests.resource("AuthorizationPolicy", "web-reads", {
                "targetRefs": [{"kind": "Config", "name": "web"}], "action": "ALLOW",
                "rules": [{"from": [{"source": {"serviceAccounts": [f"{manifests.NAMESPACE}/web"]}}]}]}),
        ])
        self.node.start()

    def change(self) -> None:
        """Some keys at once, each with a text that was never there before."""
        self.count += 1
        names = ["plain", "limits/requests", "limits/time", "deep/er/one", "deep/er/two", "with.dot", "~til/de"]
        chosen = self.random.sample(names, self.random.randint(1, 3))
        gone = [name for name in chosen if name in self.model.keys and self.random.random() < 0.2]
        put = {name: f"{self.count}" for name in chosen if name not in gone}
        self.model.keys.update(put)
        for name in gone:
            del self.model.keys[name]
        # Before: who watches may see it before this test hears that it was done.
        self.model.remember()
        self.revision = self.etcd.change(
            {PREFIX + name: text for name, text in put.items()}, [PREFIX + name for name in gone])

    def trouble(self) -> None:
        """One of what befalls an etcd and the way to it, now and then; the cable may stay cut for some changes."""
        kind = self.random.random()
        if kind < 0.08:
            self.hosts.b.cut()
        elif kind < 0.24:
            self.hosts.b.heal()
        elif kind < 0.28:
            self.etcd.compact(self.revision)
        elif kind < 0.32:
            self.etcd.kill()
            meanwhile(self.random.random())
            self.etcd.start()
        elif kind < 0.35:
            self.model.keys = {}
            self.model.remember()
            self.etcd.wipe()
            self.change()
        elif kind < 0.37:
            self.node.kill()
            self.node.start()
        elif kind < 0.5:
            slowly(self.random.random() / 4)

    def close(self) -> None:
        self.node.stop()
        self.etcd.stop()


@pytest.mark.parametrize("seed", [1, 2] if IS_LONG else [1])
@pytest.mark.timeout(300)
def test_watchers_see_what_was_and_end_with_what_is(laboratory, seed):
    scene = Scene(laboratory, seed)
    everybody: list[Watchers] = []
    try:
        scene.start()
        everybody = [
            Watchers(scene.node, scene.folder, "eager", 6, 0), Watchers(scene.node, scene.folder, "slow", 2, 0.5),
            Watchers(scene.node, scene.folder, "forgetful", 2, 0, "--forgetful")]
        for watchers in everybody:
            watchers.process.wait_for("all saw it", lambda: watchers.have(scene.model.value))
        for _ in range(CHANGES):
            scene.change()
            scene.trouble()
        scene.hosts.b.heal()
        scene.change()
        for watchers in everybody:
            watchers.process.wait_for("all saw the last one", lambda: watchers.have(scene.model.value), 90)
            for values in watchers.seen():
                assert [value for value in values if value not in scene.model.past] == []
        # Those who keep up have seen what there was to see: not one value at the beginning and one at the end.
        assert all(len(values) > CHANGES / 10 for values in everybody[0].seen())
    finally:
        for watchers in everybody:
            watchers.process.end()
        scene.close()
