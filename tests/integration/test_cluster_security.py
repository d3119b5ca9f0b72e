"""Encrypted and with credentials: Kafka by SASL_SSL and SCRAM for both of its clients, PostgreSQL by TLS and a password."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from deploy.native.kafka import Brokers
from tests.support.cluster import Cluster
from tests.support.kafka import running
from tests.support.postgres import Server, binaries

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
_SAID = '[[topics]]\nid = "t"\nname = "T"\nquery = "bahn"\n[[sources]]\nid = "told"\n'


@dataclass
class Secured:
    """The servers, and the authority that vouches for them."""

    kafka: Brokers
    postgres: Server
    ca: Path


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    programs = binaries()
    if programs is None:
        pytest.skip("PostgreSQL 15 or later is not installed (Debian: apt-get install postgresql)")
    _certify(folder)
    server = Server(Path(tempfile.mkdtemp(prefix="resonance-postgres-")), programs)
    data = server.folder / "data"
    for name, suffix in (("server.pem", "crt"), ("server.key", "key")):
        shutil.copy(folder / name, data / f"server.{suffix}")
        (data / f"server.{suffix}").chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(data / f"server.{suffix}", "postgres", "postgres")
    # The first connection makes the account; from then on nobody gets in without TLS and the password.
    server.start("ssl=on")
    admin = sa.create_engine(server.address("postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(sa.text("CREATE ROLE resonance LOGIN PASSWORD 'right'"))
        connection.execute(sa.text("CREATE DATABASE secured OWNER resonance"))
    admin.dispose()
    (data / "pg_hba.conf").write_text(
        "hostssl all resonance 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust\n"
    )
    server.stop()
    server.start("ssl=on")
    try:
        with running(1, _settings(folder), _accounts()) as brokers:
            yield Secured(brokers, server, folder / "ca.pem")
    finally:
        server.stop("immediate")
        shutil.rmtree(server.folder, ignore_errors=True)


def _certify(folder: Path) -> None:
    """An authority, and a certificate for 127.0.0.1."""
    commands = (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem",
    )
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for command in commands:
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    (folder / "keystore.pem").write_text((folder / "server.key").read_text() + (folder / "server.pem").read_text())


def _settings(folder: Path) -> dict[str, str]:
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    return {
        "listeners": "SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "inter.broker.listener.name": "SASL_SSL",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
        "listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config": f'{login} username="broker" password="between";',
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "keystore.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
    }


def _accounts() -> tuple[str, ...]:
    users = (("broker", "between"), ("resonance", "right"))
    return tuple(
        word for name, password in users for word in ("--add-scram", f"SCRAM-SHA-256=[name={name},password={password}]")
    )


def _cluster(secured: Secured, folder: Path, *, kafka: str = "right", postgres: str = "right") -> Cluster:
    url = secured.postgres.address("secured").replace("postgres@", f"resonance:{postgres}@")
    made = Cluster(folder, secured.kafka.addresses, f"{url}?sslmode=verify-full&sslrootcert={secured.ca}", _SAID)
    access = f'tls = true\nca = "{secured.ca}"\nuser = "resonance"\npassword = "{kafka}"\n'
    made.file.write_text(made.file.read_text().replace("session_seconds = 6\n", f"session_seconds = 6\n{access}"))
    return made


def test_mentions_pass_through_encrypted_connections_with_credentials(secured: Secured, tmp_path: Path) -> None:
    cluster = _cluster(secured, tmp_path)
    try:
        cluster.run("streams", "create")
        cluster.run("streams", "check")
        cluster.start("work-1", "ingest")
        cluster.until(lambda: bool(cluster.one("SELECT count(*) = 8 FROM position WHERE progress > 0")))
        assert cluster.one(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'resonance'"
        )
    finally:
        cluster.stop()


@pytest.mark.parametrize(
    ("wrong", "word"),
    [({"kafka": "wrong"}, "Authentication"), ({"postgres": "wrong"}, "password authentication failed")],
)
def test_a_wrong_password_is_named_within_five_seconds(
    secured: Secured, tmp_path: Path, wrong: dict[str, str], word: str
) -> None:
    cluster = _cluster(secured, tmp_path, **wrong)
    try:
        cluster.start("work-1")
        # Starting Python and loading the models takes its own time here.
        assert cluster.processes["work-1"].wait(30) == 3
        assert word in cluster.output()
        said = cluster.output()
        assert "right" not in said and "wrong" not in said
    finally:
        cluster.stop()


def test_both_checks_take_less_than_five_seconds_by_themselves(secured: Secured, tmp_path: Path) -> None:
    from resonance.errors import Unconfigured
    from services.cluster import Cluster as Opened

    for wrong, ask in (({"kafka": "wrong"}, "check_access"), ({"postgres": "wrong"}, "open_store")):
        cluster = _cluster(secured, tmp_path / ask, **wrong)  # type: ignore[arg-type]
        opened = Opened.open(cluster.file)
        began = time.monotonic()
        with pytest.raises(Unconfigured):
            getattr(opened, ask)()
        assert time.monotonic() - began < 5
        cluster.stop()
