"""`resonance notify`: sends notifications."""

from __future__ import annotations

import threading

from services import parts
from services.cluster import Cluster
from services.probe import probe
from services.process import Process
from services.upkeep import Timetable


def run(cluster: Cluster, stop: threading.Event) -> int:
    """Until told to stop; what is being sent then is finished and noted first. Returns an exit code."""
    cluster.await_prepared()
    web = cluster.settings.web
    url = web.url or f"http://{web.host}:{web.port}"
    process = Process(
        {
            "notify": lambda stop: parts.notifier(cluster, url).run(stop),
            "catalogue": Timetable({"catalogue": (0.5, cluster.watch.refresh)}).run,
        },
        stop,
    )
    with probe(cluster.settings.probe, cluster.metrics.registry):
        code = process.run()
    cluster.close()
    return code
