"""The configuration: one TOML file, overridden by RESONANCE_… variables. The only reader of the environment."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, Literal
from zoneinfo import available_timezones

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from ingest.sources import check_sources
from resonance.catalogue import Account, Catalogue, Channel, Department, Rule, Source, Topic, entry_id, read_entry
from resonance.catalogue_check import check
from resonance.errors import Invalid, InvalidSetting, Problem, Unconfigured

PREFIX = "RESONANCE_"
_TABLES: dict[str, str] = {
    "topics": "topic",
    "rules": "rule",
    "departments": "department",
    "channels": "channel",
    "accounts": "account",
    "sources": "source",
}
_LISTS = (["languages"], ["kafka", "brokers"])
"""Settings that are lists: separated by commas in a variable."""

_OTHER_VARIABLES = {"RESONANCE_API_KEY"}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Slack(_Section):
    """The short way to one Slack channel for everything."""

    webhook_url: SecretStr | None = Field(None, description="an incoming webhook's URL; every alert goes there, too")
    signing_secret: SecretStr | None = Field(None, description="of the app whose buttons are pressed")
    language: Literal["de", "en"] = Field("de", description="language of its messages")


class Smtp(_Section):
    """The server that takes our mail."""

    host: str | None = Field(None, description="without it no channel of kind email works")
    port: int | None = Field(None, ge=1, le=65535, description="587 with starttls, 465 with tls, 25 with plain")
    security: Literal["starttls", "tls", "plain"] = Field("starttls", description="plain encrypts nothing")
    ca: Path | None = Field(None, description="the authority's certificate; the system's authorities where absent")
    user: str | None = Field(None, description="without it nobody logs in")
    password: SecretStr = Field(SecretStr(""), description="better from RESONANCE_SMTP__PASSWORD")
    sender: str = Field(
        "resonance@localhost", pattern=r"^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$", description="From; also: Resonance <a@b>"
    )


class Web(_Section):
    """The HTTP side."""

    host: str = Field("127.0.0.1", description="any address but loopback needs keys, or `open = true`")
    port: int = Field(8000, ge=1, le=65535)
    open: bool = Field(False, description="answer other addresses than loopback although there is no key")
    url: str | None = Field(None, description="how others reach this service; stands in notifications")


class Store(_Section):
    """Where the store is. A cluster needs PostgreSQL."""

    url: SecretStr | None = Field(
        None,
        description="postgresql://user:password@host/database, with libpq's parameters, as ?sslmode=verify-full&sslrootcert=…",
    )


class Kafka(_Section):
    """How the processes of a cluster reach Kafka."""

    brokers: tuple[str, ...] = Field((), description="host:port of some brokers")
    stream: str = Field("mentions.v1", pattern=r"^[A-Za-z0-9._-]{1,200}$", description="after the namespace and a dot")
    partitions: int = Field(8, ge=1, le=256, description="when the stream is created; never changed under way")
    replicas: int = Field(3, ge=1, description="when the stream is created")
    session_seconds: int = Field(10, ge=3, description="a worker that is silent for so long loses its lanes")
    tls: bool = Field(False, description="encrypt, and check who answers")
    ca: Path | None = Field(None, description="the authority's certificate; the system's authorities where absent")
    user: str | None = Field(None, description="SASL")
    password: SecretStr = Field(SecretStr(""), description="SASL; better from RESONANCE_KAFKA__PASSWORD")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-256"


class Probe(_Section):
    """Health and metrics of `ingest`, `work` and `notify`."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65535, description="0: none")


class Limits(_Section):
    """When to say no."""

    backlog_seconds: int = Field(30, ge=1, description="pushes get 429 when the oldest unprocessed event is older")
    backlog_envelopes: int = Field(20_000, ge=1, description="… or when so many envelopes wait")
    free_disk_mb: int = Field(200, ge=0, description="pushes get 507 when less is free")


class Keep(_Section):
    """What is kept for how long."""

    mentions_days: int = Field(400, ge=1)
    minutes_days: int = Field(30, ge=1)
    log_hours: int = Field(23, ge=1, le=23, description="platforms oblige us to delete within a day")


class Settings(_Section):
    """All settings with their defaults; `deploy/resonance.example.toml` shows each."""

    zone: str = Field("Europe/Berlin", description="IANA zone of the installation: baselines, days and weeks follow it")
    namespace: str = Field(
        "resonance", pattern=r"^[a-z][a-z0-9_]{0,30}$", description="prefix of streams, cookies, schemas"
    )
    privacy: Literal["open", "pseudonymous"] = Field(
        "open", description="pseudonymous: no author's name leaves the store"
    )
    data: Path = Field(Path("data"), description="the data folder of one machine")
    languages: tuple[str, ...] = Field(("de", "en"), description="languages that are told apart")
    installation_key: SecretStr | None = Field(
        None, description="keys the authors; made at the first start where absent"
    )
    erased_list: Path | None = Field(
        None, description="the file of erased authors' keys, outside the database; in the data folder where absent"
    )
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    web: Web = Web()
    slack: Slack = Slack()
    smtp: Smtp = Smtp()
    store: Store = Store()
    kafka: Kafka = Kafka()
    probe: Probe = Probe()
    limits: Limits = Limits()
    keep: Keep = Keep()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is no IANA time zone, such as Europe/Berlin")
        return value


