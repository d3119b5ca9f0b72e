"""E-mail to a real SMTP server on loopback."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from resonance.alerts.message import Message, Quote
from resonance.errors import Retry
from resonance.stores.heads import Heads
from services.channels.channel import GaveUp
from services.channels.email import EmailChannel, Server
from services.channels.opening import OpenChannels
from services.settings import load
from tests.support.fake_smtp import FakeSmtp, certificate
from tests.support.outbox import NOW, fresh

WORDS = Message(
    "Nordlicht: ungewöhnlich viele Erwähnungen",
    ("24 statt 4 <b>",),
    (Quote("„Kaffee & Öl“", "@ana", 'https://bluesky.example/"1'),),
    "Was gesagt wird",
    "Öffnen",
    (("Ansehen", "https://resonance.example/alerts/a"),),
    alert="a1",
)


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def smtp() -> Iterator[FakeSmtp]:
    with closing(FakeSmtp()) as fake:
        yield fake


def channel(fake: FakeSmtp, *to: str, **options: Any) -> EmailChannel:
    server = Server("127.0.0.1", fake.port, fake.security, "Resonance <alerts@nordlicht.example>")  # type: ignore[arg-type]
    return EmailChannel(replace(server, **options), to or ("pr@example.org",), timeout=2.0)


def only(fake: FakeSmtp) -> EmailMessage:
    [(_, mail, _, _)] = fake.mails
    return mail


def test_text_and_html_say_the_same(smtp: FakeSmtp) -> None:
    channel(smtp, "pr@example.org", "chef@example.org").send(WORDS, "key-1")
    mail = only(smtp)
    assert smtp.mails[0][0] == ("pr@example.org", "chef@example.org")
    assert mail["Subject"] == "[Alarm] Nordlicht: ungewöhnlich viele Erwähnungen"
    assert mail["Auto-Submitted"] == "auto-generated"
    text, marked_up = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and marked_up is not None
    assert "24 statt 4 <b>" in text.get_content() and "„Kaffee & Öl“" in text.get_content()
    assert "24 statt 4 &lt;b&gt;" in marked_up.get_content()
    assert 'href="https://bluesky.example/&quot;1"' in marked_up.get_content()


def test_an_incident_is_one_thread_and_a_repetition_has_the_same_id(smtp: FakeSmtp) -> None:
    over = structs.replace(WORDS, mark="resolved", title="vorbei")
    for message, key in ((WORDS, "key-1"), (WORDS, "key-1"), (over, "key-2"), (over, "key-2")):
        channel(smtp).send(message, key)
    fired, again, resolved, resolved_again = (mail for _, mail, _, _ in smtp.mails)
    assert fired["Message-ID"] == again["Message-ID"] == "<incident.a1@nordlicht.example>"
    assert resolved["Message-ID"] == resolved_again["Message-ID"] != fired["Message-ID"]
    assert resolved["In-Reply-To"] == resolved["References"] == fired["Message-ID"]
    assert resolved["Subject"] == "[Vorbei] vorbei"
    assert fired["In-Reply-To"] is None


def test_a_title_cannot_add_headers(smtp: FakeSmtp) -> None:
    channel(smtp).send(structs.replace(WORDS, title="a\r\nBcc: x@example.org", alert="a>\r\nX: y"), "k\n")
    mail = only(smtp)
    assert mail["Bcc"] is None and mail["X"] is None
    assert mail["Subject"] == "[Alarm] a Bcc: x@example.org"


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_login_goes_over_an_encrypted_line(certified: tuple[Path, Path], security: str) -> None:
    with closing(FakeSmtp(security, certified, password="geheim")) as fake:
        channel(fake, user="resonance", password="geheim", ca=certified[0]).send(WORDS, "key")
        assert [(encrypted, user) for _, _, encrypted, user in fake.mails] == [(True, "resonance")]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_no_mail(certified: tuple[Path, Path], security: str) -> None:
    with closing(FakeSmtp(security, certified)) as fake:
        with pytest.raises(Retry, match="certificate"):
            channel(fake).send(WORDS, "key")
        assert fake.mails == []


def test_without_starttls_nothing_goes_in_the_clear(smtp: FakeSmtp) -> None:
    with pytest.raises(GaveUp, match="STARTTLS"):
        channel(smtp, security="starttls").send(WORDS, "key")
    assert smtp.mails == []


def test_a_wrong_password_is_final_and_stands_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    with closing(FakeSmtp(password="richtig")) as fake:
        sender = channel(fake, user="resonance", password="geheim")
        with pytest.raises(GaveUp, match="refused the login: 535") as caught:
            sender.send(WORDS, "key")
    assert "geheim" not in f"{caught.value!r}{caught.value.__cause__!r}{sender!r}{caplog.text}"


@pytest.mark.parametrize("word", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("answer", "error"), [("451 later", Retry), ("550 no", GaveUp)])
def test_4xx_comes_again_and_5xx_is_final(smtp: FakeSmtp, word: str, answer: str, error: type[Exception]) -> None:
    smtp.refusals = {word: [answer]}
    with pytest.raises(error, match=answer[:3]) as caught:
        channel(smtp).send(WORDS, "key")
    assert "example.org" not in str(caught.value)


def test_whom_the_server_takes_has_it_although_another_is_refused(smtp: FakeSmtp) -> None:
    smtp.refusals = {"RCPT": ["550 nobody"]}
    channel(smtp, "gone@example.org", "pr@example.org").send(WORDS, "key")
    assert smtp.mails[0][0] == ("pr@example.org",)


def test_a_server_that_is_not_there_is_waited_for() -> None:
    with pytest.raises(Retry, match="does not answer"):
        EmailChannel(Server("127.0.0.1", 1, "plain", "a@b"), ("a@b",), timeout=1.0).send(WORDS, "key")


def test_the_settings_and_the_catalogue_make_the_channel(tmp_path: Path, smtp: FakeSmtp) -> None:
    file = tmp_path / "resonance.toml"
    file.write_text('[[channels]]\nid = "mail"\nkind = "email"\nto = ["pr@example.org"]\nlanguage = "en"\n')
    database = fresh(tmp_path)
    for variables in ({}, {"RESONANCE_SMTP__HOST": "127.0.0.1"}):
        variables |= {"RESONANCE_SMTP__SECURITY": "plain", "RESONANCE_SMTP__PORT": str(smtp.port)}
        found = load(file, variables)
        opened = OpenChannels(found.settings, lambda found=found: found.seed, Heads(database))()  # type: ignore[misc]
        assert ("mail" in opened) is ("RESONANCE_SMTP__HOST" in variables)
    opened["mail"].send(structs.replace(WORDS, fired_at=NOW), "key")
    assert only(smtp)["Subject"].startswith("[Alert] ")
    database.close()
