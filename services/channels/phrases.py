"""The sentences of notifications, in every language that a channel may speak."""

from __future__ import annotations

WEEKDAYS: dict[str, tuple[str, ...]] = {
    "de": ("montags", "dienstags", "mittwochs", "donnerstags", "freitags", "samstags", "sonntags"),
    "en": ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays"),
}

PHRASES: dict[str, dict[str, str]] = {
    "de": {
        "volume_firing": "{topic}: ungewöhnlich viele Erwähnungen",
        "volume_resolved": "{topic}: wieder so viele Erwähnungen wie üblich",
        "negative_firing": "{topic}: ungewöhnlich viel Kritik",
        "negative_resolved": "{topic}: die Kritik lässt nach",
        "silent_firing": "Quelle {source} schweigt",
        "silent_resolved": "Quelle {source} liefert wieder",
        "unusual": "Seit {since} {factor}-mal so viele Erwähnungen wie {weekday} um diese Zeit üblich: "
        "{count} statt {usual} in {window}.",
        "volume": "Seit {since}: {count} Erwähnungen in {window}.",
        "negative_share": "{percent} % von {count} Erwähnungen sind negativ.",
        "where": "Vor allem auf: {items}",
        "terms": "Worum es geht: {items}",
        "authors": "Wer am meisten schreibt: {items}",
        "links": "Verlinkt: {items}",
        "reach": ", Reichweite {reach}",
        "responsible": "Zuständig: {who}",
        "over": "Von {since} bis {until} ({minutes} Minuten).",
        "open": "Ansehen",
        "test": "Probenachricht von Resonance",
        "test_line": "Dieser Kanal ist richtig eingerichtet.",
        "clock": "%d.%m., %H:%M Uhr",
        "unit_s": "Sekunden",
        "unit_m": "Minuten",
        "unit_h": "Std.",
        "unit_d": "Tagen",
    },
    "en": {
        "volume_firing": "{topic}: unusually many mentions",
        "volume_resolved": "{topic}: back to the usual number of mentions",
        "negative_firing": "{topic}: unusually much criticism",
        "negative_resolved": "{topic}: criticism is fading",
        "silent_firing": "Source {source} is silent",
        "silent_resolved": "Source {source} delivers again",
        "unusual": "Since {since} {factor} times as many mentions as usual for {weekday} at this hour: "
        "{count} instead of {usual} in {window}.",
        "volume": "Since {since}: {count} mentions in {window}.",
        "negative_share": "{percent}% of {count} mentions are negative.",
        "where": "Mostly on: {items}",
        "terms": "What it is about: {items}",
        "authors": "Who writes most: {items}",
        "links": "Linked: {items}",
        "reach": ", reach {reach}",
        "responsible": "Responsible: {who}",
        "over": "From {since} to {until} ({minutes} minutes).",
        "open": "Open",
        "test": "Test message from Resonance",
        "test_line": "This channel is set up correctly.",
        "clock": "%d %b, %H:%M",
        "unit_s": "seconds",
        "unit_m": "minutes",
        "unit_h": "h",
        "unit_d": "days",
    },
}
