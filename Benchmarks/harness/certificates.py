"""Certificates for the mutual-TLS arms, made at run time by the openssl command: a P-256 root and two leaves in the
form of X.509-SVIDs. A leaf's common name repeats its account, because HAProxy 2.6 can match a subject but no URI SAN."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

TRUST_DOMAIN = "mesh.local"
NAMESPACE = "default"


@dataclass(frozen=True)
class Leaf:
    certificate: Path
    key: Path
    #: Certificate and key in one file, as HAProxy wants them.
    bundle: Path
    spiffe_id: str


@dataclass(frozen=True)
class Certificates:
    root: Path
    root_key: Path
    web: Leaf
    orders: Leaf


def make(folder: Path) -> Certificates:
    folder.mkdir(mode=0o700, exist_ok=True)
    root, root_key = folder / "root.pem", folder / "root.key"
    _new_key(root_key)
    _openssl(
        "req", "-x509", "-new", "-key", str(root_key), "-sha256", "-days", "30", "-subj", "/O=bench/CN=root",
        "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-addext", f"subjectAltName=URI:spiffe://{TRUST_DOMAIN}", "-out", str(root))
    return Certificates(root, root_key, _leaf(folder, root, root_key, "web"), _leaf(folder, root, root_key, "orders"))


def _leaf(folder: Path, root: Path, root_key: Path, account: str) -> Leaf:
    key, request = folder / f"{account}.key", folder / f"{account}.csr"
    certificate, extensions = folder / f"{account}.pem", folder / f"{account}.ext"
    spiffe_id = f"spiffe://{TRUST_DOMAIN}/ns/{NAMESPACE}/sa/{account}"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
        f"extendedKeyUsage=serverAuth,clientAuth\nsubjectAltName=URI:{spiffe_id}\n"
        "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    _new_key(key)
    _openssl("req", "-new", "-key", str(key), "-subj", f"/O=bench/CN={account}", "-out", str(request))
    _openssl(
        "x509", "-req", "-in", str(request), "-CA", str(root), "-CAkey", str(root_key), "-CAcreateserial", "-days",
        "7", "-sha256", "-extfile", str(extensions), "-out", str(certificate))
    bundle = folder / f"{account}.bundle.pem"
    bundle.write_text(certificate.read_text() + key.read_text())
    bundle.chmod(0o600)
    return Leaf(certificate, key, bundle, spiffe_id)


def _new_key(path: Path) -> None:
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", str(path))
    path.chmod(0o600)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
