"""The guard of a node: plain ports of its workloads, reached by Heddle and those who are listed, and by nobody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from conftest import HERE, IS_LONG, _binary
from lab import manifests
from lab.mesh import Node
from lab.namespaces import Host
from lab.pauses import wait_until
from lab.processes import Process

pytestmark = pytest.mark.heddle

#: Users that need no entry in the host's table of accounts.
HEDDLE, WORKLOAD, LISTED, STRANGER = 61_001, 61_002, 61_003, 61_004
PLAIN, SECOND, OTHER, THROUGH_HEDDLE, INBOUND = 21_001, 21_002, 21_003, 15_402, 15_408
#: As on a host where it is not installed.
NO_NFT = ["unshare", "--mount", "sh", "-c", "mount --bind /dev/null /usr/sbin/nft && exec \"$0\" \"$@\""]
RELOADS = 1000 if IS_LONG else 60


def as_user(user: int, *arguments: str, capabilities: str = "") -> list[str]:
    more = ["--inh-caps", capabilities, "--ambient-caps", capabilities] if capabilities else []
    return ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", *more, "--", *arguments]


class Prober:
    """One user, who tries to connect without end."""

    def __init__(self, host: Host, user: int, folder: Path, script: str, places: list[str]):
        self.user = user
        self._counts = folder / f"counts-{host.name}-{user}.json"
        self.process = Process(
            host, as_user(user, "/usr/bin/python3", "-B", script, str(self._counts), *places),
            folder / f"prober-{host.name}-{user}.log")

    def counts(self) -> dict[str, dict[str, int]]:
        self.process.wait_for("it had tried", self._counts.exists)
        return json.loads(self._counts.read_text())

    def total(self, outcome: str) -> int:
        return sum(counts[outcome] for counts in self.counts().values())

    def wait_for(self, outcome: str, more: int = 5) -> None:
        """Each of its places comes to that outcome from now on."""
        before = self.counts()
        self.process.wait_for(
            f"user {self.user} was {outcome} everywhere",
            lambda: all(counts[outcome] >= before[place][outcome] + more for place, counts in self.counts().items()),
            60)


class Talk:
    """One connection, over which its user goes on talking until it is cut."""

    def __init__(self, guarded: "Guarded", user: int, own: str):
        script = guarded.script("guard_talker.py")
        self.process = guarded.start(
            as_user(user, "/usr/bin/python3", "-B", script, str(PLAIN), own), f"talk-{user}-{own}")
        self.process.wait_for("it talked", lambda: "talked" in self.process.said())

    def ends(self) -> bool:
        """Whether it was cut; else it has gone on since."""
        said = os.path.getsize(self.process.log)
        wait_until("it went on or was cut", lambda: "cut" in self.process.said()
                   or os.path.getsize(self.process.log) > said + 100)
        return "cut" in self.process.said()


class Guarded:
    """Heddle as a user of its own on host b, with a workload of another user's."""

    def __init__(self, laboratory):
        self.host: Host = laboratory.hosts.b
        self.other: Host = laboratory.hosts.a
        self.folder = Path(tempfile.mkdtemp(prefix="heddle-guard-"))
        self.folder.chmod(0o777)
        self.binary = self.folder / "heddle"
        shutil.copy(_binary(), self.binary)
        self.state = self.folder / "node" / "state"
        self.node = Node(self.host, self.folder / "node", self.binary)
        self.node.runner = as_user(HEDDLE, capabilities="+net_admin")
        os.chown(self.folder / "node", HEDDLE, HEDDLE)
        self.processes: list[Process] = []
        for port in (PLAIN, SECOND):
            self.start(as_user(WORKLOAD, "/usr/bin/python3", "-B", self.script("guarded_workload.py"), str(port)), f"workload-{port}")
            wait_until("it listened", lambda: f":{port} " in self.run("ss", "-Htln").stdout)

    def start(self, arguments: list[str], name: str) -> Process:
        process = Process(self.host, arguments, self.folder / f"{name}.log")
        self.processes.append(process)
        return process

    def script(self, name: str) -> str:
        """One of workloads/, where every user may read it."""
        script = self.folder / name
        if not script.exists():  # who was started before may be reading it
            shutil.copy(HERE / "workloads" / name, script)
        return str(script)

    def prober(self, user: int, places: list[str], host: Host | None = None) -> Prober:
        prober = Prober(host or self.host, user, self.folder, self.script("guard_prober.py"), places)
        self.processes.append(prober.process)
        return prober

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(self.host.command(list(arguments)), capture_output=True, text=True, timeout=30)

    def heddle(self, *arguments: str, state: bool = False) -> subprocess.CompletedProcess:
        """Its state folder found by the environment, as with the package."""
        environment = ["env", f"HEDDLE_STATE={self.state}"] if state else []
        return self.run(*as_user(HEDDLE, *environment, str(self.binary), *arguments, capabilities="+net_admin"))

    def serves(self) -> bool:
        try:
            return self.node.status().get("serving") is not None
        except OSError:
            return False

    def talk(self, user: int, own: str = "") -> "Talk":
        talk = Talk(self, user, own)
        self.processes.append(talk.process)
        return talk

    def tables(self) -> str:
        return self.run("nft", "list", "tables").stdout

    def write(self, guard: dict | None, has_second: bool = False, more: list[dict] = [], selects: bool = False,
              inbound: int = INBOUND) -> None:
        node = {"address": f"{self.host.address}:{inbound}"}
        if guard is not None:
            node["guard"] = guard
        self.node.write([
            manifests.resource("Mesh", "mesh", {"trustDomain": manifests.TRUST_DOMAIN}),
            manifests.resource("Node", "b", node),
            manifests.resource("Service", "plain", {"protocol": "TCP"}),
            manifests.resource("Workload", "plain-b", {
                "service": "plain", "node": "b", "address": f"127.0.0.1:{PLAIN}",
                **({"selectors": [{"unix": {"uid": WORKLOAD}}]} if selects else {})}), *more,
            *(manifests.service("second", "TCP", SECOND) if has_second else []),
            # Anybody's, so that it tells whether Heddle itself reaches the workload.
            manifests.resource("Workload", "caller", {
                "node": "b", "serviceAccount": "caller",
                "outbound": {"tcp": [{"service": "plain", "listen": f"127.0.0.1:{THROUGH_HEDDLE}"}]}}),
            manifests.allow("plain", "plain", ["caller"])])

    def served(self, *written, **more) -> None:
        """Returns when what is written serves."""
        before = self.node.generation
        self.write(*written, **more)
        self.node.process.wait_for("it served the next generation", lambda: self.node.generation > before)

    def close(self) -> None:
        try:
            self.node.stop()
        finally:
            for process in self.processes:
                process.end()
            self.run("nft", "flush", "ruleset")
            shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture
