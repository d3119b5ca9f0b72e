"""What people say in German of each topic: its names in three cases, flaws, merits, questions, occasions and facts.

Flaws, merits and facts are main clauses without a full stop; questions lack their question mark. `{N}`, `{A}`, `{D}` are
the topic's name in the nominative, accusative and dative.
"""

from __future__ import annotations

from typing import Final

from ingest.demo.lexicon import Lexicon


def _masculine(noun: str, *variants: str) -> tuple[tuple[str, str, str], ...]:
    """A masculine name as people put it: article, possessive, further variants of the noun.

    >>> _masculine("Kauz")[0]
    ('der Kauz', 'den Kauz', 'dem Kauz')
    """
    forms = [(f"der {noun}", f"den {noun}", f"dem {noun}")] * 7
    forms += [(f"{my}", f"{my}en", f"{my}em") for my in ("mein", "unser")]
    forms = [(n if " " in n else f"{n} {noun}", a if " " in a else f"{a} {noun}", d if " " in d else f"{d} {noun}")
             for n, a, d in forms]  # fmt: skip
    forms += [(f"der {v}", f"den {v}", f"dem {v}") for v in variants]
    forms.append((f"der neue {noun}", f"den neuen {noun}", f"dem neuen {noun}"))
    return tuple(forms)


def _bare(*names: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, name, name) for name in names)


