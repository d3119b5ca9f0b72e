"""How German speakers put it: sentences with slots, by mood, and talk that belongs to no topic."""

from __future__ import annotations

from typing import Final

from ingest.demo.lexicon import Tongue

TONGUE: Final = Tongue(
    openers={
        "complaint": (
            "Langsam reicht es mir.", "Bin ich der Einzige?", "Ehrlich gesagt enttäuscht.", "So ein Ärger!", "Kurzer Frust:",
            "Schade eigentlich.", "Nie wieder so.", "Guten Morgen, oder auch nicht.", "Mal Dampf ablassen:",
            "Ich wollte ja nichts sagen, aber:", "Das darf doch nicht wahr sein.", "Tag {n} der Geduldsprobe:",
            "Liebe Leute,", "Puh.", "Warum nur?", "Ich geb es auf.", "Nicht lustig:", "{Who} lacht schon über mich.",
        ),
        "praise": (
            "Muss auch mal gesagt werden:", "Kleine Freude am Rande:", "Ich bin verliebt.", "Große Empfehlung!", "Hach.",
            "Unbezahlte Werbung, aber:", "Positiv überrascht.", "Endlich!", "Was soll ich sagen:", "Heute ist ein guter Tag.",
            "{Who} hatte recht:", "Ein Dankeschön:", "Wer hätte das gedacht?", "Fan seit {n} Jahren.", "Wow.",
        ),
        "question": (
            "Frage an die Runde:", "Schwarmwissen gesucht:", "Hallo zusammen,", "Kurze Frage:", "Blöde Frage vielleicht:",
            "Ich steh auf dem Schlauch:", "Kaufberatung bitte:", "{Who} will wissen:", "Mal in die Runde gefragt:",
            "Weiß das hier jemand?", "Hilfe gesucht:", "Bevor ich bestelle:", "Neu hier, deshalb:",
        ),
        "report": (
            "Gelesen:", "Zur Info:", "Gerade gesehen:", "Notiz aus der Küche:", "Aus der Region:", "Für alle, die es angeht:",
            "Kurz notiert:", "Neuigkeiten:", "Am Rande erfahren:", "Für die Sammlung:", "Update aus {place}:",
        ),
    },
    cores={
        "complaint": (
            "{N} macht mir {since} nur Kummer: {flaw}.", "{flaw}, und das bei {D}.",
            "Mit {D} {use} ist es zum Heulen, {flaw}.", "Ich bin von {D} enttäuscht. {flaw}.",
            "{since} ärgere ich mich über {A}: {flaw}.", "{who} hat {A} schon wieder verflucht, denn {flaw}.",
            "Also {N} und ich, das wird nichts mehr: {flaw}, {flaw2}.", "{use} zeigt sich, was an {D} schlecht ist: {flaw}.",
            "{N} kostet so viel, und trotzdem: {flaw}.", "Wer {A} kauft, sollte wissen: {flaw}.",
            "Finger weg von {D}, {flaw}.", "Ich hätte {A} nie nehmen sollen, {flaw}.",
        ),
        "praise": (
            "{N} hat mir {use} den Tag gerettet, {merit}.", "{since} habe ich {A}, und {merit}.", "{merit}! Danke, {N}.",
            "Mit {D} macht es {use} richtig Spaß: {merit}.", "{who} schwärmt von {D}, weil wirklich gilt: {merit}.",
            "Ich liebe {A}. {merit}, {merit2}.", "{N} ist jeden Cent wert: {merit}.", "Großes Lob an {A}: {merit}.",
            "{use} ist {N} unschlagbar, {merit}.", "Nie gedacht, dass {N} mich so begeistert: {merit}.",
            "Besser als {N} geht es {use} kaum, {merit}.",
        ),
        "question": (
            "{ask}?", "{ask}? Wäre {use} praktisch.", "{who} fragt: {ask}?", "{ask}, oder lieber etwas anderes nehmen?",
            "Ich überlege {since}: {ask}?", "{ask}? In {place} konnte mir niemand helfen.",
            "{ask}? {who} meint ja, ich meine nein.", "{ask} und falls ja, seit wann?",
        ),
        "report": (
            "Zu {D}: {fact}.", "{N} in Kürze: {fact}, {fact2}.", "Neues rund um {A}: {fact}.",
            "In {place} gehört, was es mit {D} auf sich hat: {fact}.", "{fact}, so steht es im Bericht über {A}.",
            "{who} erzählt von {D}: {fact}.", "{N}: {fact}. Außerdem: {fact2}.", "{since} gilt bei {D}: {fact}.",
            "Heute {use} über {A} gesprochen, {fact}.",
        ),
    },
    tails={
        "complaint": (
            "Geht das nur mir so?", "So macht das keinen Spaß.", "{who} sagt: zurückschicken.", "Dafür {n}9 Euro, danke auch.",
            "Ich bin bedient.", "Was mache ich jetzt {use}?", "Das war früher besser.", "Sehr schade.", "Peinlich.",
            "Kann da bitte mal jemand draufschauen?", "Zwei Sterne, mehr nicht.", "Und das in {place}, wo ich niemanden kenne.",
            "Ich koche, aber vor Wut.", "Nächstes Mal lese ich vorher die Berichte.", "Das kann doch nicht so schwer sein.",
        ),
        "praise": (
            "Kann ich nur empfehlen.", "{who} will jetzt auch so etwas.", "Fünf Sterne von mir.", "So muss das sein.",
            "Grüße aus {place}!", "Ich gebe das nicht mehr her.", "Weiter so!", "Mein Highlight diese Woche.",
            "Da hüpft das Herz.", "Hat sich {since} bezahlt gemacht.", "Einfach schön.", "Probiert es {use} mal aus.",
        ),
        "question": (
            "Danke schon mal!", "Bin für jeden Tipp dankbar.", "Budget liegt bei {n}0 Euro.", "Es eilt nicht.",
            "Grüße aus {place}.", "Ich frage für {whom}.", "Google war ratlos.", "Gern auch per Nachricht.",
            "Wie macht ihr das {use}?", "Bilder wären toll.", "Danke euch, liebe Küchenmenschen.",
        ),
        "report": (
            "Mehr dazu morgen.", "Mal sehen, was daraus wird.", "Quelle: Aushang in {place}.", "Stand heute.",
            "Ohne Gewähr.", "Für {whom} vielleicht interessant.", "Weiter im Programm.", "Mehr weiß ich auch nicht.",
            "Das ergab eine Nachfrage in {place}.", "Bericht folgt.",
        ),
    },
    replies={
        "complaint": (
            "Bei {D} kenne ich das auch: {flaw}.", "Dasselbe hier, {N} hat {since} genau den Fehler.",
            "{who} hatte mit {D} das gleiche Theater, {flaw}.", "Willkommen im Club, {flaw}. {N} eben.",
            "Ich habe {A} deshalb verkauft, {flaw}.", "Stimmt leider. {N} {use}: {flaw}.",
        ),
        "praise": (
            "Kann ich bestätigen, {N} ist super: {merit}.", "Bei uns auch, {merit}. Nichts geht über {A}.",
            "{who} hat {A} {since} und sagt: {merit}.", "Genau, {merit}. Deshalb {N}.", "Freut mich! {N} {use} ist top, {merit}.",
        ),
        "question": (
            "Gute Frage, mich interessiert auch: {ask}?", "Daran hänge ich auch. Und noch etwas: {ask}?",
            "{who} wollte das zu {D} auch wissen. {ask}?", "Schau mal in die Anleitung zu {D}, Seite {n}.",
            "Bei {D} klappt das {use}, bei mir jedenfalls.", "Soweit ich weiß, {fact}. Frag sonst bei {D} nach.",
        ),
        "report": (
            "Danke für den Hinweis, über {A} wusste ich nur: {fact}.", "Bei {D} heißt es doch auch, {fact}.",
            "Ergänzung zu {D}: {fact}.", "{who} sagt über {A}: {fact2}.",
        ),
    },
    bare_replies=(
        "Danke dir, das probiere ich {use} gleich aus.", "Haha, {who} hat genau dasselbe gesagt.", "Kann ich so unterschreiben, {since}.",
        "Bei mir in {place} war das anders.", "Oh, spannend! Hast du ein Foto {use}?", "Das erklärt einiges, {who} wunderte sich schon.",
        "Ich drücke dir die Daumen {use}.", "Sehe ich komplett anders, sorry.", "Nach {n} Versuchen habe ich es auch geschafft.",
        "Schreib mir mal, ich wohne auch in {place}.", "Da bin ich {since} skeptisch.", "{who} nickt heftig beim Lesen.",
    ),
    quotes=(
        "Lesenswert zu {D}.", "Genau mein Eindruck von {D}: {flaw}.", "Unterschreibe ich, {N} {use}: {merit}.",
        "Noch jemand mit {D}. {ask}?", "{who} sammelt Stimmen zu {D}, hier ist eine.", "Zu {D} passt das, denn {fact}.",
        "Interessant, was über {A} erzählt wird. {fact}.", "Das deckt sich mit meinen {n} Wochen mit {D}.",
    ),
    headlines=(
        "{N}: {fact}", "{N} im Gespräch: {fact}", "Was Käufer über {A} wissen sollten", "{fact}: Neues von {D}",
        "{N} im Alltag, ein Besuch in {place}", "Leserfrage der Woche: {ask}?", "Marktbericht aus {place}: {N} und die anderen",
    ),
    titles={
        "complaint": ("Ärger mit {D} {use}", "{N}: {flaw}", "Enttäuscht von {D}", "{flaw}, was tun?", "Rückgabe von {D}?"),
        "praise": ("{N} {use}, ein Lob", "{merit}: {N}", "Ein Monat mit {D}", "Begeistert von {D}", "{N}: {merit}"),
        "question": ("Frage zu {D}", "{ask}?", "{N} {use}: Tipps gesucht", "Kaufberatung zu {D}", "Wer kennt sich mit {D} aus?"),
        "report": ("{N}: {fact}", "Neues zu {D}", "{fact}", "{N} {use}", "Gelesen über {A}"),
    },
    corrections=(
        "Edit: Tippfehler behoben.", "Nachtrag: es waren {n} Tage.", "Edit: {who} hat es inzwischen bestätigt.",
        "Nachtrag aus {place}: hat sich erledigt.", "Edit: Danke für die vielen Antworten!",
    ),
    own=(
        "Rezept der Woche: {n} Minuten, drei Zutaten, ein Vogel. Viel Freude mit {D}!", "Gut zu wissen über {A}: {fact}.",
        "Aus der Werkstatt in Bad Lauterwald: {fact}. Euer Team von {D}.", "Heute zeigen wir {A} in {place}, kommt vorbei!",
    ),
    own_replies=(
        "Das tut uns leid! Schick uns bitte die Seriennummer, Kennwort {n}, dann schauen wir nach {D}.",
        "Danke für die Rückmeldung zu {D}, wir geben sie {since} direkt weiter.", "Wir freuen uns mit dir über {A}! Grüße nach {place}.",
    ),
    spam=(
        "GEWINNSPIEL!!! {n}x {N} gratis, nur heute, Link im Profil, Code LUX{n}{n2}", "{N} -{n}0 % Restposten >> shop-{n2}{n}.example",
        "Verdiene {n}00 Euro am Tag von {place} aus, frag mich wie #{n2}{n}", "Küchentraum Gutschein {n}{n2} jetzt sichern, {place} und Umgebung!!",
    ),
    elsewhere=(
        "Der Buchfink vor dem Fenster singt {since} um halb fünf.", "{who} hat {since} einen Kater, und zwar keinen mit Fell.",
        "In der Brodelux Arena gab es {since} ein Handballfest, {n} Tore Vorsprung.", "Der Waldkauz ruft wieder in {place}, herrlich.",
        "Marktbesuch in {place}: {n} Sorten Tomaten, alle krumm.", "{who} hat Rhabarberkuchen gebacken, mit zu viel Zucker und {n} Eiern.",
        "Die Regionalbahn nach {place} hat {n} Minuten Verspätung.", "Zum Spargel nur Butter, sagt {who}. Ich sage: Hollandaise.",
        "Brodelux-Cup, zweite Runde: {place} gegen den Favoriten, {n} Minuten noch.", "Sauerteig Tag {n}: er lebt und hat Hunger.",
        "Wer kennt in {place} ein gutes Frühstückslokal?", "{who} hat den Toaster gelobt. Wir haben gar keinen.",
        "Ein Specht hat {since} unser Dach entdeckt. {n} Löcher.", "Kaffee Nummer {n}, der Tag kann kommen. Grüße aus {place}.",
        "Endlich Regen in {place}, die Kräuter freuen sich.", "{who} kocht heute Linsen, ich rieche es bis {place}.",
    ),
    slots={
        "since": (
            "seit gestern", "seit drei Tagen", "seit dem Wochenende", "seit Ostern", "seit einem halben Jahr", "seit {n} Wochen",
            "seit {n} Tagen", "seit dem Frühjahr", "seit der letzten Woche", "seit dem Umzug", "seit heute früh", "seit Monaten",
            "seit {n} Monaten", "seit dem Kauf", "seit letztem Herbst",
        ),
        "who": (
            "meine Schwester", "mein Mann", "mein Vater", "die Nachbarin", "unser Azubi", "meine Oma", "mein Schwager",
            "die Kollegin", "mein Mitbewohner", "meine Frau", "der Chef", "die Tante aus {place}", "mein Großer",
            "meine Chefin", "der Nachbar von unten", "eine Freundin", "mein Patenkind",
        ),
        "whom": ("eine Freundin", "meinen Vater", "die Schwiegermutter", "einen Kollegen", "unseren Verein", "meine Oma"),
        "place": (
            "Kassel", "Graz", "Bad Lauterwald", "Bremen", "Leipzig", "Zürich", "Bochum", "Regensburg", "Flensburg", "Jena",
            "Linz", "Koblenz", "Rostock", "Aachen", "Ulm", "Göttingen", "Freiburg", "Erfurt", "Oberlauterwald", "Wien",
        ),
    },
)  # fmt: skip
