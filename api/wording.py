"""What people read from the API, in German or English: which of them a reader prefers, and the common problems. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

Language = Literal["de", "en"]


def preferred(header: str | None, otherwise: Language = "en") -> Language:
    """The better liked of our languages in an Accept-Language header (RFC 9110 section 12.5.4).

    >>> preferred("fr, de-AT;q=0.8, en;q=0.5"), preferred("en-GB,de;q=0.9"), preferred(None, "de")
    ('de', 'en', 'de')
    """
    liked: dict[str, float] = {}
    for part in (header or "").lower().split(","):
        name, _, weight = part.strip().partition(";")
        found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", weight)
        language = name.split("-")[0].strip()
        liked[language] = max(liked.get(language, 0.0), float(found[1]) if found else 1.0)
    german, english = liked.get("de", 0.0), liked.get("en", 0.0)
    if german == english:
        # Liked equally: the one that is named first.
        named = [language for language in liked if language in ("de", "en")]
        return ("de" if named[0] == "de" else "en") if german else otherwise
    return "de" if german > english else "en"


_THINGS = {
    "topic": "kein Thema",
    "alert": "keinen Alarm",
    "rule": "keine Regel",
    "silence": "keine Stummschaltung",
    "department": "keine Abteilung",
    "channel": "keinen Kanal",
    "source": "keine Quelle",
    "job": "keinen Auftrag",
    "dead letter": "keine Fehlsendung",
}
_Replacement = str | Callable[[re.Match[str]], str]
_SENTENCES_DE: tuple[tuple[str, _Replacement], ...] = (
    (r"there is no such mention", "diese Erwähnung gibt es nicht"),
    (r"is required|Field required", "fehlt"),
    (r"must be after (\w+)", r"muss nach \1 liegen"),
    (r"unknown parameters?: (.*)", r"unbekannte Parameter: \1"),
    (r"unknown; known are (.*)", r"unbekannt; bekannt sind \1"),
    (r"unknown key; known are (.*)", r"unbekanntes Feld; bekannt sind \1"),
    (r"send X-API-Key or a Bearer token", "ein Schlüssel fehlt: X-API-Key oder Bearer senden"),
    (r"this key is unknown or revoked", "dieser Schlüssel ist unbekannt oder widerrufen"),
    (r"the permission '(\w+)' is needed", r"das Recht '\1' ist nötig"),
    (
        r"this key is bound to topics and may not do that",
        "dieser Schlüssel gilt nur für bestimmte Themen und darf das nicht",
    ),
    (r"headers are missing: (.*)", r"es fehlen Kopfzeilen: \1"),
    (
        r"no v1 signature in webhook-signature is that of this body by our secret",
        "keine v1-Signatur in webhook-signature ist die dieses Inhalts mit unserem Geheimnis",
    ),
    (
        r"webhook-timestamp is too (\w+): (\d+) s away, at most (\d+) s are taken",
        r"webhook-timestamp liegt \2 s neben unserer Zeit, höchstens \3 s sind erlaubt",
    ),
    (
        r"the message (.*) of this time came before; .*",
        r"die Nachricht \1 mit dieser Zeit kam schon; ein neuer Versuch trägt eine neue Zeit",
    ),
    (r"the request comes from another site", "die Anfrage kommt von einer fremden Seite"),
    (r"the host (.*) is not this machine", r"der Host \1 ist nicht dieser Rechner"),
    (r"processing is behind; nothing was taken", "die Verarbeitung ist im Rückstand; nichts wurde übernommen"),
    (r"the disk is nearly full; nothing was taken", "die Platte ist fast voll; nichts wurde übernommen"),
    (r"at most ([0-9,]+) items at once", r"höchstens \1 Einträge auf einmal"),
    (r"at most ([0-9,]+) bytes at once", r"höchstens \1 Byte auf einmal"),
    (r"the body is empty", "der Inhalt ist leer"),
    (r"the body is no JSON.*", "der Inhalt ist kein JSON"),
    (r"the body is too large", "der Inhalt ist zu groß"),
    (
        r"send If-Match with the ETag that you read.*",
        "If-Match mit dem gelesenen ETag senden, oder * zum Überschreiben",
    ),
    (r"the \w+ ('[^']*') was changed meanwhile: .*", r"\1 wurde inzwischen geändert"),
    (r"there is an? \w+ ('[^']*') already", r"\1 gibt es schon"),
    (r"is no cursor of ours", "ist keine unserer Fortsetzungsmarken"),
    (r"belongs to other filters", "gehört zu anderen Filtern"),
    (r"is no place in the change feed", "ist keine Stelle im Änderungsstrom"),
    (r"changes of that time are no longer kept", "Änderungen aus dieser Zeit werden nicht mehr aufbewahrt"),
    (r"the place belongs to another store", "die Stelle gehört zu einem anderen Speicher"),
    (r"(.*) is not (?:offered|read) yet", r"\1 gibt es noch nicht"),
    (r"(.*) is no IANA time zone.*", r"\1 ist keine IANA-Zeitzone, zum Beispiel Europe/Berlin"),
    (r"makes (.*) points; at most ([0-9,]+) are given", r"ergibt \1 Punkte; höchstens \2 werden gegeben"),
    (r"an id cannot be changed", "eine Kennung ist unveränderlich"),
    (r"Input should be less than or equal to (.*)", r"darf höchstens \1 sein"),
    (r"Input should be greater than or equal to (.*)", r"muss mindestens \1 sein"),
    (r"Input should be ('.*' or '.*')", lambda m: "muss " + m[1].replace(" or ", " oder ") + " sein"),
    (r"there is no ([a-z ]+) ('[^']*'|[0-9]+)", lambda m: f"es gibt {_THINGS.get(m[1], 'nichts namens')} {m[2]}"),
)
_GERMAN = tuple((re.compile(pattern, re.DOTALL), german) for pattern, german in _SENTENCES_DE)


def in_language(detail: str, language: Language) -> str:
    """A problem's sentence in this language, where it is a common one; else as it is.

    >>> in_language("there is no topic 'x'", "de")
    "es gibt kein Thema 'x'"
    """
    if language == "de":
        for pattern, german in _GERMAN:
            found = pattern.fullmatch(detail)
            if found:
                return pattern.sub(german, detail, count=1)
    return detail