WORDS: Final = {
    "kesselfink": Lexicon(
        names=_bare("Kesselfink", "Kesselfink", "Kesselfink", "Kesselfink aus Bad Lauterwald")
        + (("der Wasserkocher von Kesselfink", "den Wasserkocher von Kesselfink", "dem Wasserkocher von Kesselfink"),
           ("die Firma Kesselfink", "die Firma Kesselfink", "der Firma Kesselfink")),
        flaws=(
            "die Verpackung kam eingedellt an", "das Kabel ist viel zu kurz", "der Deckel klemmt bei jedem Öffnen",
            "die Anleitung versteht kein Mensch", "der Newsletter kommt dreimal am Tag", "das Logo blättert schon ab",
            "der Versand dauert ewig", "die Website stürzt im Warenkorb ab", "der Griff wird heiß",
            "der Kalk setzt sich überall fest", "die Lampe flackert", "das Zubehör kostet ein Vermögen",
        ),
        merits=(
            "das Design ist einfach zeitlos", "der Kessel pfeift wirklich wie ein Fink", "alles ist aus einem Guss",
            "das Wasser kocht in zwei Minuten", "das Metall fühlt sich richtig wertig an", "nichts klappert",
            "die Farben passen perfekt in unsere Küche", "das Ding hält seit elf Jahren", "der Ton ist herrlich albern",
            "man merkt die Liebe zum Detail", "der Werksverkauf war ein Erlebnis", "die Leute dort sind so nett",
        ),
        asks=(
            "gibt es bei {D} gerade einen Rabatt", "kennt jemand den Werksverkauf von Kesselfink",
            "lohnt sich {N} für einen Zweipersonenhaushalt", "wird bei Kesselfink noch in Deutschland produziert",
            "wo bekomme ich {A} in Mintgrün", "hat jemand Erfahrung mit Kesselfink als Arbeitgeber",
            "kann man {A} auch auf Rechnung kaufen", "wie entkalkt ihr {A} am besten",
            "ist {N} das Geld wert", "welche Läden in der Nähe führen {A}",
        ),
        uses=(
            "beim Frühstück", "im Büro", "für die Teeküche", "im Wohnmobil", "beim Umzug", "zur Hochzeit",
            "für die Ferienwohnung", "in der WG", "im Kleingarten", "beim Adventskaffee",
        ),
        facts=(
            "die Ausbildung beginnt dieses Jahr mit zwölf Azubis", "das Werk feiert Tag der offenen Tür",
            "im Herbst kommt eine neue Farbe", "der Umsatz ist leicht gestiegen", "die Messe in Köln steht an",
            "das Museum im alten Kesselhaus öffnet wieder", "der Betriebsrat wurde neu gewählt",
            "auf dem Dach der Halle liegt jetzt Photovoltaik", "das Familienunternehmen besteht seit 1931",
            "der Onlineshop liefert jetzt auch nach Österreich", "die Gießerei bekommt einen neuen Ofen",
        ),
    ),
    "ruehrspecht": Lexicon(
        names=_masculine("Rührspecht", "Rührspecht 5", "Rührspecht Mini", "Rührspecht von Kesselfink"),
        flaws=(
            "der Knethaken schleift am Rand", "der Motor brummt wie ein Traktor", "der Schneebesen verliert Drähte",
            "bei schwerem Teig wandert das Ding über die Platte", "der Drehknopf ist ausgeleiert",
            "der Spritzschutz passt nie richtig", "die kleinste Stufe ist schon zu schnell",
            "der Arm rastet nicht mehr ein", "es riecht nach warmem Gummi", "der Flachrührer kratzt",
            "kleine Mengen Sahne erwischt er gar nicht", "die Füße hinterlassen Streifen",
        ),
        merits=(
            "der Hefeteig wird unglaublich luftig", "selbst ein Kilo Roggenteig ist kein Problem",
            "die Sahne steht in einer Minute", "das Reinigen geht ratzfatz", "der Motor zieht gnadenlos durch",
            "die Kinder backen jetzt jeden Tag", "der Eischnee ist so fest wie nie", "die Schüssel ist groß genug",
            "leiser als jede Maschine davor", "der Pizzateig ist ein Traum", "das Brot geht auf wie beim Bäcker",
        ),
        asks=(
            "passt der alte Knethaken an {A}", "schafft {N} zwei Kilo Teig", "welche Stufe nehmt ihr für Brioche",
            "gibt es für {A} einen Fleischwolf", "darf die Schüssel vom Rührspecht in die Spülmaschine",
            "wie laut ist {N} wirklich", "lohnt das Upgrade auf {A}", "wo finde ich Rezepte für {A}",
            "hat wer {A} schon mal selbst gefettet", "nutzt jemand {A} für Seife",
        ),
        uses=(
            "beim Hefeteig", "für den Pizzateig", "beim Sonntagskuchen", "mit Vollkornmehl", "bei der Sauerteigrunde",
            "für die Plätzchen", "beim Marmorkuchen", "für Spätzle", "beim Baiser", "für die Geburtstagstorte",
        ),
        facts=(
            "es gibt jetzt eine Edelstahlschüssel mit fünf Litern", "die Farbe Farngrün läuft aus",
            "das Backbuch dazu erscheint im Oktober", "der Nudelaufsatz ist wieder lieferbar",
            "im Test der Backzeitschrift reichte es für Platz drei", "das Einsteigermodell kommt ohne Waage",
            "der Händler um die Ecke zeigt heute eine Vorführung", "das Gewicht liegt bei neun Kilo",
            "die Garantie beträgt fünf Jahre", "der Volkshochschulkurs arbeitet mit vier Stück davon",
        ),
    ),
    "dampfkauz": Lexicon(
        names=_masculine("Dampfkauz", "Dampfkauz Duo", "Dampfkauz S", "Dampfkauz von Kesselfink"),
        flaws=(
            "die Dichtung tropft", "der Wassertank ist zu klein", "die Milchdüse verstopft ständig",
            "das Aufheizen dauert eine Ewigkeit", "der erste Bezug ist immer sauer", "die Tropfschale quillt über",
            "das Mahlwerk kreischt morgens um sechs", "die Anzeige meldet grundlos Entkalken",
            "der Siebträger sitzt bombenfest", "die Crema ist nach Sekunden weg", "die Pumpe klopft",
        ),
        merits=(
            "der Espresso schmeckt wie in Triest", "die Crema ist dicht und haselnussbraun",
            "der Milchschaum wird seidig", "nach sechs Minuten ist alles heiß", "die Temperatur bleibt stabil",
            "die Bedienung ist kinderleicht", "morgens reicht ein Knopfdruck", "der Kaffee im Büro bleibt jetzt stehen",
            "das Gehäuse ist eine Schönheit", "selbst der alte Robusta schmeckt rund", "die Mühle ist erstaunlich leise",
        ),
        asks=(
            "welchen Mahlgrad nehmt ihr für {A}", "wie oft entkalkt ihr {A}", "passt ein bodenloser Siebträger an {A}",
            "kann {N} zwei Tassen gleichzeitig", "welche Bohnen laufen gut mit {D}", "braucht {N} einen Wasserfilter",
            "gibt es {A} gebraucht", "hat {N} eine Vorbrühung", "wie warm wird {N} oben drauf",
            "lohnt sich {N} gegenüber einer Kapselmaschine",
        ),
        uses=(
            "zum Frühstück", "nach dem Mittag", "für Cappuccino", "bei hellen Röstungen", "im Homeoffice",
            "nach der Nachtschicht", "für den Flat White", "mit Hafermilch", "am Sonntagmorgen", "fürs ganze Team",
        ),
        facts=(
            "es gibt jetzt ein Sieb für eine einzelne Tasse", "die Rösterei aus Bremen bietet Kurse dazu an",
            "das Modell Duo hat zwei Kessel", "die Holzgriffe kommen aus dem Schwarzwald",
            "der Testbericht ist online", "die nächste Lieferung trifft am Monatsende ein",
            "das Reinigungspulver ist neu zusammengesetzt", "auf der Kaffeemesse steht ein Vorführgerät",
            "der Tank fasst knapp zwei Liter", "die schwarze Ausführung ist ausverkauft",
        ),
    ),
    "nestfunk": Lexicon(
        names=(
            ("die Nestfunk-App", "die Nestfunk-App", "der Nestfunk-App"), *[("Nestfunk", "Nestfunk", "Nestfunk")] * 5,
            ("die App Nestfunk", "die App Nestfunk", "der App Nestfunk"),
            ("das neue Nestfunk", "das neue Nestfunk", "dem neuen Nestfunk"),
            ("Nestfunk von Kesselfink", "Nestfunk von Kesselfink", "Nestfunk von Kesselfink"),
        ),
        flaws=(
            "die Verbindung bricht ständig ab", "die Einkaufsliste synchronisiert nicht", "der Akku ist mittags leer",
            "die Benachrichtigungen kommen doppelt", "der Dunkelmodus ist unlesbar", "die Rezeptsuche findet nichts",
            "nach dem Update fehlen meine Favoriten", "ohne WLAN geht gar nichts", "die Werbung nervt",
            "der Timer klingelt zu spät", "das Koppeln klappt erst beim fünften Mal", "die Uhrzeit springt um eine Stunde",
        ),
        merits=(
            "die Rezepte sind richtig gut erklärt", "das Vorheizen vom Sofa aus ist genial",
            "die Einkaufsliste teilt sich die ganze Familie", "die neue Oberfläche ist endlich übersichtlich",
            "der Kaffee ist fertig, wenn der Wecker klingelt", "das Update kam schneller als gedacht",
            "die Waage zählt direkt mit", "das Einrichten hat keine Minute gedauert", "die Küchenuhr ist Gold wert",
            "der Offline-Modus klappt tadellos",
        ),
        asks=(
            "läuft {N} auch auf älteren Handys", "kann man {A} ohne Konto nutzen", "gibt es {A} für Linux",
            "wie verbinde ich {A} mit zwei Küchen", "speichert {N} die Rezepte lokal", "spricht {N} mit Home-Servern",
            "wo stelle ich bei {D} die Einheiten um", "wie lösche ich in {D} alte Listen",
            "kommt {N} irgendwann aufs Tablet", "kann {N} Allergene filtern",
        ),
        uses=(
            "beim Wocheneinkauf", "zum Vorheizen", "beim Kochen mit den Kindern", "unterwegs", "für den Timer",
            "bei der Rezeptsuche", "auf dem Tablet", "im Urlaub", "beim Backen", "für die Familienliste",
        ),
        facts=(
            "Version 4.2 bringt einen Wochenplaner", "die Betaphase läuft bis Monatsende",
            "es gibt jetzt eine niederländische Übersetzung", "die Rezeptsammlung zählt über tausend Einträge",
            "das Changelog ist diesmal sehr lang", "die Schnittstelle wird dokumentiert",
            "ältere Geräte werden noch zwei Jahre unterstützt", "ein Widget für den Sperrbildschirm ist da",
            "die Entwickler suchen Testhaushalte", "in der Umfrage gewann der Wunsch nach Etiketten",
        ),
    ),
    "finkdienst": Lexicon(
        names=_masculine("Finkdienst", "Finkdienst von Kesselfink")[:3]
        + (("der Finkdienst", "den Finkdienst", "dem Finkdienst"), ("die Leitung vom Finkdienst",) * 2
           + ("der Leitung vom Finkdienst",), ("das Team vom Finkdienst", "das Team vom Finkdienst",
           "dem Team vom Finkdienst"), ("der Finkdienst in Bad Lauterwald", "den Finkdienst in Bad Lauterwald",
           "dem Finkdienst in Bad Lauterwald")),
        flaws=(
            "auf die Mail kam nie eine Antwort", "das Paket ging unrepariert zurück", "die Warteschleife singt Vogellieder",
            "der Kostenvoranschlag ist höher als der Neupreis", "der Termin wurde zweimal verschoben",
            "die Dichtung ist seit Monaten nicht lieferbar", "niemand fühlt sich zuständig",
            "das Formular verschluckt die Seriennummer", "der Rückruf blieb aus", "die Rechnung stimmt hinten und vorne nicht",
        ),
        merits=(
            "nach drei Tagen war alles repariert", "die Dame am Telefon war unglaublich freundlich",
            "das Ersatzteil lag am nächsten Tag im Briefkasten", "der Techniker hat sogar noch entkalkt",
            "es wurde kulant ausgetauscht", "die Anleitung zum Selberschrauben ist vorbildlich",
            "das Reparaturcafé war rappelvoll und lustig", "der Zwanzigjährige läuft wieder", "so geht Nachhaltigkeit",
        ),
        asks=(
            "wie erreiche ich {A} am Samstag", "was kostet bei {D} eine neue Dichtung", "holt {N} Geräte ab",
            "repariert {N} auch Modelle von 1998", "wie lange braucht {N} gerade", "hat jemand die Durchwahl vom Finkdienst",
            "nimmt {N} auch fremde Marken an", "brauche ich für {A} den Kassenzettel",
            "verschickt {N} Dichtungen ins Ausland", "gibt es bei {D} einen Chat",
        ),
        uses=(
            "wegen einer Dichtung", "wegen des alten Kessels", "beim Knethaken", "in der Garantiezeit", "nach dem Sturz",
            "wegen der Pumpe", "mit dem Handrührer", "beim Ersatzdeckel", "wegen eines Kabels", "mit der Waage",
        ),
        facts=(
            "die Werkstatt zieht in die Halle drei um", "Ersatzdeckel gibt es wieder ab Lager",
            "am Samstag ist Reparaturcafé", "die Öffnungszeiten ändern sich im Sommer",
            "Explosionszeichnungen stehen jetzt offen im Netz", "die Abholung kostet neun Euro",
            "es gibt einen neuen Versandaufkleber", "das Team bekommt zwei neue Leute",
            "die Preisliste wurde aktualisiert",
        ),
    ),
    "brodelux": Lexicon(
        names=_bare("Brodelux", "Brodelux", "Brodelux")
        + (("der Mixer von Brodelux", "den Mixer von Brodelux", "dem Mixer von Brodelux"),
           ("das Gerät von Brodelux", "das Gerät von Brodelux", "dem Gerät von Brodelux"),
           ("die Firma Brodelux", "die Firma Brodelux", "der Firma Brodelux")),
        flaws=(
            "das Plastik knarzt", "der Preis ist schon wieder gestiegen", "nach der Garantie war Schluss",
            "die Kapseln sind reine Müllproduktion", "das Display spiegelt", "der Support antwortet nur mit Textbausteinen",
            "das Netzteil fiept", "der Messbecher ist falsch geeicht", "die Klinge ist stumpf",
        ),
        merits=(
            "der Preis ist unschlagbar", "das Ding mixt alles klein", "die Lieferung war am nächsten Tag da",
            "das Display ist gestochen scharf", "der Topf ist riesig", "die Bedienung ist logisch",
            "der Smoothie wird richtig cremig", "das Zubehör ist komplett dabei", "die Pfanne klebt nicht",
        ),
        asks=(
            "ist {N} besser als die Lauterwälder Konkurrenz", "taugt {N} für Großfamilien", "wo wird {N} hergestellt",
            "was haltet ihr von {D}", "gibt es für {A} Ersatzklingen", "wie laut ist {N} beim Crushen",
            "lohnt sich {N} im Angebot", "hat {N} jetzt einen Filialshop",
        ),
        uses=(
            "für Suppen", "beim Smoothie", "im Angebot", "für die Studentenbude", "beim Grillabend", "für Babybrei",
            "im Vergleichstest", "beim Räumungsverkauf",
        ),
        facts=(
            "der Konzern eröffnet ein Lager bei Hof", "die neue Serie heißt Turbo Neun",
            "der Vorstand stellt die Zahlen vor", "es gibt eine Kooperation mit einem Fernsehkoch",
            "die Aktion läuft bis Sonntag", "das Modell wird eingestellt", "die Werbung läuft jetzt überall",
            "ein Bericht vergleicht fünf Standmixer",
        ),
    ),
}  # fmt: skip
