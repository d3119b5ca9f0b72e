"""Every metric of the product, declared together. Labels come from closed sets and stand at 0 from the start."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

from resonance.update import Update

STAGES = ("observed", "logged", "committed", "evaluated", "told")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
_EVENTS = (0, 1, 3, 10, 30, 100, 300, 1000)

disable_created_metrics()  # type: ignore[no-untyped-call]


class Metrics:
    """The instruments, registered in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.events = Counter("resonance_process_events_total", "Events taken from the log", registry=registry)
        self.matches = Counter("resonance_process_matches_total", "Mentions matched, once per topic", registry=registry)
        self.rejected = Counter("resonance_process_dead_letters_total", "Events set aside", registry=registry)
        self.expired_total = Counter(
            "resonance_process_expired_total", "Deletes and engagement whose mention never came", registry=registry
        )
        self.unknown_fields = Counter(
            "resonance_push_unknown_fields_total",
            "Fields of pushed events that are not known and were ignored",
            registry=registry,
        )
        self.fenced = Counter(
            "resonance_process_fenced_total",
            "Transactions refused because another owner had moved the position or the tracker",
            registry=registry,
        )
        self.envelope_events = Histogram(
            "resonance_process_envelope_events",
            "Events of each envelope that was begun; heartbeats have none",
            buckets=_EVENTS,
            registry=registry,
        )
        self.compute_seconds = Histogram(
            "resonance_process_compute_seconds", "Matching and scoring one slice", buckets=_SECONDS, registry=registry
        )
        self.commit_seconds = Histogram(
            "resonance_process_commit_seconds", "The transaction of one slice", buckets=_SECONDS, registry=registry
        )
        self.latency_seconds = Histogram(
            "resonance_mention_latency_seconds",
            "From the stage before to this stage; in log time, told in real time",
            ["stage"],
            buckets=_SECONDS,
            registry=registry,
        )
        for stage in STAGES:
            self.latency_seconds.labels(stage)
        self.lag_envelopes = Gauge("resonance_process_lag_envelopes", "Envelopes not yet processed", registry=registry)
        self.lag_seconds = Gauge("resonance_process_lag_seconds", "Age of the oldest of them", registry=registry)
        self.lane_lag = Gauge(
            "resonance_process_lane_lag_envelopes",
            "Envelopes of a lane not yet processed, as its owner sees it",
            ["lane"],
            registry=registry,
        )
        self.lanes_owned = Gauge("resonance_process_lanes", "Lanes that this worker owns", registry=registry)
        self.rebalances = Counter(
            "resonance_process_rebalances_total", "Changes of the lanes that this worker owns", registry=registry
        )
        self.evaluated = Counter("resonance_evaluate_topics_total", "Topics looked at", registry=registry)
        self.deliveries = Counter(
            "resonance_notify_deliveries_total", "Attempts to deliver a notification", ["outcome"], registry=registry
        )
        for outcome in ("sent", "retry", "failed", "merged"):
            self.deliveries.labels(outcome)

    def slice(
        self,
        update: Update,
        *,
        events: int,
        fills: Iterable[int],
        computed: float,
        committed: float,
        now: int | None = None,
    ) -> None:
        """Account for one committed slice; durations in seconds, `now` is log time in µs when its transaction began, where
        it is known; `fills`: how many events each of its envelopes has."""
        self.events.inc(events)
        for fill in fills:
            self.envelope_events.observe(fill)
        self.matches.inc(sum(1 for change in update.changes if change.type == "mention.matched"))
        self.rejected.inc(len(update.rejected))
        self.compute_seconds.observe(computed)
        self.commit_seconds.observe(committed)
        published = self.latency_seconds.labels("observed")
        logged = self.latency_seconds.labels("logged")
        stored = self.latency_seconds.labels("committed")
        for record in update.after.values():
            if record.mention is not None and record.key not in update.before:
                published.observe(max(0.0, (record.observed_at - record.placed_at) / 1e6))
                logged.observe(max(0.0, (record.logged_at - record.observed_at) / 1e6))
                if now is not None:
                    stored.observe(max(0.0, (now - record.logged_at) / 1e6))

    def looked(self, topics: int, ages: Iterable[float]) -> None:
        """Account for topics looked at, and for each mention that they were looked at for how many seconds (log time) it
        had been committed."""
        self.evaluated.inc(topics)
        decided = self.latency_seconds.labels("evaluated")
        for age in ages:
            decided.observe(max(0.0, age))

    def told(self, seconds: float) -> None:
        """Account for a notification that was sent so many seconds (real time) after it was decided."""
        self.latency_seconds.labels("told").observe(max(0.0, seconds))

    def expired(self, count: int) -> None:
        """Account for what waited in vain."""
        self.expired_total.inc(count)
