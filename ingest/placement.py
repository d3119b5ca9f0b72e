"""Which lane an event goes to: by the mention's own id, as Kafka's default partitioner would place it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import structs

from resonance.model import (
    AuthorSeen,
    Correction,
    Delete,
    DeleteAuthor,
    EngagementSeen,
    EraseAuthor,
    Event,
    Rematch,
    Rescore,
    RestoreAuthor,
    Upsert,
)

IDS = 500
"""At most so many ids in one event …"""
_ID_BYTES = 200_000
"""… and so many bytes of them."""

_MASK = 0xFFFFFFFF
_M, _R, _SEED = 0x5BD1E995, 24, 0x9747B28C


def murmur2(data: bytes) -> int:
    """MurmurHash2, 32 bits, with the seed of Kafka's clients (Austin Appleby's algorithm, in the public domain).

    >>> murmur2(b"21"), murmur2(b"foobar")
    (3321034988, 3504634814)
    """
    value = (_SEED ^ len(data)) & _MASK
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * _M & _MASK
        k = (k ^ k >> _R) * _M & _MASK
        value = (value * _M & _MASK) ^ k
    if whole < len(data):
        value = (value ^ int.from_bytes(data[whole:], "little")) * _M & _MASK
    value = (value ^ value >> 13) * _M & _MASK
    return value ^ value >> 15


def lane_of(name: str, lanes: int) -> int:
    """The lane of a mention's id."""
    return 0 if lanes == 1 else (murmur2(name.encode("utf-8", "surrogatepass")) & 0x7FFFFFFF) % lanes


def placed(event: Event, lanes: int) -> list[tuple[int, Event]]:
    """(lane, event): one for most, one a lane for what concerns a whole author, split for lists of ids."""
    match event:
        case Upsert(mention=mention):
            return [(lane_of(mention.id, lanes), event)]
        case EngagementSeen(id=name) | Delete(id=name) | Correction(id=name):
            return [(lane_of(name, lanes), event)]
        case AuthorSeen(author=author, platform=platform):
            return [(lane_of(f"{platform}:{author.id}", lanes), event)]
        case DeleteAuthor() | EraseAuthor() | RestoreAuthor():
            return [(lane, event) for lane in range(lanes)]
        case Rematch(ids=ids) | Rescore(ids=ids):
            by_lane: dict[int, list[str]] = {}
            for name in ids:
                by_lane.setdefault(lane_of(name, lanes), []).append(name)
            return [
                (lane, structs.replace(event, ids=part))
                for lane, names in sorted(by_lane.items())
                for part in _parts(names)
            ]


def _parts(names: Sequence[str]) -> Iterator[tuple[str, ...]]:
    part: list[str] = []
    size = 0
    for name in names:
        length = len(name.encode("utf-8", "surrogatepass")) + 3
        if part and (len(part) == IDS or size + length > _ID_BYTES):
            yield tuple(part)
            part, size = [], 0
        part.append(name)
        size += length
    if part:
        yield tuple(part)
