"""A real PostgreSQL for tests, in a temporary folder."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from deploy.native import postgres
from deploy.native.postgres import binaries

_numbers = itertools.count(1)


class Server(postgres.Server):
    """A running server. `url()` makes a fresh database."""

    def url(self) -> str:
        """The address of a new, empty database."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        admin = sa.create_engine(self.address("postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        admin.dispose()
        return self.address(name)


@contextmanager
def running() -> Iterator[Server]:
    """A server for as long as the block lasts; skips the test where none is installed."""
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL 15 or later is not installed (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="resonance-postgres-"))
    try:
        server = Server(folder, programs)
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
