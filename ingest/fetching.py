"""HTTP for the sources: bounded in size and time, one request after the other to each host, pauses honoured.

The only place that knows the HTTP client. It is imported when a client is opened: processes that only read the
configuration stay small.
"""

from __future__ import annotations

import asyncio
import time
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec

from ingest.source import AuthFailed, Transient
from resonance.errors import RateLimited

if TYPE_CHECKING:
    import aiohttp

AGENT = "Resonance/0.1 (social listening; conditional requests)"
_HOPS = 5
_PERMANENT, _MOVED = (301, 308), (301, 302, 303, 307, 308)
_LONGEST_PAUSE = timedelta(hours=6)
"""Whoever asks for a longer pause is asked again after this one."""


class Answer(NamedTuple):
    """What came back. `moved`: where the address has moved to for good, None where it has not."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    moved: str | None = None

    def json(self, kind: Any = Any) -> Any:
        """The body; raises Transient where it is none of this kind: a page of a proxy, mostly."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise Transient(f"the answer cannot be read: {error}") from error


class TooLarge(Transient):
    """The body is longer than we take, packed or unpacked."""


def refusal(status: int, headers: Mapping[str, str], said: str, now: datetime) -> Exception | None:
    """The error that an answer means; None for what is none (below 400)."""
    if status < 400:
        return None
    if status in (401, 403):
        return AuthFailed(said)
    pause = pause_of(headers, now)
    if status == 429 or (status == 503 and pause is not None):
        return RateLimited(said, pause)
    return Transient(said)


