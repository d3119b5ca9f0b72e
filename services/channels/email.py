"""E-mail by SMTP: plain text with an HTML alternative; the messages about one incident are one thread.

`Message-ID` is the same whenever the same message is sent again. SMTP knows no idempotency: after a crash between the
server's yes and our note of it the message comes twice, and mail programs show it once.
"""

from __future__ import annotations

import html
import re
import smtplib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr
from pathlib import Path
from typing import Literal

import structlog

from resonance.alerts.message import Message
from resonance.errors import Retry
from services.channels.channel import GaveUp

_STATES = {
    "de": {"firing": "Alarm", "silent": "Alarm", "resolved": "Vorbei", "test": "Test"},
    "en": {"firing": "Alert", "silent": "Alert", "resolved": "Resolved", "test": "Test"},
}

log = structlog.get_logger()


@dataclass(frozen=True)
class Server:
    """Where mail is handed in, and as whom. `ca`: the authority's certificate; the system's authorities where None."""

    host: str
    port: int
    security: Literal["starttls", "tls", "plain"]
    sender: str
    user: str | None = None
    password: str = field(default="", repr=False)
    ca: Path | None = None


@dataclass
class EmailChannel:
    """Sends to `to`, everyone in one message. `timeout` in seconds for each answer of the server."""

    server: Server
    to: tuple[str, ...]
    language: str = "de"
    zone: str = "Europe/Berlin"
    pause: float = 0.0
    timeout: float = 6.0
    now: Callable[[], float] = time.time

    def send(self, message: Message, idempotency_key: str) -> None:
        """4xx and a server that is not there come again; 5xx, and what the server cannot do, is final. Where only some
        addresses are refused, the others have it, and the log says how many do not."""
        mail = written(message, self.server.sender, self.to, self.language, idempotency_key, self.now())
        # No causes are attached below: they hold addresses, and what was sent.
        try:
            refused = self._hand_in(mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _problem(max(codes) if min(codes) >= 500 else min(codes), "every recipient") from None
        except smtplib.SMTPAuthenticationError as error:
            raise _problem(error.smtp_code, "the login") from None
        except smtplib.SMTPSenderRefused as error:
            raise _problem(error.smtp_code, "the sender") from None
        except smtplib.SMTPResponseException as error:
            raise _problem(error.smtp_code, "the message") from None
        except smtplib.SMTPNotSupportedError:
            raise GaveUp("the mail server does not offer what is asked for: STARTTLS, a login or SMTPUTF8") from None
        except ssl.SSLCertVerificationError:
            raise Retry("the mail server's certificate is not to be trusted") from None
        except (OSError, smtplib.SMTPException) as error:
            raise Retry(f"the mail server does not answer: {type(error).__name__}") from None
        if refused:
            log.warning("email.refused_some", refused=len(refused), of=len(self.to), alert=message.alert)

    def _hand_in(self, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        server = self.server
        trusted = ssl.create_default_context(cafile=str(server.ca) if server.ca else None)
        with _connected(server, trusted, self.timeout) as smtp:
            if server.security == "starttls":
                smtp.starttls(context=trusted)
            if server.user is not None:
                smtp.login(server.user, server.password)
            return smtp.send_message(mail)


def _connected(server: Server, trusted: ssl.SSLContext, timeout: float) -> smtplib.SMTP:
    # Our own name in EHLO: looking up what others call this machine may take longer than all the rest.
    if server.security == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, "resonance", timeout=timeout, context=trusted)
    return smtplib.SMTP(server.host, server.port, "resonance", timeout=timeout)


def _problem(code: int, what: str) -> Exception:
    if code >= 500:
        return GaveUp(f"the mail server refused {what}: {code}")
    return Retry(f"the mail server does not take {what} now: {code}")


def written(message: Message, sender: str, to: tuple[str, ...], language: str, key: str, now: float) -> EmailMessage:
    """The mail, written at `now` (seconds since 1970). What fires first begins the incident's thread, all else about it answers to that."""
    mail = EmailMessage(policy=SMTP)
    state = _STATES[language][message.mark]
    mail["Subject"] = f"[{state}] {' '.join(message.title.split())}"
    mail["From"] = sender
    mail["To"] = ", ".join(to)
    mail["Date"] = formatdate(now)
    domain = parseaddr(sender)[1].rpartition("@")[2]
    first = f"<incident.{_atom(message.alert)}@{domain}>"
    begins = message.mark in ("firing", "silent")
    mail["Message-ID"] = first if begins else f"<{_atom(key)}@{domain}>"
    if message.alert and not begins:
        mail["In-Reply-To"] = first
        mail["References"] = first
    # Nobody's out-of-office answers to it (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain(message))
    mail.add_alternative(marked_up(message), subtype="html")
    return mail


def plain(message: Message) -> str:
    """The message as text.

    >>> plain(Message("Nordlicht", ("24 statt 4",)))
    'Nordlicht\\n\\n24 statt 4\\n'
    """
    parts = [message.title, "", *message.lines]
    if message.quotes:
        parts += ["", message.quotes_title]
    for quote in message.quotes:
        parts += [f"> {quote.text}", f"  {quote.who}", *([f"  {quote.url}"] if quote.url else [])]
    if message.links:
        parts += ["", *(f"{words}: {address}" for words, address in message.links)]
    return "\n".join(parts) + "\n"


def marked_up(message: Message) -> str:
    """The message as HTML; nothing in it is fetched from anywhere."""
    parts = [f"<h2>{html.escape(message.title)}</h2>"]
    parts += [f"<p>{html.escape(line)}</p>" for line in message.lines]
    if message.quotes:
        parts.append(f"<h3>{html.escape(message.quotes_title)}</h3>")
    for quote in message.quotes:
        link = f" · {_link(message.quotes_link, quote.url)}" if quote.url else ""
        parts.append(f"<blockquote>{html.escape(quote.text)}<br>{html.escape(quote.who)}{link}</blockquote>")
    parts += [f"<p>{_link(words, address)}</p>" for words, address in message.links]
    return "<!doctype html>\n<html><body>\n" + "\n".join(parts) + "\n</body></html>\n"


def _link(words: str, address: str) -> str:
    return f'<a href="{html.escape(address)}">{html.escape(words)}</a>'


def _atom(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "-", name).strip(".") or "none"
