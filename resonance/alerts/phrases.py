"""The sentences of notifications, in every language that a channel may speak. Each language has the same keys."""

from __future__ import annotations

WEEKDAYS: dict[str, tuple[str, ...]] = {
    "de": ("montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags", "sonntags"),
    "en": ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"),
}

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

SPANS: dict[str, dict[str, tuple[str, str, str]]] = {
    "de": {
        "s": ("Sekunde", "Sekunden", "Sekunden"),
        "m": ("Minute", "Minuten", "Minuten"),
        "h": ("Stunde", "Stunden", "Stunden"),
        "d": ("Tag", "Tage", "Tagen"),
        "w": ("Woche", "Wochen", "Wochen"),
    },
    "en": {
        "s": ("second", "seconds", "seconds"),
        "m": ("minute", "minutes", "minutes"),
        "h": ("hour", "hours", "hours"),
        "d": ("day", "days", "days"),
        "w": ("week", "weeks", "weeks"),
    },
}
"""One, many, and many after "within"."""

QUOTES: dict[str, tuple[str, str]] = {"de": ("„", "“"), "en": ("“", "”")}

PHRASES: dict[str, dict[str, str]] = {
    "de": {
        "critical": "Dringend: {title}",
        "volume_firing": "{topic}: ungewöhnlich viele Erwähnungen",
        "volume_resolved": "{topic}: wieder so viele Erwähnungen wie üblich",
        "volume_whole": "{topic}: ungewöhnlich viele Erwähnungen, schon vorbei",
        "negative_firing": "{topic}: ungewöhnlich viel Kritik",
        "negative_resolved": "{topic}: die Kritik lässt nach",
        "negative_whole": "{topic}: ungewöhnlich viel Kritik, schon vorbei",
        "silent_firing": "Quelle {topic} schweigt",
        "silent_resolved": "Quelle {topic} liefert wieder",
        "silent_whole": "Quelle {topic} schwieg und liefert wieder",
        "since": "Seit dem {since}.",
        "unusual": "{factor}-mal so viele Erwähnungen wie {weekday} um diese Zeit üblich "
        "({count} statt {usual} innerhalb von {window}).",
        "unusual_none": "{mentions} innerhalb von {window}; {weekday} um diese Zeit sind es sonst fast keine.",
        "volume": "{mentions} innerhalb von {window}.",
        "mentions_one": "{count} Erwähnung",
        "mentions_many": "{count} Erwähnungen",
        "share_one": "{percent} % von {count} Erwähnung sind negativ (innerhalb von {window}).",
        "share_many": "{percent} % von {count} Erwähnungen sind negativ (innerhalb von {window}).",
        "where": "Wo: {items}",
        "terms": "Worum es geht: {items}",
        "authors": "Wer am meisten schreibt: {items}",
        "links": "Was verlinkt wird: {items}",
        "quotes": "Was am weitesten trägt:",
        "quote_open": "öffnen",
        "reach": "Reichweite {reach}",
        "responsible": "Zuständig: {who}",
        "contact": "{department} ({person})",
        "over": "Vom {since}, bis {until} ({lasted}).",
        "peak": "Höhepunkt: {mentions} innerhalb von {window}.",
        "silent": "Seit dem {since} ist nichts mehr angekommen. Was über diese Quelle läuft, ist bis auf Weiteres nicht zu sehen.",
        "silent_was": "In dieser Zeit ist von ihr nichts angekommen.",
        "moment": "weniger als eine Minute",
        "open": "Meldung ansehen",
        "test": "Probenachricht von Resonance",
        "test_line": "Dieser Kanal ist richtig eingerichtet.",
        "test_open": "Resonance öffnen",
        "date": "{day:02}.{month:02}., {clock}",
        "clock": "{hour:02}:{minute:02} Uhr",
    },
    "en": {
        "critical": "Urgent: {title}",
        "volume_firing": "{topic}: unusually many mentions",
        "volume_resolved": "{topic}: back to the usual number of mentions",
        "volume_whole": "{topic}: unusually many mentions, over already",
        "negative_firing": "{topic}: an unusual amount of criticism",
        "negative_resolved": "{topic}: the criticism is fading",
        "negative_whole": "{topic}: an unusual amount of criticism, over already",
        "silent_firing": "Source {topic} is silent",
        "silent_resolved": "Source {topic} delivers again",
        "silent_whole": "Source {topic} was silent and delivers again",
        "since": "Since {since}.",
        "unusual": "{factor} times as many mentions as usual on {weekday} at this time "
        "({count} instead of {usual} within {window}).",
        "unusual_none": "{mentions} within {window}; on {weekday} at this time there are usually almost none.",
        "volume": "{mentions} within {window}.",
        "mentions_one": "{count} mention",
        "mentions_many": "{count} mentions",
        "share_one": "{percent}% of {count} mention is negative (within {window}).",
        "share_many": "{percent}% of {count} mentions are negative (within {window}).",
        "where": "Where: {items}",
        "terms": "What it is about: {items}",
        "authors": "Who writes most: {items}",
        "links": "What is linked: {items}",
        "quotes": "What carries furthest:",
        "quote_open": "open",
        "reach": "reach {reach}",
        "responsible": "Responsible: {who}",
        "contact": "{department} ({person})",
        "over": "From {since} to {until} ({lasted}).",
        "peak": "Peak: {mentions} within {window}.",
        "silent": "Nothing has arrived since {since}. Until further notice nothing can be seen of what this source carries.",
        "silent_was": "Nothing arrived from it during this time.",
        "moment": "less than a minute",
        "open": "See the alert",
        "test": "Test message from Resonance",
        "test_line": "This channel is set up correctly.",
        "test_open": "Open Resonance",
        "date": "{day} {name}, {clock}",
        "clock": "{hour:02}:{minute:02}",
    },
}