def guarded(laboratory):
    guarded = Guarded(laboratory)
    try:
        yield guarded
    except BaseException:
        print(guarded.node.log())
        raise
    finally:
        guarded.close()


def places(guarded: Guarded, port: int) -> list[str]:
    return [f"127.0.0.1:{port}", f"127.8.9.10:{port}", f"{guarded.host.address}:{port}", f"::1:{port}"]


@pytest.mark.timeout(1200)
def test_nobody_else_reaches_a_plain_port(guarded):
    """Over reloads, a kill, another binary; and nothing is left when it is removed."""
    here = places(guarded, PLAIN)
    guarded.write({"users": [LISTED]})
    stranger, listed = guarded.prober(STRANGER, here), guarded.prober(LISTED, here)
    own = guarded.prober(WORKLOAD, here)  # even the workload's own user
    outside = guarded.prober(STRANGER, [f"{guarded.host.address}:{PLAIN}"], guarded.other)
    for prober in (stranger, listed, own, outside):
        prober.wait_for("connected")

    guarded.node.start()
    assert guarded.node.status()["guard"]["holds"], guarded.node.status()
    for prober in (stranger, own):
        prober.wait_for("refused")
    outside.wait_for("refused", 1)  # what is dropped is missed after 2 s
    through = guarded.prober(STRANGER + 1, [f"127.0.0.1:{THROUGH_HEDDLE}"])
    through.wait_for("connected")
    before = {prober: prober.total("connected") for prober in (stranger, own, outside)}
    never = {prober: prober.total("refused") for prober in (listed, through)}

    for generation in range(RELOADS):
        # The table is another each time: a port comes and goes, and so does a user.
        guarded.served({"users": [LISTED, HEDDLE + 1000 + generation % 7]}, has_second=generation % 2 == 0)
    assert never[through] == through.total("refused"), "Heddle did not reach the workload"
    guarded.node.kill()
    stranger.wait_for("refused")
    guarded.node.start()
    stranger.wait_for("refused")
    guarded.node.stop()
    upgraded = guarded.folder / "heddle.new"
    shutil.copy(guarded.binary, upgraded)
    os.rename(upgraded, guarded.binary)
    guarded.node.start()
    for prober in (stranger, own):
        prober.wait_for("refused")
    through.wait_for("connected")
    guarded.node.stop()
    for prober in (stranger, own):
        prober.wait_for("refused")
    assert before == {prober: prober.total("connected") for prober in before}, "somebody got through"
    assert never[listed] == listed.total("refused"), "who may connect was refused"

    removed = guarded.heddle("guard", "remove", "--state", str(guarded.state))
    assert removed.returncode == 0, removed
    assert guarded.tables() == ""
    for prober in (stranger, own, outside):
        prober.wait_for("connected", 1)


