"""Health and metrics of a process that is not the web, over a small HTTP port."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from prometheus_client import CollectorRegistry, generate_latest

from resonance.errors import Unconfigured
from services.settings import Probe

Ready = Callable[[], str | None]
"""Why the process is not ready; None: it is."""


@contextmanager
def probe(settings: Probe, registry: CollectorRegistry, ready: Ready = lambda: None) -> Iterator[None]:
    """Answer `/metrics`, `/health/live` and `/health/ready` for as long as the block lasts. Port 0: nothing."""
    if not settings.port:
        yield
        return
    try:
        server = ThreadingHTTPServer((settings.host, settings.port), _handler(registry, ready))
    except OSError as error:
        raise Unconfigured(
            f"port {settings.port} on {settings.host} cannot be used: {error.strerror}. Give another with --port"
        ) from error
    threading.Thread(target=server.serve_forever, name="probe", daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def _handler(registry: CollectorRegistry, ready: Ready) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """Three addresses."""

        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(registry), "text/plain; version=0.0.4")
            elif self.path == "/health/live":
                self._answer(200, b'{"status":"alive"}', "application/json")
            elif self.path == "/health/ready":
                why = ready()
                body = {"status": "ready"} if why is None else {"status": "not ready", "detail": why}
                self._answer(200 if why is None else 503, json.dumps(body).encode(), "application/json")
            else:
                self._answer(404, b'{"status":"unknown"}', "application/json")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are no news."""

    return Handler