class Configuration(Struct, frozen=True):
    """Settings, and the catalogue that seeds an empty store."""

    settings: Settings
    seed: Catalogue


def load(path: Path | None, environment: dict[str, str] | None = None, **given: Any) -> Configuration:
    """Read the file and the environment; `given` (from the command line, None left out) wins over both.

    Raises InvalidSetting naming every mistake: unknown keys, wrong values, references to nothing.
    """
    variables = dict(os.environ) if environment is None else environment
    data = _read(path)
    tables = {name: data.pop(name, []) for name in _TABLES}
    problems = _override(data, variables)
    _merge(data, {name: value for name, value in given.items() if value is not None})
    settings = Settings()
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        problems += [
            Problem(item["msg"].removeprefix("Value error, "), ".".join(map(str, item["loc"])), _code(item["type"]))
            for item in error.errors()
        ]
    catalogue, wrong = _catalogue(tables, settings.zone)
    problems += wrong or [*check(catalogue), *check_sources(catalogue)]
    if problems:
        raise InvalidSetting(problems)
    return Configuration(settings, catalogue)


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InvalidSetting([Problem("there is no such file", str(path), "missing")]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSetting([Problem(f"cannot be read: {error}", str(path), "unreadable")]) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidSetting([Problem(f"is no TOML: {error}", str(path), "syntax")]) from error


def _override(data: dict[str, Any], variables: dict[str, str]) -> list[Problem]:
    """Lay RESONANCE_A__B over data["a"]["b"]."""
    problems = []
    for name in sorted(variables):
        if not name.startswith(PREFIX) or name.startswith(f"{PREFIX}TEST_") or name in _OTHER_VARIABLES:
            continue
        path = name.removeprefix(PREFIX).lower().split("__")
        if not _is_setting(path):
            problems.append(Problem("there is no such setting", name, "unknown"))
            continue
        value: Any = variables[name]
        if path in _LISTS:
            value = tuple(part.strip() for part in value.split(",") if part.strip())
        nested: Any = value
        for key in reversed(path):
            nested = {key: nested}
        _merge(data, nested)
    return problems


def _is_setting(path: list[str]) -> bool:
    model: Any = Settings
    for key in path:
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or key not in model.model_fields:
            return False
        model = model.model_fields[key].annotation
    return not (isinstance(model, type) and issubclass(model, BaseModel))


def _merge(data: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(data.get(key), dict):
            _merge(data[key], value)
        else:
            data[key] = value


def _code(kind: str) -> str:
    return {"extra_forbidden": "unknown", "missing": "missing"}.get(kind, "invalid")


def _catalogue(tables: dict[str, Any], zone: str) -> tuple[Catalogue, list[Problem]]:
    problems: list[Problem] = []
    entries: Any = {name: {} for name in _TABLES}
    for name, kind in _TABLES.items():
        rows = tables[name]
        if not isinstance(rows, list):
            problems.append(Problem(f"write [[{name}]], once for each", name, "type"))
            continue
        for index, row in enumerate(rows):
            try:
                entry = read_entry(kind, row, f"{name}.{index}")
            except Invalid as error:
                problems += error.problems
                continue
            key = entry_id(kind, entry)
            if key in entries[name]:
                problems.append(Problem(f"{key!r} stands twice", f"{name}.{index}.id", "duplicate"))
            entries[name][key] = entry
    return Catalogue(zone=zone, **entries), problems


def seed_entries(catalogue: Catalogue) -> list[tuple[str, Topic | Rule | Department | Channel | Account | Source]]:
    """The catalogue's entries with their kinds."""
    return [
        *(("topic", entry) for entry in catalogue.topics.values()),
        *(("rule", entry) for entry in catalogue.rules.values()),
        *(("department", entry) for entry in catalogue.departments.values()),
        *(("channel", entry) for entry in catalogue.channels.values()),
        *(("account", entry) for entry in catalogue.accounts.values()),
        *(("source", entry) for entry in catalogue.sources.values()),
    ]


def secret(reference: str, environment: dict[str, str] | None = None) -> str:
    """The secret behind "env:NAME" or "file:/path"; raises Unconfigured naming what is missing."""
    kind, _, where = reference.partition(":")
    if kind == "env":
        value = (dict(os.environ) if environment is None else environment).get(where)
        if not value:
            raise Unconfigured(f"the environment variable {where} is not set")
        return value
    try:
        return Path(where).read_text("utf-8").strip()
    except OSError as error:
        raise Unconfigured(f"the secret in {where} cannot be read: {error.strerror}") from error