def test_connections_from_before_are_cut(guarded):
    """Those of a user who may connect no more, too; and not those of who may."""
    other = [manifests.workload("other", "plain", OTHER, "b")]
    # A port of one's own that is a guarded one's is no disguise.
    strangers = [guarded.talk(STRANGER, own) for own in ("", f"127.0.0.7:{OTHER}")]
    listed = [guarded.talk(LISTED, own) for own in ("", f"127.0.0.8:{OTHER}")]
    guarded.write({"users": [LISTED]}, more=other)
    guarded.node.start()
    assert all(talk.ends() for talk in strangers) and not any(talk.ends() for talk in listed)
    guarded.served({}, more=other)
    assert all(talk.ends() for talk in listed)


def test_where_heddle_listens_is_no_way_in(guarded):
    """With the port of a workload, and whether Heddle has it or not: here the workload has it at every address."""
    guarded.write({}, inbound=PLAIN)
    stranger = guarded.prober(STRANGER, places(guarded, PLAIN))
    stranger.wait_for("connected")
    guarded.node.start(is_awaited=False)
    guarded.node.process.wait_for("it served", guarded.serves)
    stranger.wait_for("refused")
    status = guarded.node.status()
    assert status["guard"]["holds"] and "guard.guarded-listener" in [each["code"] for each in status["problems"]], status
    before = stranger.total("connected")
    guarded.node.kill()
    stranger.wait_for("refused")
    assert stranger.total("connected") == before


def test_a_table_that_somebody_changed_is_made_again(guarded):
    guarded.write({})
    guarded.node.start()
    stranger = guarded.prober(STRANGER, places(guarded, PLAIN))
    stranger.wait_for("refused")
    table = guarded.node.status()["guard"]["table"]
    changes = (
        ["delete", "table", "inet", table], ["add", "element", "inet", table, "users", f"{{ {STRANGER} }}"],
        ["flush", "chain", "inet", table, "output"], ["insert", "rule", "inet", table, "judge", "accept"])
    for number, change in enumerate(changes, 1):
        assert guarded.run("nft", *change).returncode == 0, change
        stranger.wait_for("connected")
        stranger.wait_for("refused")
        # It holds before it is told, and what is changed between the two is told as one.
        wait_until("it was told", lambda: guarded.node.log(100_000).count("it is made again") == number)
    listed = guarded.heddle("guard", "list").stdout.split()
    assert listed[-4:] == [table, "b", "1", str(HEDDLE)], listed
    for argument in ([], [table], ["--all"]):
        refused = guarded.heddle("guard", "remove", *argument, state=True)
        assert refused.returncode == 1 and "heddle run uses" in refused.stderr, refused


def test_a_guard_ends_with_its_field_or_its_process(guarded):
    guarded.write({})
    guarded.node.start()
    assert guarded.tables() != ""
    guarded.served(None)
    assert guarded.tables() == "" and "guard" not in guarded.node.status()
    guarded.served({"onExit": "Remove"})
    assert guarded.tables() != ""
    guarded.node.stop()
    assert guarded.tables() == ""
    # Killed, it could not; whoever comes next and wants none finds it.
    guarded.node.start()
    guarded.node.kill()
    assert guarded.tables() != ""
    guarded.write(None)
    guarded.node.start()
    assert guarded.tables() == ""


def test_ten_thousand_ports(guarded):
    guarded.write({})
    guarded.node.start()
    many = [manifests.workload(f"many-{port}", "plain", port, "b") for port in range(22_000, 32_000)]
    guarded.served({}, more=many)
    guard = guarded.node.status()["guard"]
    assert guard["holds"] and guard["ports"] == 10_001, guard


@pytest.mark.parametrize("obstacle, told", [
    ("no capability", "CAP_NET_ADMIN"), ("no nft", "install nftables"), ("the workload's user", "another user"),
    ("whoever listens there", "another user")])
def test_what_keeps_a_guard_from_holding_is_told(guarded, obstacle, told):
    guarded.write({}, selects=obstacle == "the workload's user")
    if obstacle == "no capability":
        guarded.node.runner = as_user(HEDDLE)
    elif told == "another user":
        guarded.node.runner = as_user(WORKLOAD, capabilities="+net_admin")
        subprocess.run(["chown", "-R", str(WORKLOAD), guarded.folder / "node"], check=True)
    else:
        guarded.node.runner = [*NO_NFT, *guarded.node.runner]
    guarded.node.start(is_awaited=False)
    guarded.node.process.wait_for("it served", lambda: guarded.serves())
    status = guarded.node.status()
    problems = [problem for problem in status["problems"] if problem["code"].startswith("guard.")]
    assert problems and told in problems[0]["remedy"], status
    assert "guard" not in status or not status["guard"]["holds"]
