"""Views for dashboards: counts, alerts, sources and progress, without a word or name of anybody. PostgreSQL only."""

from alembic import op

revision = "0007"
down_revision = "0006"

_SUMS = (
    "mentions",
    "originals",
    "reposts",
    "negative",
    "neutral",
    "positive",
    "uncertain",
    "reach",
    "likes",
    "replies",
    "views",
)

VIEWS = {
    # What stands by quarter-hour and environment: 90 days. Sums over lanes.
    "grafana_volume": f"""
        SELECT to_timestamp(w.bucket) AS time, w.topic, w.voice, e.platform, e.community, e.language,
               {", ".join(f"sum(w.{name})::bigint AS {name}" for name in _SUMS)}
        FROM "window" w JOIN environment e ON e.id = w.environment
        WHERE w.resolution = 900
        GROUP BY w.bucket, w.topic, w.voice, e.platform, e.community, e.language""",
    "grafana_alert": """
        SELECT to_timestamp(pending_at / 1000000.0) AS time, id, topic, rule, severity, state, value, expected, score,
               to_timestamp(fired_at / 1000000.0) AS fired_at, to_timestamp(resolved_at / 1000000.0) AS resolved_at
        FROM alert""",
    "grafana_lane": """
        SELECT lane, to_timestamp(progress / 1000000.0) AS progress, catalogue_version FROM position""",
    "grafana_dead_letter": """
        SELECT to_timestamp(at / 1000000.0) AS time, source, reason, state, count(*) AS letters
        FROM dead_letter GROUP BY at, source, reason, state""",
}


def upgrade() -> None:
    """A view that is not materialized costs nothing until it is asked."""
    if op.get_bind().dialect.name == "postgresql":
        for name, query in VIEWS.items():
            op.execute(f"CREATE VIEW {name} AS {query}")
