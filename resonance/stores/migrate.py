"""Brings a database to this program's schema, at start and by `resonance db upgrade`."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from resonance.errors import NewerVersion
from resonance.stores import schema

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 7_263_991


def migrate(engine: sa.Engine) -> None:
    """Upgrade to the newest revision in one transaction; raises NewerVersion for a store of a newer program."""
    # Only the process that starts an installation migrates; the others need not carry Alembic.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    scripts = ScriptDirectory.from_config(config)
    with engine.execution_options(resonance_write=True).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if revision(connection) == scripts.get_current_head():
            return

        def upgrade(current: str, _context: object) -> list[object]:
            return list(scripts._upgrade_revs("head", current))

        with EnvironmentContext(config, scripts, fn=upgrade) as environment:
            environment.configure(connection=connection, target_metadata=schema.metadata, transactional_ddl=False)
            environment.run_migrations()


def revision(connection: sa.Connection) -> str | None:
    """The store's revision; None where it is empty. Raises NewerVersion where this program does not know it."""
    known_here = sa.inspect(connection).has_table("alembic_version")
    current = connection.scalar(sa.text("SELECT version_num FROM alembic_version")) if known_here else None
    known = {path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py")}
    if current is not None and current not in known:
        raise NewerVersion(
            f"the store is at revision {current}, which this program does not know: it was written by a newer version"
        )
    return current


def pending(engine: sa.Engine) -> bool:
    """Whether a migration waits."""
    known = sorted(path.stem.split("_")[0] for path in (_FOLDER / "versions").glob("[0-9]*.py"))
    with engine.connect() as connection:
        return revision(connection) != known[-1]
