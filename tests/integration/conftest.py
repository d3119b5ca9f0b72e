"""Fixtures of the tests on a cluster, and of those that erase, tell channels, or read the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.native.kafka import Brokers
from tests.support.cluster import Cluster, Story
from tests.support.erasing import Site
from tests.support.fake_slack import FakeSlack
from tests.support.outbox import World, fresh
from tests.support.postgres import Server
from tests.support.seeding import Desk


@pytest.fixture(scope="session")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story.told(tmp_path_factory.mktemp("story"))


@pytest.fixture
def cluster(tmp_path: Path, broker: Brokers, postgres: Server, story: Story) -> Iterator[Cluster]:
    made = story.cluster(tmp_path / "cluster", broker.addresses, postgres.url())
    yield made
    made.stop()


@pytest.fixture
def site(store_url: str, tmp_path: Path) -> Iterator[Site]:
    made = Site(store_url, tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    fake = FakeSlack()
    yield fake
    fake.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A store with the catalogue that notifications are tried on."""
    database = fresh(tmp_path)
    world = World(database)
    world.catalogue()
    yield world
    database.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The page and the interface over a seeded store with two topics."""
    made = Desk(tmp_path)
    made.seed.topics("bahn:pr", "post")
    yield made
    made.close()
