"""Servers on loopback, each in a thread of its own until it is closed."""

from __future__ import annotations

import socketserver
import threading


class Quiet:
    """For a BaseHTTPRequestHandler that says nothing of what it answers."""

    def log_message(self, *_: object) -> None:
        """Quiet."""


class Loopback:
    """Serves connections by a handler on a free port."""

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            request_queue_size = 32

            def handle_error(self, *_: object) -> None:
                """A client that hangs up early, or does not trust us, is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No more connections; those that are open end by themselves."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
