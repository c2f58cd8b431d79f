"""A provider on loopback that answers byte by byte as told, and certificates for it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

Provide: TypeAlias = Callable[..., str]

DRIP_SECONDS = 0.05


@pytest.fixture
def provide() -> Iterator[Provide]:
    """``provide(content)`` starts a server that answers every connection with ``content`` and hangs up; its URL.

    With ``then=`` it does not hang up, but sends that again and again. With ``context=`` it speaks TLS.
    """
    over = threading.Event()
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def answer(connection: socket.socket, content: bytes, then: bytes | None) -> None:
        connection.recv(65536)
        connection.sendall(content)
        while then is not None and not over.wait(DRIP_SECONDS):
            connection.sendall(then)

    def serve(
        listener: socket.socket, content: bytes, then: bytes | None, context: ssl.SSLContext | None
    ) -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain, contextlib.suppress(OSError):
                plain.settimeout(10.0)
                with context.wrap_socket(plain, server_side=True) if context else plain as connection:
                    answer(connection, content, then)

    def start(content: bytes, *, then: bytes | None = None, context: ssl.SSLContext | None = None) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        thread = threading.Thread(target=serve, args=(listener, content, then, context), daemon=True)
        threads.append(thread)
        thread.start()
        return (
            f"{'https' if context else 'http'}://127.0.0.1:{listener.getsockname()[1]}/document?secret=value"
        )

    yield start
    over.set()
    for listener in listeners:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(10)


class Certificates:
    """A certificate authority of the tests."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")])
        self.ca_file = str(directory / "ca.pem")
        authority = self._sign(self._name, self._key.public_key(), days=1, ca=True)
        Path(self.ca_file).write_bytes(authority.public_bytes(serialization.Encoding.PEM))

    def server(self, *, days: int = 1, host: str = "127.0.0.1") -> ssl.SSLContext:
        """A server's side of TLS; ``days`` below 0: its certificate has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "server")])
        certificate = self._sign(subject, key.public_key(), days=days, host=host)
        path = self._directory / f"server{days}{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        *,
        days: int,
        ca: bool = False,
        host: str = "",
    ) -> x509.Certificate:
        end = datetime.now(UTC) + timedelta(days=days)
        builder = x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
        builder = builder.not_valid_before(end - timedelta(days=30)).not_valid_after(end)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = builder.add_extension(issuer, critical=False)
        if ca:
            usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
            builder = builder.add_extension(usage, critical=True)
        else:
            address = x509.IPAddress(IPv4Address(host))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)
