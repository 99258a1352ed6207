"""TCP services across the hop: PostgreSQL, Redis, and a workload that says how each connection began and ended."""

from __future__ import annotations

import hashlib
import random
import re
import select
import signal
import socket
import struct
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.manifests import allow, caller, deny, resource, service
from lab.pauses import meanwhile, wait_until
from lab.servers import POSTGRESQL, start_postgresql, start_redis
from workloads.behaviours import payload

WEB, BATCH = 15101, 15102
#: Service: its port on host b, and the ports of web and of batch for it.
SERVICES = {
    "database": (20031, 15201, 15301), "cache": (20032, 15202, 15302), "raw": (20033, 15203, 15303),
    "other": (20034, 15204, 15304), "absent": (20035, 15205, 15305), "split": (None, 15206, 15306)}


class Front:
    def __init__(self, laboratory):
        self._laboratory = laboratory
        self.is_direct = laboratory.is_direct

    def address(self, service: str, caller: str = "web") -> tuple[str, int]:
        port, web, batch = SERVICES[service]
        if self.is_direct:
            return self._laboratory.hosts.b.address, port
        return "127.0.0.1", {"web": web, "batch": batch}[caller]

    def connect(self, command: str, service: str = "raw", caller: str = "web") -> socket.socket:
        """To the raw workload, behind its greeting."""
        connection = socket.create_connection(self.address(service, caller), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        greeting = b""
        while not greeting.endswith(b"\n"):
            piece = connection.recv(1)
            assert piece, "ended before the greeting"
            greeting += piece
        assert greeting.startswith(b"hello from ")
        connection.sendall(command.encode() + b"\n")
        return connection

    def how(self, connection_id: str) -> str:
        with self.connect(f"how {connection_id}") as connection:
            return _read_all(connection).decode()


@pytest.fixture(scope="module")
def front(laboratory):
    start_postgresql(laboratory, SERVICES["database"][0])
    start_redis(laboratory, SERVICES["cache"][0])
    for name in ("raw", "other"):
        laboratory.workload(name, "tcp_workload.py", SERVICES[name][0], name)
    if not laboratory.is_direct:
        resources = [
            caller("web", WEB, {name: ports[1] for name, ports in SERVICES.items()}),
            caller("batch", BATCH, {name: ports[2] for name, ports in SERVICES.items()}),
            resource("TCPRoute", "split", {
                "parentRefs": [{"kind": "Service", "name": "split"}],
                "rules": [{"backendRefs": [{"name": "raw", "weight": 1}, {"name": "other", "weight": 1}]}]}),
            # Of an HTTP attribute, which TCP has not: it does not match.
            allow("batch-needs-a-method", "raw", ["batch"], [{"methods": ["GET"]}])]
        for name, (port, _, _) in SERVICES.items():
            resources += [*service(name, "TCP", port), allow(f"web-uses-{name}", name, ["web"])]
        laboratory.mesh().start(resources)
    return Front(laboratory)


class TestPostgreSQL:
    def psql(self, front, *arguments: str, text: bytes = b"", seconds: float = 60) -> bytes:
        done = subprocess.run(
            [str(POSTGRESQL[-1] / "psql"), *self.arguments(front), *arguments], input=text, capture_output=True,
            timeout=seconds)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    @staticmethod
    def arguments(front, caller: str = "web") -> list[str]:
        host, port = front.address("database", caller)
        return [
            "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
            f"host={host} port={port} user=postgres dbname=postgres sslmode=disable connect_timeout=10"]

    def test_a_session(self, front):
        script = b"""
            CREATE TABLE orders (id int PRIMARY KEY, what text);
            PREPARE add (int, text) AS INSERT INTO orders VALUES ($1, $2);
            BEGIN; EXECUTE add (1, 'tea'); EXECUTE add (2, 'coffee'); COMMIT;
            BEGIN; EXECUTE add (3, 'none'); ROLLBACK;
            SELECT id, what FROM orders ORDER BY id;
            SELECT count(*), sum(i) FROM generate_series(1, 200000) i;
            DROP TABLE orders;
        """
        assert self.psql(front, text=script) == b"1|tea\n2|coffee\n200000|20000100000\n"

    def test_copy_of_some_megabytes_both_ways(self, front):
        source = random.Random(1)
        rows = b"".join(b"%d\t%s\n" % (index, source.randbytes(50).hex().encode()) for index in range(60_000))
        self.psql(front, "-c", "DROP TABLE IF EXISTS copied", "-c", "CREATE TABLE copied (id int, what text)")
        self.psql(front, "-c", "COPY copied FROM STDIN", text=rows)
        back = self.psql(front, "-c", "COPY (SELECT * FROM copied ORDER BY id) TO STDOUT")
        assert len(rows) > 6_000_000 and hashlib.sha256(back).digest() == hashlib.sha256(rows).digest()

    def test_prepared_statements_of_the_extended_protocol(self, front):
        host, port = front.address("database")
        pgbench = [str(POSTGRESQL[-1] / "pgbench"), "-h", host, "-p", str(port), "-U", "postgres"]
        subprocess.run([*pgbench, "-i", "-q", "postgres"], check=True, capture_output=True, timeout=60)
        done = subprocess.run(
            [*pgbench, "-n", "-M", "prepared", "-c", "8", "-t", "100", "postgres"], capture_output=True, timeout=60)
        text = (done.stdout + done.stderr).decode()
        assert done.returncode == 0 and "number of transactions actually processed: 800/800" in text, text

    def test_a_notification_arrives(self, front):
        listener = subprocess.Popen(
            [str(POSTGRESQL[-1] / "psql"), *self.arguments(front)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        try:
            self.ask(listener, b"LISTEN news; SELECT 'listening';\n", b"listening")
            self.psql(front, "-c", "NOTIFY news, 'it is so'")
            # It is told along with the answer to a query.
            self.ask(listener, b"SELECT 1;\n", again=True, wanted=b'Asynchronous notification "news" with payload "it is so"')
        finally:
            listener.kill()
            listener.communicate()

    def test_a_query_is_cancelled_over_a_connection_of_its_own(self, front):
        session = subprocess.Popen(
            [str(POSTGRESQL[-1] / "psql"), *self.arguments(front), "-c", "SELECT pg_sleep(60)"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(60)'"
            wait_until("the query runs", lambda: self.psql(front, "-c", running) == b"1\n")
            session.send_signal(signal.SIGINT)
            assert b"canceling statement due to user request" in session.communicate(timeout=10)[0]
        finally:
            session.kill()
            session.wait()

    @pytest.mark.heddle
    def test_who_is_not_allowed_gets_no_byte(self, front):
        done = subprocess.run(
            [str(POSTGRESQL[-1] / "psql"), *self.arguments(front, "batch"), "-c", "SELECT 1"], capture_output=True,
            timeout=20)
        assert done.returncode == 2, (done.stdout, done.stderr)
        assert re.search(b"closed the connection unexpectedly|reset by peer", done.stderr), done.stderr

    @staticmethod
    def ask(process: subprocess.Popen, text: bytes, wanted: bytes, again: bool = False) -> None:
        found, deadline = b"", time.monotonic() + 10
        while wanted not in found:
            if again or not found:
                process.stdin.write(text)
                process.stdin.flush()
            ready, _, _ = select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, found
            found += process.stdout.read1(65536)


class TestRedis:
    def test_a_pipeline_answers_in_order(self, front):
        source = random.Random(2)
        values = {f"key-{index}": source.randbytes(source.randrange(500)) for index in range(5000)}
        with socket.create_connection(front.address("cache"), timeout=20) as connection:
            commands = b"".join(_command(b"SET", key.encode(), value) for key, value in values.items())
            commands += b"".join(_command(b"GET", key.encode()) for key in values)
            wanted = b"+OK\r\n" * len(values)
            wanted += b"".join(b"$%d\r\n%b\r\n" % (len(value), value) for value in values.values())
            with ThreadPoolExecutor(1) as pool:  # the answers must be read while commands are sent
                sent = pool.submit(connection.sendall, commands)
                found = _read(connection, len(wanted))
                sent.result()
            assert found == wanted

    def test_benchmark_with_pipelines(self, front):
        host, port = front.address("cache")
        done = subprocess.run(
            ["redis-benchmark", "-h", host, "-p", str(port), "-n", "50000", "-P", "32", "-c", "20", "-t",
             "set,get,lpush,lrange_100", "--csv"], capture_output=True, timeout=100)
        text = (done.stdout + done.stderr).decode()
        assert done.returncode == 0 and "error" not in text.lower(), text
        assert '"GET"' in text and '"LRANGE_100 (first 100 elements)"' in text, text

    def test_messages_arrive_when_they_are_published(self, front):
        with socket.create_connection(front.address("cache"), timeout=10) as subscriber:
            subscriber.sendall(_command(b"SUBSCRIBE", b"news"))
            assert _read(subscriber, 33).startswith(b"*3\r\n$9\r\nsubscribe")
            for _ in range(3):
                with socket.create_connection(front.address("cache"), timeout=10) as publisher:
                    publisher.sendall(_command(b"PUBLISH", b"news", b"it is so"))
                    assert _read(publisher, 4) == b":1\r\n"
                wanted = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$8\r\nit is so\r\n"
                assert _read(subscriber, len(wanted)) == wanted

    def test_a_wait_in_silence(self, front):
        with socket.create_connection(front.address("cache"), timeout=10) as connection:
            connection.sendall(_command(b"BLPOP", b"nothing", b"2"))
            assert _read(connection, 5) == b"*-1\r\n"


class TestBytes:
    def test_a_server_may_speak_first(self, front):
        with socket.create_connection(front.address("raw"), timeout=10) as connection:
            assert _read(connection, 15) == b"hello from raw\n"

    @pytest.mark.parametrize("size", [0, 1, 65_537, 10_000_000])
    def test_an_end_of_one_direction_leaves_the_other(self, front, size):
        data = random.Random(size).randbytes(size)
        with front.connect("digest") as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            assert _read_all(connection) == hashlib.sha256(data).hexdigest().encode()

    def test_an_end_by_the_workload_leaves_the_callers_direction(self, front):
        with front.connect("produce 3000000") as connection:
            assert _read_all(connection) == payload(0, 0, 3_000_000)
            connection.sendall(b"still")  # no reset follows
            meanwhile(0.3)
            connection.sendall(b"still")

    def test_bytes_both_ways_at_once(self, front):
        data = payload(9, 0, 20_000_000)
        with front.connect("echo") as connection, ThreadPoolExecutor(1) as pool:
            def send():
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)

            sent = pool.submit(send)
            assert _read_all(connection) == data
            sent.result()

    def test_a_callers_end_arrives_as_an_end(self, front):
        name = str(uuid.uuid4())
        with front.connect(f"collect {name}") as connection:
            connection.sendall(b"x" * 1000)
        wait_until("the end arrived", lambda: front.how(name) == "eof 1000", 5)

    def test_a_callers_reset_arrives_as_a_reset(self, front):
        name = str(uuid.uuid4())
        connection = front.connect(f"collect {name}")
        connection.sendall(b"x" * 1000)
        wait_until("the bytes arrived", lambda: front.how(name) == "open 1000", 5)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        wait_until("the reset arrived", lambda: front.how(name) == "reset 1000", 5)

    def test_a_workloads_reset_arrives_as_a_reset(self, front):
        with front.connect("reset") as connection:
            with pytest.raises(ConnectionResetError):
                _read_all(connection)

    def test_many_connections_do_not_mix(self, front):
        def call(number: int) -> bool:
            data = payload(number, 0, 100_000 + number)
            with front.connect("digest") as connection:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                return _read_all(connection) == hashlib.sha256(data).hexdigest().encode()

        with ThreadPoolExecutor(30) as pool:
            assert all(pool.map(call, range(300)))

    def test_a_reader_that_rests_holds_its_own_connection_only(self, front):
        with front.connect("produce 50000000") as resting:
            meanwhile(0.5)
            for _ in range(10):
                with front.connect("produce 200000") as connection:
                    assert _read_all(connection) == payload(0, 0, 200_000)
            assert _read_all(resting) == payload(0, 0, 50_000_000)


@pytest.mark.heddle
class TestRefusals:
    @pytest.mark.parametrize("service, caller", [
        ("raw", "batch"), ("database", "batch"), ("absent", "web"), ("absent", "batch")])
    def test_no_byte_comes_and_the_connection_ends(self, front, service, caller):
        try:
            with socket.create_connection(front.address(service, caller), timeout=10) as connection:
                connection.sendall(b"echo\n")
                assert _read_all(connection) == b""
        except ConnectionError:
            pass

    def test_a_route_splits_by_weight(self, front):
        greetings = {"raw": 0, "other": 0}
        for _ in range(60):
            with socket.create_connection(front.address("split"), timeout=10) as connection:
                greeting = b""
                while not greeting.endswith(b"\n"):
                    greeting += connection.recv(100) or b"(ended)\n"
                greetings[greeting.decode().split()[-1]] += 1
        assert min(greetings.values()) >= 10, greetings


def _command(*words: bytes) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


def _read(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(65536, count - len(data)))
        assert piece, f"ended after {len(data)} of {count} bytes"
        data += piece
    return bytes(data)


def _read_all(connection: socket.socket) -> bytes:
    data = bytearray()
    while piece := connection.recv(65536):
        data += piece
    return bytes(data)
