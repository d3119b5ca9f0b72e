"""How a process reaches Kafka: addresses, encryption and credentials, as plain values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


class Brokers(Struct, frozen=True):
    """`addresses` are host:port. `tls`: encrypted, checked against `ca` (a file; None: the system's authorities).
    `user` None: no credentials are asked for."""

    addresses: tuple[str, ...]
    tls: bool = False
    ca: str | None = None
    user: str | None = None
    password: str = ""
    mechanism: Mechanism = "SCRAM-SHA-256"

    @property
    def protocol(self) -> str:
        """Kafka's name of the way of talking: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
        return ("SASL_" if self.user else "") + ("SSL" if self.tls else "PLAINTEXT")
