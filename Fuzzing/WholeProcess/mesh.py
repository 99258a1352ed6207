"""The mesh that is fuzzed: two nodes of Heddle, a third one that the fuzzer plays, and every way in and out."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path

from findings import Finding
from plays import SERVICES, host
from workloads import PROTECTED

NAMESPACE, DOMAIN = "fuzz", "fuzz.test"
#: Which Heddle listens on; the other names are workloads of the fuzzer's.
LISTENERS = [
    "alpha", "beta", "out", "edge-http", "edge-https", "edge-tcp", "edge-tls", "marker", "extra", "out-tcp-near",
    "out-tcp-far", "out-tcp-bad", "out-tcp-farbad", "out-tcp-wild", "out-tcp-locked"]
#: Name: protocol, node.
WORKLOADS = {
    "near1": ("HTTP", "alpha"), "near2": ("HTTP2", "alpha"), "nearg": ("GRPC", "alpha"), "neart": ("TCP", "alpha"),
    "neartls": ("TCP", "alpha"), "far1": ("HTTP", "beta"), "far2": ("HTTP2", "beta"), "fart": ("TCP", "beta"),
    "bad1": ("HTTP", "alpha"), "bad2": ("HTTP2", "alpha"), "badg": ("GRPC", "alpha"), "badt": ("TCP", "alpha"),
    "farbad1": ("HTTP", "beta"), "farbad2": ("HTTP2", "beta"), "farbadt": ("TCP", "beta"), "wild": ("HTTP", "gamma"),
    "wildt": ("TCP", "gamma"), "shifting": ("HTTP", "alpha"), "gate": ("HTTP", "alpha"), "locked1": ("HTTP", "alpha"),
    "lockedf": ("HTTP", "beta"), "lockedt": ("TCP", "alpha")}
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Fatal error", "Simultaneous accesses")


def resource(kind: str, name: str, spec: dict) -> dict:
    return {"apiVersion": "heddle/v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def text(resources: list[dict]) -> bytes:
    return "\n---\n".join(json.dumps(each, indent=1) for each in resources).encode()


class Node:
    """One process, and what it takes of the machine."""

    def __init__(self, name: str, heddle: Path, folder: Path):
        self.name, self._folder = name, folder
        self.log = folder / f"{name}.stderr"
        environment = dict(os.environ)
        environment.setdefault(
            "ASAN_OPTIONS", "abort_on_error=0:detect_leaks=0:quarantine_size_mb=16:allocator_release_to_os_interval_ms=500")
        with open(folder / f"{name}.stdout", "wb") as output, open(self.log, "wb") as errors:
            self._process = subprocess.Popen(
                [str(heddle), "run", "--manifests", str(folder / "manifests"), "--node", name, "--state", str(folder / f"state-{name}")],
                stdin=subprocess.DEVNULL, stdout=output, stderr=errors, env=environment, start_new_session=True)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as admin:
                admin.settimeout(3)
                admin.connect(str(self._folder / f"state-{self.name}" / "admin.sock"))
                admin.sendall(b"GET /readyz HTTP/1.1\r\nHost: heddle\r\n\r\n")
                return b" 200 " in admin.recv(100)
        except OSError:
            return False

    def finding(self, may_end: bool = False) -> Finding | None:
        """What the process itself says that is wrong."""
        said = self.log.read_text(errors="replace")
        at = min((said.find(word) for word in SANITIZER_WORDS if word in said), default=-1)
        if at >= 0 or self.has_ended() and not may_end:
            words = said[max(at - 200, 0):at + 4000] if at >= 0 else said[-3000:]
            return Finding("process-ended", f"{self.name} ended with {self._process.poll()}: {words}")
        return None

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))

    def resident_mebibytes(self) -> int:
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") >> 20

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask_to_end(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def end(self, patience: float) -> int | None:
        """Its exit code, or `None` if it had to be killed."""
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return None


class Mesh:
    def __init__(self, folder: Path, heddle: Path):
        self.folder, self._heddle = folder, heddle
        self.addresses: dict[str, tuple[str, int]] = {}
        self._sockets: dict[str, socket.socket] = {}
        ports = _free_ports(len(LISTENERS) + len(WORKLOADS) + 1)
        for name in LISTENERS + list(WORKLOADS) + ["gamma"]:
            self.addresses[name] = ("127.0.0.1", ports.pop())
        self.nodes: list[Node] = []
        self._make_certificates()
        self.contexts = self._contexts()
        self.callers = {f"spiffe://{DOMAIN}/ns/{NAMESPACE}/sa/{account}".encode() for account in ("web", "edge")}

    # MARK: Processes

    def start(self) -> None:
        for name in ("beta", "alpha"):
            self.nodes.append(Node(name, self._heddle, self.folder))
        end = time.monotonic() + 60
        while not all(node.is_ready() for node in self.nodes):
            if time.monotonic() > end or any(node.has_ended() for node in self.nodes):
                words = "\n".join(node.log.read_text(errors="replace")[-2000:] for node in self.nodes)
                raise SystemExit(f"heddle does not start:\n{words}")
            time.sleep(0.05)

    def finding(self, may_end: bool = False) -> Finding | None:
        return next((found for node in self.nodes if (found := node.finding(may_end))), None)

    def stop(self, patience: float = 60) -> dict[str, int | None]:
        for node in self.nodes:
            if not node.has_ended():
                node.ask_to_end()
        return {node.name: node.end(patience) for node in self.nodes}

    # MARK: Manifests

    def address(self, name: str) -> str:
        return "%s:%d" % self.addresses[name]

    def fixed(self) -> list[dict]:
        """What every generation has. Witnesses are called by it."""
        documents = [
            resource("Node", name, {"address": self.address(name)}) for name in ("alpha", "beta", "gamma")]
        for name, (protocol, node) in WORKLOADS.items():
            spec: dict = {"protocol": protocol}
            if protocol != "TCP":
                spec["hostnames"] = [host(name)]
            if name == "bad1":
                spec["escapedSlashes"] = "Keep"
            documents.append(resource("Service", name, spec))
            spec = {"service": name, "node": node, "address": self.address(name)}
            if node == "gamma":
                spec["serviceAccount"] = "wild"
            documents.append(resource("Workload", name, spec))
            if protocol == "GRPC":
                documents.append(resource("GRPCRoute", name, {
                    "parentRefs": [{"name": "edge"}], "hostnames": [host(name)], "rules": [{"backendRefs": [{"name": name}]}]}))
            elif protocol != "TCP" and name in SERVICES and name != "shifting":
                documents.append(resource("HTTPRoute", name, {
                    "parentRefs": [{"name": "edge", "sectionName": section} for section in ("http", "https")],
                    "hostnames": [host(name)], "rules": [{"backendRefs": [{"name": name}]}]}))
        for document in documents:
            if document["kind"] == "GRPCRoute":
                document["spec"]["parentRefs"] = [{"name": "edge", "sectionName": section} for section in ("http", "https")]
        tcp = {"near": "neart", "far": "fart", "bad": "badt", "farbad": "farbadt", "wild": "wildt", "locked": "lockedt"}
        documents.append(resource("Workload", "web", {
            "serviceAccount": "web", "node": "alpha", "outbound": {
                "listen": self.address("out"),
                "tcp": [{"service": service, "listen": self.address(f"out-tcp-{way}")} for way, service in tcp.items()]}}))
        tls = {"certificateFile": str(self.folder / "edge.pem"), "keyFile": str(self.folder / "edge.key")}
        documents.append(resource("Gateway", "edge", {"node": "alpha", "listeners": [
            self._listener("http", "edge-http", "HTTP"), self._listener("https", "edge-https", "HTTPS", tls=tls),
            self._listener("tcp", "edge-tcp", "TCP"), self._listener("tls", "edge-tls", "TLS", tls={"mode": "Passthrough"})]}))
        documents.append(resource("TCPRoute", "neart", {
            "parentRefs": [{"name": "edge", "sectionName": "tcp"}], "rules": [{"backendRefs": [{"name": "neart"}]}]}))
        documents.append(resource("TLSRoute", "neartls", {
            "parentRefs": [{"name": "edge", "sectionName": "tls"}], "hostnames": ["tls.edge.test"],
            "rules": [{"backendRefs": [{"name": "neartls"}]}]}))
        target = lambda *names: [{"kind": "Service", "name": name} for name in names]  # noqa: E731
        documents += [
            resource("AuthorizationPolicy", "callers", {"rules": [
                {"from": [{"source": {"serviceAccounts": [f"{NAMESPACE}/web", f"{NAMESPACE}/edge"]}}]}]}),
            resource("AuthorizationPolicy", "locked", {
                "action": "DENY", "targetRefs": target("locked1", "lockedf", "lockedt"), "rules": [{}]}),
            resource("AuthorizationPolicy", "admin", {
                "action": "DENY", "targetRefs": target(*PROTECTED), "rules": [
                    {"to": [{"operation": {"paths": ["/admin/{**}"]}}, {"operation": {"methods": ["DELETE"]}}]}]}),
        ]
        return documents

    def mesh(self, proxy: dict | None = None) -> dict:
        """Times are short, so that what the fuzzer leaves lying is over soon; `proxy` changes limits."""
        limits = {"http2": {"concurrentStreams": 50}}
        timeouts = {
            "requestHead": "4s", "requestBody": "6s", "idle": "5s", "response": "15s", "stream": "8s", "handshake": "4s",
            "upstreamIdle": "1s", "tunnelIdle": "8s", "drain": "5s"}
        return resource("Mesh", "mesh", {
            "trustDomain": DOMAIN, "proxy": {"workers": 2, "accessLog": "All", "limits": proxy or limits, "timeouts": timeouts},
            "identity": {"authority": {
                "type": "Files", "certificateFile": str(self.folder / "root.pem"), "keyFile": str(self.folder / "root.key")}}})

    def marker(self, generation: int) -> list[dict]:
        """A listener that redirects to a name of this generation's own, so that it says what is served."""
        return [
            resource("Gateway", "marker", {"node": "alpha", "listeners": [self._listener("http", "marker", "HTTP")]}),
            resource("HTTPRoute", "marker", {"parentRefs": [{"name": "marker"}], "rules": [{"filters": [{
                "type": "RequestRedirect", "requestRedirect": {"hostname": f"g{generation}.test"}}]}]})]

    def extra(self, protocol: str) -> list[dict]:
        return [
            resource("Gateway", "extra", {"node": "alpha", "listeners": [self._listener("any", "extra", protocol)]}),
            resource("HTTPRoute" if protocol == "HTTP" else "TCPRoute", "extra", {
                "parentRefs": [{"name": "extra"}], "rules": [{"backendRefs": [{"name": "bad1" if protocol == "HTTP" else "badt"}]}]})]

    def _listener(self, name: str, at: str, protocol: str, **more) -> dict:
        return {"name": name, "address": "127.0.0.1", "port": self.addresses[at][1], "protocol": protocol, **more}

    # MARK: Certificates

    def _make_certificates(self) -> None:
        self._certificate("root", f"URI:spiffe://{DOMAIN}", "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
        self._certificate("edge", "DNS:*.edge.test", "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature")
        for account in ("web", "wild"):
            self._certificate(
                account, f"URI:spiffe://{DOMAIN}/ns/{NAMESPACE}/sa/{account}", "basicConstraints=critical,CA:FALSE",
                "keyUsage=critical,digitalSignature", "extendedKeyUsage=serverAuth,clientAuth", signed_by="root")

    def _certificate(self, name: str, alternative: str, *extensions: str, signed_by: str | None = None) -> None:
        path = lambda kind, of=name: str(self.folder / f"{of}.{kind}")  # noqa: E731
        more = ["-CA", path("pem", signed_by), "-CAkey", path("key", signed_by)] if signed_by else []
        command = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256", "-days", "1",
            "-subj", f"/CN={name}", "-keyout", path("key"), "-out", path("pem"), "-addext", f"subjectAltName={alternative}", *more]
        for extension in extensions:
            command += ["-addext", extension]
        subprocess.run(command, check=True, capture_output=True)
        os.chmod(path("key"), 0o600)

    def _contexts(self) -> dict[str, ssl.SSLContext]:
        contexts = {}
        for alpn, protocols in [("", []), ("-h1", ["http/1.1"]), ("-h2", ["h2"])]:
            for way in ("edge", "node"):
                context = contexts[way + alpn] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
                if protocols:
                    context.set_alpn_protocols(protocols)
                if way == "node":
                    context.load_cert_chain(self.folder / "web.pem", self.folder / "web.key")
        gamma = contexts["gamma"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        gamma.load_cert_chain(self.folder / "wild.pem", self.folder / "wild.key")
        gamma.load_verify_locations(self.folder / "root.pem")
        gamma.verify_mode = ssl.CERT_OPTIONAL
        gamma.set_alpn_protocols(["h2"])
        gamma.num_tickets = 0
        tls = contexts["neartls"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.folder / "edge.pem", self.folder / "edge.key")
        return contexts

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    """Below the ephemeral range, which begins at 32768."""
    ports: list[int] = []
    for port in range(20_000 + os.getpid() * 97 % 10_000, 32_768):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise SystemExit("no free ports")
