"""Signatures as a sender makes them, written down from Standard Webhooks' specification."""

from __future__ import annotations

import base64
import hashlib
import hmac

SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


def signed(body: bytes, *, name: str, stamp: int, secret: str = SECRET) -> dict[str, str]:
    """The three headers."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(mac).decode()}"
    return {"webhook-id": name, "webhook-timestamp": str(stamp), "webhook-signature": signature}
