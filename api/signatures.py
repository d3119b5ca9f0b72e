"""Signatures of pushes as Standard Webhooks has them (standardwebhooks.com, specification 1.0.0). Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from api.problems import Refused
from resonance.errors import Problem, Unconfigured

TOLERANCE = 300
"""Seconds that a time stamp may lie before or after our time."""
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_LEAST = 24


class Signed:
    """The headers of a push. Raises Refused naming every one that is missing, and for a time that is not now."""

    def __init__(self, headers: Mapping[str, str], now: float) -> None:
        missing = [name for name in HEADERS if not headers.get(name)]
        if missing:
            problems = [Problem("is required", name, "missing") for name in missing]
            raise Refused("unauthenticated", f"headers are missing: {', '.join(missing)}", errors=problems)
        self.id, stamp, self.signatures = (headers[name] for name in HEADERS)
        if len(self.id) > 255:
            raise Refused("unauthenticated", "webhook-id has more than 255 characters")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 13):
            raise Refused("unauthenticated", "webhook-timestamp is no number of seconds since 1970")
        self.at = int(stamp)
        if abs(self.at - now) > TOLERANCE:
            side = "old" if self.at < now else "early"
            raise Refused(
                "unauthenticated",
                f"webhook-timestamp is too {side}: {abs(self.at - now):.0f} s away, at most {TOLERANCE} s are taken",
            )

    @property
    def name(self) -> str:
        """What is signed once only."""
        return f"{self.id}.{self.at}"

    def verify(self, body: bytes, secret: str) -> None:
        """Raises Refused unless one of the signatures is the secret's over id, time and the body, byte for byte."""
        expected = hmac.digest(key_of(secret), f"{self.name}.".encode() + body, hashlib.sha256)
        for part in self.signatures.split()[:10]:
            version, _, text = part.partition(",")
            if version == "v1" and hmac.compare_digest(text.encode(), base64.b64encode(expected)):
                return
        raise Refused("unauthenticated", "no v1 signature in webhook-signature is that of this body by our secret")


def key_of(secret: str) -> bytes:
    """The bytes of a secret, `whsec_` before them or not; raises Unconfigured for what is none."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        raise Unconfigured("the secret is not base64, as Standard Webhooks has it") from None
    if len(key) < _LEAST:
        raise Unconfigured(f"the secret has {len(key)} bytes; at least {_LEAST} are asked for")
    return key
