"""Raw frames of a Bluesky relay (`com.atproto.sync.subscribeRepos`): DAG-CBOR and CAR, read from their specifications
alone (RFC 8949; ipld.io), so that they can bear witness against the readers of the product."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import zstandard

_CID_TAG = 42


@dataclass(frozen=True)
class Op:
    """One change of a repository as it was signed: `record` None for a deletion."""

    did: str
    action: str
    path: str
    cid: str | None
    record: dict[str, Any] | None


def frames(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """(type, body) of each recorded frame: u32 length and bytes, all of it compressed."""
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    at = 0
    while at < len(plain):
        (size,) = struct.unpack_from("<I", plain, at)
        header, rest = _item(plain, at + 4)
        body, end = _item(plain, rest)
        assert end == at + 4 + size
        yield header["t"], body
        at = end


def ops(body: dict[str, Any]) -> list[Op]:
    """The changes of one commit, each record from the block whose hash the change names."""
    blocks = dict(_blocks(body["blocks"]))
    found = []
    for op in body["ops"]:
        cid = None if op["cid"] is None else op["cid"]
        record = None if cid is None else _item(blocks[cid], 0)[0]
        found.append(Op(body["repo"], op["action"], op["path"], cid, record))
    return found


def _blocks(car: bytes) -> Iterator[tuple[str, bytes]]:
    size, at = _varint(car, 0)
    at += size
    while at < len(car):
        size, start = _varint(car, at)
        at = start + size
        # CIDv1: version, codec, hash function, length, 32 bytes of SHA-256.
        cid, block = car[start : start + 36], car[start + 36 : at]
        assert cid[4:] == hashlib.sha256(block).digest()
        yield _cid_text(cid), block


def _cid_text(cid: bytes) -> str:
    return "b" + base64.b32encode(cid).decode().rstrip("=").lower()


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _item(data: bytes, at: int) -> tuple[Any, int]:
    """(value, where the next begins) of one CBOR item."""
    major, low = data[at] >> 5, data[at] & 0x1F
    at += 1
    if major == 7:
        if low == 27:
            return struct.unpack_from(">d", data, at)[0], at + 8
        return {20: False, 21: True, 22: None}[low], at
    if low >= 24:
        size = 1 << (low - 24)
        low, at = int.from_bytes(data[at : at + size], "big"), at + size
    match major:
        case 0:
            return low, at
        case 1:
            return -1 - low, at
        case 2:
            return data[at : at + low], at + low
        case 3:
            return data[at : at + low].decode(), at + low
        case 4:
            values = []
            for _ in range(low):
                value, at = _item(data, at)
                values.append(value)
            return values, at
        case 5:
            held: dict[str, Any] = {}
            for _ in range(low):
                name, at = _item(data, at)
                held[name], at = _item(data, at)
            return held, at
        case _:
            value, at = _item(data, at)
            return (_cid_text(value[1:]) if low == _CID_TAG else value), at
