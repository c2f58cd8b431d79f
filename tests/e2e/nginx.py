"""nginx in front of tools, as companies have it: TLS ends there, replicas stand behind it, paths begin anew."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from e2e.running import Program

_CONFIGURATION = """
{user}
daemon off;
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  upstream replicas {{ {replicas} }}
  server {{
    listen 127.0.0.1:{port}{tls};
    client_max_body_size 64m;
    location {location} {{
      proxy_pass http://replicas{target};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }}
  }}
}}
"""


def start_nginx(
    executable: str,
    directory: Path,
    port: int,
    upstreams: Sequence[int],
    *,
    tls: bool = False,
    location: str = "/",
    target: str = "",
) -> Program:
    """nginx on ``port`` before the ports ``upstreams``, which take turns in this order, request by request.

    ``location``: the path that it serves; ``target``: what it puts in its place (``/`` takes it off).
    """
    directory.mkdir(exist_ok=True)
    if tls:
        _make_certificate(directory)
    configuration = _CONFIGURATION.format(
        user="user root;" if os.geteuid() == 0 else "",
        directory=directory,
        port=port,
        replicas=" ".join(f"server 127.0.0.1:{upstream};" for upstream in upstreams),
        tls=f" ssl; ssl_certificate {directory}/cert.pem; ssl_certificate_key {directory}/key.pem"
        if tls
        else "",
        location=location,
        target=target,
    )
    path = directory / "nginx.conf"
    path.write_text(configuration, "utf-8")
    command = [executable, "-p", str(directory), "-e", "stderr", "-c", str(path)]
    program = Program(command, directory / "nginx.log")
    try:
        program.wait_until_ready(port)  # over TLS, plain HTTP is answered with 400: it listens
    except BaseException:
        program.stop()
        raise
    return program


def _make_certificate(directory: Path) -> None:
    """A certificate for ``localhost`` that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (directory / "key.pem").write_bytes(pem)