def pause_of(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """For how long the other side wants to be left alone: Retry-After as seconds or date, X-RateLimit-Reset as seconds,
    since 1970 or from now, or as ISO 8601; at most six hours. None: it does not say.

    >>> pause_of({"Retry-After": "7"}, datetime(2026, 1, 1, tzinfo=UTC))
    datetime.timedelta(seconds=7)
    >>> pause_of({"X-RateLimit-Reset": "2026-01-01T00:05:00.691225Z"}, datetime(2026, 1, 1, tzinfo=UTC)).seconds
    300
    """
    for name in ("Retry-After", "X-RateLimit-Reset"):
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdecimal():
            seconds = min(int(text), 10**12)
            until = now + timedelta(seconds=seconds) if seconds < 10**9 else datetime.fromtimestamp(seconds, UTC)
        else:
            found = _date(text)
            if found is None:
                continue
            until = found
        return min(max(until - now, timedelta(0)), _LONGEST_PAUSE)
    return None


def _date(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    return None


class Web:
    """A client: `async with` opens it. Bodies over `largest` bytes raise TooLarge, requests over `seconds` Transient; two
    requests to one host begin at least `spacing` seconds apart, and none before a pause is over that it asked for."""

    def __init__(
        self,
        *,
        largest: int = 5_000_000,
        seconds: float = 30.0,
        spacing: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._largest, self._seconds, self._spacing = largest, seconds, spacing
        self._monotonic, self._sleep = monotonic, sleep
        self._free_at: dict[str, float] = {}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Web:
        import aiohttp

        timeout = aiohttp.ClientTimeout(total=self._seconds, sock_connect=10)
        headers = {"User-Agent": AGENT, "Accept-Encoding": "gzip, deflate"}
        self._session = aiohttp.ClientSession(
            timeout=timeout, headers=headers, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(self, address: str, headers: Mapping[str, str] | None = None) -> Answer:
        """The answer, whatever its status, after at most five redirections. Raises Transient where there is none."""
        asked, moved, permanent = address, None, True
        for _ in range(_HOPS + 1):
            answer = await self._once(asked, headers or {})
            following = answer.headers.get("Location")
            if answer.status not in _MOVED or not following:
                return answer._replace(moved=moved)
            permanent = permanent and answer.status in _PERMANENT
            before, asked = asked, urljoin(asked, following)
            if urlsplit(asked).scheme not in ("http", "https"):
                raise Transient(f"{address} leads to {asked[:200]}, which is no web address")
            if urlsplit(asked).netloc != urlsplit(before).netloc:
                headers = {name: value for name, value in (headers or {}).items() if name != "Authorization"}
            moved = asked if permanent else moved
        raise Transient(f"{address} leads from one address to the next")

    async def _once(self, address: str, headers: Mapping[str, str]) -> Answer:
        async with self._request(address, headers) as response:
            body = await self._body(response)
            answer = Answer(response.status, response.headers, body)
        if isinstance(refusal(answer.status, answer.headers, "", _now()), RateLimited):
            self._rest(address, pause_of(answer.headers, _now()))
        return answer

    @asynccontextmanager
    async def stream(
        self, address: str, headers: Mapping[str, str] | None = None, *, silence: float = 60.0
    ) -> AsyncGenerator[AsyncGenerator[bytes, None], None]:
        """The pieces of a body that does not end, as they come. Raises what a refusal means before the first, Transient
        when nothing has come for `silence` seconds, or when the other side ends it."""
        async with self._request(address, headers or {}, silence=silence) as response:
            if response.status != 200:
                said = f"{address} answered {response.status}: {_excerpt(await self._body(response))}"
                raise refusal(response.status, response.headers, said, _now()) or Transient(said)
            yield _pieces(response, address)

    @asynccontextmanager
    async def _request(
        self, address: str, headers: Mapping[str, str], *, silence: float | None = None
    ) -> AsyncGenerator[aiohttp.ClientResponse, None]:
        import aiohttp

        assert self._session is not None, "the client is not open"
        more: dict[str, Any] = {}
        if silence is not None:
            more["timeout"] = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=silence)
            headers = {**headers, "Accept-Encoding": "identity"}
        await self._turn(address)
        try:
            async with self._session.get(address, headers=headers, allow_redirects=False, **more) as response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Transient(f"{address}: {str(error) or type(error).__name__}") from error

    async def _turn(self, address: str) -> None:
        """Wait for the host's next turn. Turns are given in the order in which they are asked for."""
        host = urlsplit(address).netloc
        now = self._monotonic()
        turn = max(now, self._free_at.get(host, now))
        self._free_at[host] = turn + self._spacing
        if turn > now:
            await self._sleep(turn - now)

    def _rest(self, address: str, pause: timedelta | None) -> None:
        host = urlsplit(address).netloc
        rested = self._monotonic() + (pause.total_seconds() if pause else 0.0)
        self._free_at[host] = max(self._free_at.get(host, 0.0), rested)

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body, unpacked while it comes, so that a small one cannot become a great one."""
        unpack = _unpacker(response.headers.get("Content-Encoding", ""), self._largest)
        body = bytearray()
        async for piece in response.content.iter_chunked(65_536):
            try:
                body += unpack(piece, self._largest - len(body) + 1)
            except zlib.error as error:
                raise Transient(f"{response.url}: the body cannot be unpacked: {error}") from error
            if len(body) > self._largest:
                raise TooLarge(f"{response.url}: the body is longer than {self._largest:,} bytes")
        return bytes(body)


def _unpacker(encoding: str, largest: int) -> Callable[[bytes, int], bytes]:
    match encoding.strip().lower():
        case "" | "identity":
            return lambda piece, _: piece
        case "gzip" | "x-gzip" | "deflate" as packed:
            unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32 if packed != "deflate" else zlib.MAX_WBITS)
            return unpacking.decompress
        case other:
            raise Transient(f"the body is packed as {other[:50]!r}, which was not asked for")


async def _pieces(response: aiohttp.ClientResponse, address: str) -> AsyncGenerator[bytes, None]:
    async for piece in response.content.iter_any():
        yield piece
    raise Transient(f"{address} ended the stream")


def _excerpt(body: bytes) -> str:
    return " ".join(body[:200].decode("utf-8", "replace").split())


def _now() -> datetime:
    return datetime.now(UTC)
