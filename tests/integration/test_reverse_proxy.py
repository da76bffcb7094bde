"""The example for nginx, as it is shipped, before a real window: TLS, who asks, events as they happen, and sizes."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import NOW
from windows import Answer, Opened, events_of, opened

from koubou.model.access import WORKSHOP, Role

EXAMPLE = Path(__file__).parents[2] / "etc/nginx/koubou.conf"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NAME = "koubou.example.com"
AROUND = """daemon off; pid {folder}/pid; error_log stderr; events {{ worker_connections 64; }}
http {{ access_log off; {temp}
{example} }}
"""
TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx-light)"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed"),
]


class Proxied:
    """The window, and nginx before it."""

    def __init__(self, window: Opened, port: int, certificate: Path) -> None:
        self.window = window
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(certificate))

    def connect(self) -> http.client.HTTPSConnection:
        """A connection to the name of the certificate, wherever that is."""
        connection = http.client.HTTPSConnection(NAME, self._port, timeout=20, context=self._tls)
        raw = socket.create_connection(("127.0.0.1", self._port), 20)
        connection.sock = self._tls.wrap_socket(raw, server_hostname=NAME)
        return connection

    def ask(self, path: str, token: str, **headers: str) -> Answer:
        connection = self.connect()
        try:
            connection.request("GET", path, None, {"Authorization": f"Bearer {token}", **headers})
            return Answer(connection.getresponse())
        finally:
            connection.close()


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    folder = tmp_path_factory.mktemp("nginx")
    certificate, key = folder / "koubou.pem", folder / "koubou.key"
    made = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    words = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", key, "-out", certificate]
    subprocess.run([*made, *words], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = f"{{listen: 127.0.0.1:0, hosts: [{NAME}], behind_proxy: true}}"
    with opened(folder, settings) as window:
        example = EXAMPLE.read_text()
        for shipped, here in (
            ("unix:/run/koubou/window.sock", f"127.0.0.1:{window.port}"),
            ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("/etc/ssl/koubou.pem", str(certificate)),
            ("/etc/ssl/private/koubou.key", str(key)),
        ):
            assert shipped in example
            example = example.replace(shipped, here)
        temp = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMP)
        file = folder / "nginx.conf"
        file.write_text(AROUND.format(folder=folder, temp=temp, example=example))
        nginx = subprocess.Popen([str(NGINX), "-p", folder, "-c", file], stderr=subprocess.PIPE)
        try:
            wait_for(port, nginx)
            yield Proxied(window, port, certificate)
        finally:
            nginx.terminate()
            nginx.communicate(timeout=20)


def wait_for(port: int, nginx: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert nginx.poll() is None, nginx.communicate()[1].decode()
        assert time.monotonic() < deadline


def test_who_asks_through_the_proxy_is_known_by_his_own_address(proxied: Proxied) -> None:
    token = proxied.window.token(Role.VIEWER)
    me = proxied.ask("/api/v1/me", token, **{"X-Forwarded-For": "10.9.8.7"})
    assert (me.status, me.json["source"]) == (200, "api 127.0.0.1")
    assert me.headers["strict-transport-security"] == "max-age=31536000"
    assert proxied.ask("/api/v1/me", "no-token").status == 401


def test_events_come_through_as_they_happen(proxied: Proxied) -> None:
    token, connection = proxied.window.token(Role.VIEWER), proxied.connect()
    try:
        connection.request("GET", "/api/v1/events", None, {"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        with proxied.window.board.transaction():
            proxied.window.board.history.add(None, "system.paused", "through the proxy", NOW, WORKSHOP)
        assert '"reason":"through the proxy"' in next(events_of(response))["data"]
    finally:
        connection.close()


def test_a_websocket_comes_through(proxied: Proxied) -> None:
    token, connection = proxied.window.token(Role.VIEWER), proxied.connect()
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": f"koubou.v1, bearer.{token}",
    }
    try:
        connection.request("GET", "/api/v1/events/ws?after=0", None, headers)
        response = connection.getresponse()
        assert (response.status, response.getheader("sec-websocket-protocol")) == (101, "koubou.v1")
    finally:
        connection.close()
