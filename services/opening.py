"""Opens the installation that a configuration describes: one machine, or a cluster where it names Kafka's brokers."""

from __future__ import annotations

from pathlib import Path

from services.build import Installation, Machine
from services.cluster import Cluster
from services.settings import load


def installation(config: Path | None, data: Path | None) -> Installation:
    """Prepared or not; raises Invalid or Unconfigured with every reason why not."""
    return Cluster.open(config) if load(config, data=data).settings.kafka.brokers else Machine.open(config, data)
