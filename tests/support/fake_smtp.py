"""A mail server on loopback: STARTTLS, TLS or plain, logins, scripted refusals."""

from __future__ import annotations

import base64
import socketserver
import ssl
import subprocess
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.support.loopback import Loopback


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    certified, key = folder / "mail.pem", folder / "mail.key"
    command = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=mail -addext subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(certified)]
    subprocess.run(["openssl", *command.split(), *files], check=True, capture_output=True)
    return certified, key


@dataclass
class FakeSmtp:
    """`refusals`: a command's first word → its answer instead of 250, each once. `mails` were accepted, as (recipients,
    mail, whether encrypted, who logged in)."""

    security: str = "plain"
    certified: tuple[Path, Path] | None = None
    password: str | None = None
    refusals: dict[str, list[str]] = field(default_factory=dict)
    mails: list[tuple[tuple[str, ...], EmailMessage, bool, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        fake = self
        context = None
        if self.certified is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*self.certified)

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                session = _Session(fake, self.request, context)
                try:
                    session.run()
                finally:
                    session.close()

        self._server = Loopback(Handler)
        self.port = self._server.port

    def close(self) -> None:
        self._server.close()


class _Session:
    def __init__(self, fake: FakeSmtp, connection: object, context: ssl.SSLContext | None) -> None:
        self.fake, self.context = fake, context
        self.connection = connection
        self.encrypted = False
        self.user: str | None = None
        self.recipients: list[str] = []
        if fake.security == "tls":
            self._encrypt()
        self.file = self.connection.makefile("rb")  # type: ignore[attr-defined]

    def _encrypt(self) -> None:
        assert self.context is not None
        self.connection = self.context.wrap_socket(self.connection, server_side=True)  # type: ignore[arg-type]
        self.encrypted = True

    def _say(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())  # type: ignore[attr-defined]

    def close(self) -> None:
        self.file.close()
        self.connection.close()  # type: ignore[attr-defined]

    def run(self) -> None:
        self._say("220 fake")
        while True:
            line = self.file.readline().decode().strip()
            word = line.split(" ")[0].upper()
            if not word or word == "QUIT":
                return
            scripted = self.fake.refusals.get(word)
            if scripted:
                self._say(scripted.pop(0))
                continue
            self._obey(word, line)

    def _obey(self, word: str, line: str) -> None:
        if word == "EHLO":
            more = ["250-STARTTLS"] if self.fake.security == "starttls" and not self.encrypted else []
            logins = ["250-AUTH PLAIN"] if self.fake.password is not None else []
            self._say("250-fake", *more, *logins, "250 8BITMIME")
        elif word == "STARTTLS":
            self._say("220 go")
            self.file.close()
            self._encrypt()
            self.file = self.connection.makefile("rb")  # type: ignore[attr-defined]
        elif word == "AUTH":
            _, user, password = base64.b64decode(line.split(" ")[2]).decode().split("\0")
            self.user = user
            self._say("235 welcome" if password == self.fake.password else "535 no")
        elif word == "RCPT":
            self.recipients.append(line.partition("<")[2].partition(">")[0])
            self._say("250 ok")
        elif word == "DATA":
            self._data()
        else:
            self._say("250 ok")

    def _data(self) -> None:
        self._say("354 go")
        lines = []
        while (line := self.file.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.fake.mails.append((tuple(self.recipients), mail, self.encrypted, self.user))
        self._say("250 ok")
