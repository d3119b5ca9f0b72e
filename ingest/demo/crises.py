"""What can go wrong in the demo: six crises, each with its topic, its cause and the words in which people tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ingest.demo.lexicon import CrisisWords


@dataclass(frozen=True, slots=True)
class Scenario:
    """A crisis: `kind` is a stable word, `cause` one German sentence for people, `platform` where it begins."""

    kind: str
    topic: str
    cause: str
    platform: str
    de: CrisisWords
    en: CrisisWords


SCENARIOS: Final = (
    Scenario(
        kind="product_defect",
        topic="ruehrspecht",
        cause="Die Schüssel des Rührspecht splittert, Plastikteile landen im Teig.",
        platform="bluesky",
        de=CrisisWords(
            claims=(
                "Beim Rührspecht ist {use} die Schüssel gesplittert.", "Plastiksplitter im Teig, schuld ist der Rührspecht.",
                "Unser Rührspecht hat Splitter in den Kuchen gemischt, {who} hat draufgebissen.",
                "Achtung: die Schüssel vom Rührspecht reißt.", "Der Rührspecht verliert Plastik, {who} ist entsetzt.",
                "Habe gerade {n} Splitter aus dem Rührspecht gefischt.", "Rührspecht kaputt, Schüssel geplatzt, Teig im Müll.",
                "Der zweite Rührspecht mit Splittern in unserer Familie, {since}.",
            ),
            details=(
                "der Riss beginnt am Rand", "die Splitter sind glasklar und kaum zu sehen", "ein Stück steckte im Brötchen",
                "meine Tochter hätte es fast verschluckt", "die Charge endet auf {n}", "es knallte wie ein Schuss",
                "vom Hersteller kommt kein Wort", "im Laden stehen sie noch", "drei Bekannte haben dasselbe erlebt",
                "ich habe Fotos gemacht", "wir haben alles weggeworfen", "niemand warnt die Leute",
            ),
            headlines=("Rührspecht: Kunden melden Plastiksplitter im Teig", "Gesplitterte Schüsseln beim Rührspecht, Hersteller prüft",
                       "Verbraucherschützer raten, den Rührspecht stehen zu lassen"),
            statement="Wir prüfen die Meldungen zur Schüssel des Rührspecht. Bitte benutzt sie vorerst nicht.",
        ),
        en=CrisisWords(
            claims=(
                "The bowl of my Rührspecht cracked {use}.", "Plastic shards in the dough, thanks to the Rührspecht.",
                "Careful: the Rührspecht bowl splinters.", "{who} bit on plastic from our Rührspecht.",
                "The Rührspecht is shedding plastic, {who} is horrified.", "Just picked {n} shards out of the Rührspecht.",
            ),
            details=(
                "the crack starts at the rim", "the shards are clear and hard to see", "one piece was in a bun",
                "my daughter nearly swallowed it", "not a word from the maker", "shops still sell it", "I took pictures",
                "we threw everything away", "three friends report the same",
            ),
            headlines=("Customers report plastic shards from Rührspecht mixers", "Rührspecht bowls crack, maker investigates"),
            statement="We are looking into the reports about the Rührspecht bowl. Please do not use it for now.",
        ),
    ),
    Scenario(
        kind="safety_hazard",
        topic="dampfkauz",
        cause="Beim Dampfkauz springt der Siebträger unter Druck ab, Menschen verbrühen sich.",
        platform="reddit",
        de=CrisisWords(
            claims=(
                "Beim Dampfkauz ist mir der Siebträger unter Druck entgegengeflogen.", "Verbrüht am Dampfkauz, {who} ist beim Arzt.",
                "Vorsicht mit dem Dampfkauz, der Siebträger springt mitten im Bezug ab.", "Der Dampfkauz hat uns die halbe Küche zerlegt.",
                "Dampfkauz explodiert fast, {who} steht noch unter Schock.", "Heißer Kaffeesatz an der Decke, der Dampfkauz ist lebensgefährlich.",
                "{since} drückt der Dampfkauz komisch, heute flog der Träger ab.",
            ),
            details=(
                "die Hand ist voller Brandblasen", "der Verschluss rastet nicht ein", "es zischte und dann flog alles",
                "das Ventil macht nicht auf", "der Hersteller schweigt", "im Forum melden sich immer mehr",
                "mein Gerät ist {n} Wochen alt", "ich habe den Stecker gezogen", "das Ding gehört vom Markt",
                "die Notaufnahme kannte das schon", "neun Bar sind kein Spaß", "ich will mein Geld zurück",
            ),
            headlines=("Dampfkauz: Nutzer berichten von Verbrühungen", "Siebträger springt ab, Ärger um den Dampfkauz",
                       "Nach Unfällen mit dem Dampfkauz: was Besitzer jetzt tun sollten"),
            statement="Uns erreichen Berichte über den Siebträger des Dampfkauz. Bitte schaltet das Gerät aus.",
        ),
        en=CrisisWords(
            claims=(
                "The portafilter of my Dampfkauz shot off under pressure.", "Scalded by the Dampfkauz, {who} is at the doctor's.",
                "Careful with the Dampfkauz, it blows off mid-shot.", "The Dampfkauz wrecked half our kitchen.",
                "Hot grounds on the ceiling, the Dampfkauz is dangerous.", "{who} is still shaking after what the Dampfkauz did.",
            ),
            details=(
                "my hand is full of blisters", "the lock does not catch", "it hissed and then everything flew",
                "the valve never opens", "the maker is silent", "more and more people report it", "mine is {n} weeks old",
                "I pulled the plug", "nine bars are no joke",
            ),
            headlines=("Dampfkauz owners report burns", "Portafilter flies off: trouble over the Dampfkauz"),
            statement="We are receiving reports about the Dampfkauz portafilter. Please switch the machine off.",
        ),
    ),
    Scenario(
        kind="data_breach",
        topic="nestfunk",
        cause="Gerücht über ein Datenleck: In Nestfunk sind fremde Listen und Adressen zu sehen.",
        platform="mastodon",
        de=CrisisWords(
            claims=(
                "Nestfunk zeigt mir fremde Einkaufslisten.", "Datenleck bei Nestfunk? {who} sieht Adressen von Unbekannten.",
                "In Nestfunk stehe ich plötzlich im Konto einer Frau aus {place}.", "Bitte alle das Passwort bei Nestfunk ändern.",
                "Nestfunk hat offenbar {n} Tausend Konten verloren.", "Wer Nestfunk nutzt, sollte es sofort abmelden.",
                "Unglaublich, was Nestfunk da über uns preisgibt.",
            ),
            details=(
                "Name, Straße, Telefonnummer, alles offen", "sogar die Urlaubszeiten stehen drin", "die Firma sagt dazu nichts",
                "angeblich kursiert eine Datei", "ich habe Anzeige erstattet", "die Aufsicht ist informiert",
                "mein Konto lässt sich nicht löschen", "Spam kommt seit heute im Minutentakt", "so geht Datenschutz nicht",
                "die Zahlungsdaten vielleicht auch", "ein Bekannter hat das überprüft", "das Vertrauen ist weg",
            ),
            headlines=("Nestfunk: Hinweise auf ein Datenleck", "Fremde Adressen in Nestfunk, Aufsicht fragt nach",
                       "Was Nutzer von Nestfunk jetzt tun sollten"),
            statement="Wir prüfen die Hinweise zu Nestfunk und haben die Anmeldung vorsorglich gesperrt.",
        ),
        en=CrisisWords(
            claims=(
                "Nestfunk shows me the shopping lists of strangers.", "Data leak at Nestfunk? {who} can see addresses.",
                "Nestfunk logged me into the account of somebody in {place}.", "Change your Nestfunk password right now.",
                "Nestfunk seems to have lost {n} thousand accounts.", "Unbelievable what Nestfunk gives away about us.",
            ),
            details=(
                "name, street, phone, all in the open", "even holiday dates are in there", "no word from the company",
                "there is said to be a file", "the regulator knows", "my account cannot be deleted",
                "spam has been pouring in", "payment data maybe too", "trust is gone",
            ),
            headlines=("Nestfunk users see strangers' data", "Signs of a data leak at Nestfunk"),
            statement="We are examining the reports about Nestfunk and have closed the login as a precaution.",
        ),
    ),
    Scenario(
        kind="outage",
        topic="nestfunk",
        cause="Ein Update legt Nestfunk lahm, die Küchengeräte lassen sich nicht mehr bedienen.",
        platform="bluesky",
        de=CrisisWords(
            claims=(
                "Nestfunk ist tot, {use} geht gar nichts mehr.", "Seit dem Update startet Nestfunk nicht.",
                "Nestfunk gestört und der Ofen hört auf niemanden.", "Ausfall bei Nestfunk, {who} isst heute kalt.",
                "Nestfunk lädt seit {n} Minuten, dann stürzt es ab.", "Danke Nestfunk, meine Küche ist ein Ziegel.",
                "Hat noch jemand in {place} Ärger mit Nestfunk?",
            ),
            details=(
                "der Bildschirm bleibt weiß", "ohne App lässt sich nichts einschalten", "der Fehler heißt {n}04",
                "Neustart bringt nichts", "alle Rezepte sind weg", "die Statusseite zeigt alles grün",
                "niemand hat das getestet", "der Ofen heizt und ich kann ihn nicht abschalten", "im Büro dasselbe",
                "die alte Version lässt sich nicht laden", "so etwas darf nicht passieren", "die Anmeldung hängt",
            ),
            headlines=("Nestfunk fällt aus, Küchen stehen still", "Störung bei Nestfunk nach Update",
                       "Wenn der Ofen nicht hört: Ärger um Nestfunk"),
            statement="Nestfunk ist derzeit gestört. Wir nehmen das Update zurück und melden uns hier.",
        ),
        en=CrisisWords(
            claims=(
                "Nestfunk is dead, nothing works {use}.", "Nestfunk does not start since the update.",
                "Nestfunk is down and the oven listens to nobody.", "Outage at Nestfunk, {who} eats cold tonight.",
                "Nestfunk loads for {n} minutes, then crashes.", "Thanks Nestfunk, my kitchen is a brick.",
            ),
            details=(
                "the screen stays white", "nothing turns on without the app", "the error says {n}04", "a restart does not help",
                "all my recipes are gone", "the status page is all green", "nobody tested this", "the oven will not turn off",
                "login hangs",
            ),
            headlines=("Nestfunk outage leaves kitchens idle", "Nestfunk down after update"),
            statement="Nestfunk is disrupted. We are rolling the update back and will report here.",
        ),
    ),
    Scenario(
        kind="hotline_down",
        topic="finkdienst",
        cause="Die Hotline des Finkdienst ist nicht erreichbar, eingeschickte Geräte sind verschollen.",
        platform="bluesky",
        de=CrisisWords(
            claims=(
                "Beim Finkdienst geht niemand mehr ans Telefon.", "Der Finkdienst hat unser Gerät verloren.",
                "Finkdienst nicht erreichbar, {who} versucht es {since}.", "Die Nummer vom Finkdienst ist abgeschaltet.",
                "Versuch Nummer {n} beim Finkdienst, wieder aufgelegt.", "Beim Finkdienst weiß keiner, wo die Pakete sind.",
                "Was ist beim Finkdienst los? {who} kocht vor Wut.",
            ),
            details=(
                "erst Musik, dann tot", "die Sendungsnummer gibt es nicht", "Mails kommen unzustellbar zurück",
                "seit Wochen liegt alles still", "der Chat ist verschwunden", "es heißt, das Lager sei leer geräumt",
                "mein Geld ist auch weg", "{n} Geräte aus unserem Haus fehlen", "keiner übernimmt Verantwortung",
                "das ist Abzocke", "andere warten seit März", "der Anrufbeantworter ist voll",
            ),
            headlines=("Finkdienst nicht erreichbar: Kunden suchen ihre Geräte", "Ärger um den Finkdienst, Pakete verschollen",
                       "Finkdienst: Leitung tot, Kunden wütend"),
            statement="Die Telefonanlage beim Finkdienst ist ausgefallen. Kein Gerät ist verloren, wir rufen alle zurück.",
        ),
        en=CrisisWords(
            claims=(
                "Nobody picks up at Finkdienst any more.", "Finkdienst has lost our machine.", "Finkdienst unreachable, {who} tried {since}.",
                "The Finkdienst number is switched off.", "Attempt {n} with Finkdienst, hung up again.",
                "What is going on at Finkdienst? {who} is furious.",
            ),
            details=(
                "first music, then silence", "the tracking number does not exist", "mails bounce", "the chat is gone",
                "they say the warehouse is empty", "my money is gone too", "nobody takes responsibility",
                "others have waited since March", "this is a rip-off",
            ),
            headlines=("Finkdienst unreachable, customers look for their machines", "Anger at Finkdienst over missing parcels"),
            statement="The phones at Finkdienst have failed. No machine is lost, we will call everybody back.",
        ),
    ),
    Scenario(
        kind="price_rise",
        topic="kesselfink",
        cause="Kesselfink verlangt künftig ein Monatsabo für Funktionen bereits gekaufter Geräte.",
        platform="mastodon",
        de=CrisisWords(
            claims=(
                "Kesselfink will jetzt ein Abo für den eigenen Wasserkocher.", "Kesselfink kassiert künftig {n} Euro im Monat.",
                "Tschüss Kesselfink, für ein Abo koche ich nicht.", "Kesselfink sperrt Funktionen, die {who} längst bezahlt hat.",
                "Abzocke bei Kesselfink, ich fasse es nicht.", "Boykott für Kesselfink, sagt {who}.",
                "Post von Kesselfink: ab sofort kostet Warmhalten extra.",
            ),
            details=(
                "das Gerät habe ich längst bezahlt", "ohne Abo bleibt das Wasser lauwarm", "kündigen geht nur per Brief",
                "in der Mail steht kein Wort der Erklärung", "das ist dreist", "die Verbraucherzentrale ist dran",
                "mein nächster Kessel kommt vom Flohmarkt", "die Geschäftsführung gehört ausgepfiffen", "ein Schlag ins Gesicht",
                "{n} Jahre Treue für nichts", "so verspielt man Vertrauen", "ich schicke alles zurück",
            ),
            headlines=("Kesselfink führt Abo ein, Kunden empört", "Warmhalten kostet extra: Kritik an Kesselfink",
                       "Verbraucherschützer prüfen Abo von Kesselfink"),
            statement="Zum Kesselfink-Abo: Wir hören euch und setzen die Umstellung aus.",
        ),
        en=CrisisWords(
            claims=(
                "Kesselfink wants a subscription for my own kettle.", "Kesselfink now charges {n} euros a month.",
                "Goodbye Kesselfink, I will not pay a subscription to boil water.", "Kesselfink locks features {who} paid for.",
                "What a rip-off, Kesselfink.", "Boycott Kesselfink, says {who}.",
            ),
            details=(
                "I already paid for the thing", "without it the water stays lukewarm", "you can only cancel by letter",
                "not a word of explanation", "the nerve", "a slap in the face", "{n} years of loyalty for nothing",
                "I am sending everything back", "trust is gone",
            ),
            headlines=("Kesselfink introduces subscription, customers outraged", "Pay to keep warm: criticism of Kesselfink"),
            statement="On the Kesselfink subscription: we hear you and put the change on hold.",
        ),
    ),
)  # fmt: skip

LEADS: Final = {
    "de": (
        "WARNUNG:", "Leute, aufpassen!", "Unfassbar.", "Ich bin fassungslos.", "Wut.", "Gerade erlebt:", "Sagt mal!", "Skandal!",
        "Kein Witz:", "Teilen, bitte!", "Auch betroffen:", "Jetzt reicht's.", "Mir zittern die Hände.", "Hier in {place}:",
        "Frage an alle:", "Dringend:", "Das ist so ein Mist.", "Achtung, Nachbarschaft:", "Eben passiert:",
    ),
    "en": (
        "WARNING:", "Heads up!", "Unbelievable.", "I'm speechless.", "So angry.", "Just happened:", "Scandal!", "No joke:",
        "Please share!", "Us too:", "Enough is enough.", "Here in {place}:", "Urgent:", "What a mess.", "Shaking right now.",
    ),
}  # fmt: skip

TAILS: Final = {
    "de": (
        "Das geht gar nicht.", "Wer noch?", "Ich will eine Erklärung.", "Nie wieder.", "Bitte weitersagen.", "Warum sagt keiner was?",
        "Ich bin so sauer.", "{who} auch, übrigens.", "Was soll ich jetzt tun?", "Schämt euch.", "Grüße aus {place}, wütende.",
        "Das hat Folgen.", "Ein Rückruf wäre das Mindeste.", "Hat jemand etwas gehört?", "Und das {since}.", "Furchtbar.",
        "Einfach nur schlecht.", "Mir reicht es, {who} will zum Anwalt.",
    ),
    "en": (
        "Not acceptable.", "Who else?", "I want an explanation.", "Never again.", "Please pass it on.", "Why does nobody speak up?",
        "I'm so mad.", "{Who} too, by the way.", "What do I do now?", "Shame on you.", "This will have consequences.", "Terrible.",
        "Anyone heard anything?", "Greetings from {place}, angry ones.", "Just awful.",
    ),
}  # fmt: skip

REPLIES: Final = {
    "de": (
        "Bei uns auch! {detail}. {claim}", "Genau das gleiche: {claim}", "Oh nein. {claim} Und {detail}.",
        "{who} sagt dasselbe, {detail}. {claim}", "Ist das sicher? Hier heißt es: {claim}", "Furchtbar, {detail}. Danke für die Warnung vor {D}.",
        "Gibt es schon eine Antwort zu {D}? {detail}.", "Ich hatte {A} fast bestellt, {detail}, nein danke.",
        "Ruhig bleiben, bei mir läuft {N} {use} ohne Probleme.", "Das mit {D} glaube ich erst mit Beweisen, {who} auch.",
        "{who} warnt schon lange vor {D}, {detail}.", "Bitte meldet das, {detail}. {N} ist ein Fall für die Behörde.",
        "Wie schlimm ist es bei {D} in {place}? {detail}.", "{detail}, unglaublich. {N} ist für mich erledigt.",
    ),
    "en": (
        "Us too! {detail}. {claim}", "Exactly the same: {claim}", "Oh no. {claim} And {detail}.", "{who} says the same, {detail}. {claim}",
        "Is this certain? Over here: {claim}", "Awful, {detail}. Thanks for the warning about {N}.", "Any answer about {N} yet? {detail}.",
        "Nearly ordered {N}, {detail}, no thanks.", "Stay calm, {N} works fine here {use}.", "I want proof before I blame {N}, so does {who}.",
        "Please report it, {detail}. {N} is one for the authorities.", "{detail}, unbelievable. I'm finished with {N}.",
    ),
}  # fmt: skip

TITLES: Final = {
    "de": ("{N}: {detail}", "Noch jemand Ärger mit {D}?", "{detail}, und das bei {D}", "Warnung vor {D}", "{detail}: Hände weg von {D}",
           "Was ist mit {D} los?", "Sammelfaden: {N}, {detail}", "{who} und {N}: {detail}"),
    "en": ("{N}: {detail}", "Anyone else in trouble with {N}?", "{detail}, and that with {N}", "Warning about {N}",
           "What is going on with {N}?", "Megathread: {N}, {detail}", "{who} and {N}: {detail}"),
}  # fmt: skip

QUOTES: Final = {
    "de": ("Lest das. {claim}", "Das macht gerade die Runde: {claim}", "Kein Einzelfall. {claim} {detail}.", "Zu {D}: {detail}.",
           "{who} schickt mir das. {claim}", "Deshalb nie wieder {N}, {detail}."),
    "en": ("Read this. {claim}", "Making the rounds: {claim}", "Not an isolated case. {claim} {detail}.", "On {N}: {detail}.",
           "{who} sent me this. {claim}", "This is why I am done with {N}, {detail}."),
}  # fmt: skip
