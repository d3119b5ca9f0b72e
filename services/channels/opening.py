"""Channels of the catalogue as things that send; each is opened once, and again when it changes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from api.signatures import key_of
from resonance.catalogue import Catalogue
from resonance.catalogue import Channel as Configured
from resonance.errors import Unconfigured
from resonance.stores.heads import Heads
from services.channels.channel import Channel
from services.channels.email import EmailChannel, Server
from services.channels.log import LogChannel
from services.channels.slack import SlackChannel
from services.channels.slack_app import SlackApp
from services.channels.webhook import WebhookChannel
from services.settings import Settings, Smtp, secret

LOG, SLACK = "log", "slack-webhook"
"""Channels that are always there: the terminal, and the webhook of the settings where there is one."""

_PORTS = {"starttls": 587, "tls": 465, "plain": 25}

log = structlog.get_logger()


def default_channels(settings: Settings, catalogue: Catalogue) -> tuple[str, ...]:
    """What is told of every alert, beside the departments' own channels. The terminal speaks where nobody else is told."""
    slack = (SLACK,) if settings.slack.webhook_url else ()
    return slack or (() if catalogue.channels else (LOG,))


@dataclass
class OpenChannels:
    """Channel id → channel, following the catalogue."""

    settings: Settings
    catalogue: Callable[[], Catalogue]
    heads: Heads
    opened: dict[str, tuple[Configured, Channel]] = field(default_factory=dict)

    def __call__(self) -> Mapping[str, Channel]:
        """The channels of now; one whose secret is missing is left out and named in the log."""
        known = self.catalogue().channels
        for name, configured in known.items():
            if name not in self.opened or self.opened[name][0] != configured:
                try:
                    self.opened[name] = (configured, self._open(configured))
                except Unconfigured as error:
                    self.opened.pop(name, None)
                    log.error("channel.unconfigured", channel=name, problem=str(error))
        found = {name: channel for name, (_, channel) in self.opened.items() if name in known}
        found.setdefault(LOG, self._terminal(self.settings.slack.language, self.settings.zone))
        if self.settings.slack.webhook_url:
            url = self.settings.slack.webhook_url.get_secret_value()
            found.setdefault(SLACK, SlackChannel(url, self.settings.slack.language, self.settings.zone))
        return found

    def _open(self, configured: Configured) -> Channel:
        zone = configured.zone or self.settings.zone
        if configured.kind == "log":
            return self._terminal(configured.language, zone)
        if configured.kind == "webhook":
            signing = secret(configured.secret or "")
            return WebhookChannel(configured.url or "", key_of(signing), configured.language, zone)
        if configured.kind == "email":
            return EmailChannel(_mail_server(self.settings.smtp), configured.to, configured.language, zone)
        if configured.room is not None:
            return SlackApp(
                configured.id,
                configured.room,
                secret(configured.secret or ""),
                self.heads,
                buttons=self.settings.slack.signing_secret is not None,
                language=configured.language,
                zone=zone,
            )
        return SlackChannel(secret(configured.secret or ""), configured.language, zone)

    @staticmethod
    def _terminal(language: str, zone: str) -> LogChannel:
        def write(text: str) -> None:
            sys.stdout.write(text)
            sys.stdout.flush()

        return LogChannel(write, language, zone)


def _mail_server(smtp: Smtp) -> Server:
    if smtp.host is None:
        raise Unconfigured("smtp.host is not set: a channel of kind email needs a mail server")
    return Server(
        host=smtp.host,
        port=smtp.port or _PORTS[smtp.security],
        security=smtp.security,
        sender=smtp.sender,
        user=smtp.user,
        password=smtp.password.get_secret_value(),
        ca=smtp.ca,
    )
