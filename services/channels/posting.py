"""One POST over HTTP: no redirect is followed, and no error holds the address or what was sent."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from msgspec import Struct

from resonance.errors import Retry
from services.channels.channel import GaveUp

_READ = 1_000_000
_LONGEST_PAUSE = 3600.0


class Answer(Struct, frozen=True):
    """Status, headers (names in lower case), and at most 1 MB of the body."""

    status: int
    headers: dict[str, str]
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: float) -> Answer:
    """What the other side answered. `timeout` in seconds for connecting and each read; after three times that all ends.
    Raises Retry where nobody answers, GaveUp where the address cannot be one."""
    # No causes are attached below: they may hold the address, which often is a secret.
    try:
        parts = urlsplit(url)
        connection = _connection(parts.scheme, parts.hostname, parts.port, timeout)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    except (ValueError, http.client.InvalidURL):
        raise GaveUp("the address is no http or https address") from None
    try:
        connection.connect()
        ends = threading.Timer(3 * timeout, _hang_up, (connection.sock,))
        ends.daemon = True
        ends.start()
        try:
            connection.request("POST", target, body, dict(headers))
            answer = connection.getresponse()
            return Answer(
                answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read(_READ)
            )
        finally:
            ends.cancel()
    except (http.client.InvalidURL, UnicodeError, ValueError):
        raise GaveUp("the address is no http or https address") from None
    except (OSError, http.client.HTTPException) as error:
        raise Retry(f"the other side does not answer: {type(error).__name__}") from None
    finally:
        connection.close()


def _connection(scheme: str, host: str | None, port: int | None, timeout: float) -> http.client.HTTPConnection:
    if not host or scheme not in ("http", "https"):
        raise ValueError(scheme)
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=timeout)
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context())


def _hang_up(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def pause(headers: Mapping[str, str], now: float) -> timedelta | None:
    """What Retry-After asks for, in seconds or as a date (RFC 9110 section 10.2.3), at most an hour; None where it says
    nothing readable. `now` in seconds since 1970.

    >>> pause({"retry-after": "12"}, 0), pause({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, 50)
    (datetime.timedelta(seconds=12), datetime.timedelta(seconds=10))
    >>> pause({"retry-after": "soon"}, 0)
    """
    said = headers.get("retry-after", "").strip()
    if said.isascii() and said.isdecimal() and len(said) < 10:
        seconds = float(said)
    else:
        try:
            at = parsedate_to_datetime(said)
        except ValueError:
            return None
        seconds = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now
    return timedelta(seconds=min(max(seconds, 0.0), _LONGEST_PAUSE))


def at_text(micros: int) -> str:
    """µs since 1970 as RFC 3339.

    >>> at_text(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(micros // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
