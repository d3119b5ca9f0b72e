"""A receiver of webhooks on loopback: keeps what comes as it came, and answers by script."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.loopback import Loopback, Quiet


@dataclass(frozen=True)
class Reply:
    """One scripted answer; `after` seconds of silence come first."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    after: float = 0.0


@dataclass
class Receiver:
    """`seen` are (path, headers with names in lower case, body)."""

    script: list[Reply] = field(default_factory=list)
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        receiver = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.seen.append((self.path, headers, body))
                reply = receiver.script.pop(0) if receiver.script else Reply(204)
                time.sleep(reply.after)
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = Loopback(Handler)
        self.url = f"http://127.0.0.1:{self._server.port}/geheim?a=b"

    def close(self) -> None:
        self._server.close()
