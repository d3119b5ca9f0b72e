"""What runs in the processes: evaluate, notify, ingest, each put together for an installation."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from functools import partial

from ingest.sources import SIMULATED, open_source
from ingest.worker import SourceWorker
from resonance.engines.erasing import Erasing
from resonance.engines.evaluator import Evaluator
from resonance.engines.jobs import Jobs
from resonance.engines.passage import Passage
from resonance.language.keyterms import key_terms
from resonance.language.lemmas import open_lemmas
from resonance.stores.evaluations import Evaluations
from resonance.stores.heads import Heads
from resonance.stores.outbox import Outbox
from resonance.stores.source_states import SourceStates
from services.build import Installation
from services.channels.opening import OpenChannels, default_channels
from services.notifier import Notifier
from services.settings import secret


def evaluator(site: Installation, stirred: threading.Event) -> Evaluator:
    """Looks at the topics whenever `stirred` is set. Where the tables of key terms have to be made, that takes seconds:
    better now than when the first alert fires."""
    lemmas = open_lemmas(site.tables)
    return Evaluator(
        Evaluations(site.database),
        site.watch.catalogue,
        site.clock,
        partial(key_terms, lemmas=lemmas),
        default_channels(site.settings, site.watch.catalogue()),
        evaluated=site.metrics.looked,
        fenced=site.metrics.fenced.inc,
        peeks=not site.simulated,
        stirred=stirred,
    )


def notifier(site: Installation, url: str) -> Notifier:
    """Sends what was decided; `url` is how people reach the service."""
    return Notifier(
        Outbox(site.database),
        OpenChannels(site.settings, site.watch.catalogue, Heads(site.database)),
        url,
        on_delivery=lambda _channel, outcome, _seconds: site.metrics.deliveries.labels(outcome).inc(),
        on_sent=site.metrics.told,
        owner=site.name,
        names=site.settings.privacy == "open",
    )


def jobs(site: Installation) -> Jobs:
    """Carries out what the API and the command line asked for."""
    passage = Passage(site.log, site.ledger, site.backlog)
    keeps = timedelta(hours=site.settings.keep.log_hours)
    erasing = Erasing(site.database, site.sink, passage, site.erasures, site.author_key, site.clock, keeps)
    return Jobs(site.database, site.sink, passage, site.clock, erasing)


def hold_stamps(site: Installation) -> None:
    """Before anything says what time it is: not past what sources with times of their own have told."""
    for source in site.watch.catalogue().sources.values():
        if source.kind in SIMULATED:
            site.sink.hold(source.id)


def ingest(site: Installation, stop: threading.Event) -> None:
    """A worker for each configured source that we pull from, until told to stop."""
    asyncio.run(_sources(site, stop))


async def _sources(site: Installation, stop: threading.Event) -> None:
    tasks = []
    for source in site.watch.catalogue().sources.values():
        opened = open_source(source, site.clock, secret)
        if opened is not None:
            worker = SourceWorker(
                source,
                opened,
                site.sink,
                SourceStates(site.database),
                site.clock,
                owner=site.name,
                busy=lambda: site.behind,
                simulated=source.kind in SIMULATED,
            )
            tasks.append(asyncio.create_task(worker.run(), name=source.id))
    await asyncio.to_thread(stop.wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
