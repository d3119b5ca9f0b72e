"""What people say in English of each topic; shaped like `words_de`, where the three cases are one."""

from __future__ import annotations

from typing import Final

from ingest.demo.lexicon import Lexicon, Names


def _names(*names: str) -> Names:
    return tuple((name, name, name) for name in names)


WORDS: Final = {
    "kesselfink": Lexicon(
        names=_names("Kesselfink", "Kesselfink", "Kesselfink", "the Kesselfink kettle", "my Kesselfink kettle"),
        flaws=(
            "the box arrived dented", "the cord is far too short", "the lid sticks every single time",
            "the manual reads like a riddle", "the newsletter comes three times a day", "shipping takes forever",
            "the shop crashes at checkout", "the handle gets hot", "limescale everywhere", "accessories cost a fortune",
        ),
        merits=(
            "the design is timeless", "it really whistles like a finch", "water boils in two minutes",
            "the build quality is superb", "nothing rattles", "the colours are gorgeous", "mine has lasted eleven years",
            "you can tell somebody cared about the details", "the factory shop was a delight",
        ),
        asks=(
            "does Kesselfink ship to Ireland", "is {N} worth the money", "where can I get {N} in mint",
            "is Kesselfink still made in Germany", "how do you descale {N}", "does {N} come with a UK plug",
            "who sells {N} in the States", "has anyone worked for Kesselfink",
        ),
        uses=("at breakfast", "in the office", "in the camper van", "as a wedding gift", "in our tiny flat",
              "for the holiday home", "on the allotment", "for afternoon tea"),
        facts=(
            "the apprentices start in September", "the plant holds an open day", "a new colour arrives in autumn",
            "sales are slightly up", "the museum in the old boiler house reopens", "there are solar panels on the roof now",
            "the family firm dates from 1931", "the online shop now delivers to Austria",
        ),
    ),
    "ruehrspecht": Lexicon(
        names=_names("the Rührspecht", "the Rührspecht", "my Rührspecht", "our Rührspecht mixer", "the Rührspecht 5",
                     "the Ruehrspecht", "the new Rührspecht Mini"),
        flaws=(
            "the dough hook scrapes the rim", "the motor hums like a tractor", "the whisk keeps losing wires",
            "it walks across the counter", "the dial is worn out", "the splash guard never fits",
            "the lowest speed is too fast", "the arm no longer locks", "it smells of warm rubber",
        ),
        merits=(
            "the dough comes out so fluffy", "two pounds of rye are no problem", "cream is stiff in a minute",
            "cleaning is a breeze", "the motor just keeps pulling", "the kids bake every day now",
            "the bowl is huge", "it is quieter than anything I had before", "pizza night was a triumph",
        ),
        asks=(
            "does the old dough hook fit {N}", "can {N} handle two kilos of dough", "which speed for brioche in {N}",
            "is there a meat grinder for {N}", "is the Rührspecht bowl dishwasher safe", "how loud is {N} really",
            "is {N} worth the upgrade", "where are good recipes for {N}",
        ),
        uses=("with sourdough", "for pizza night", "on baking day", "with whole grain", "for cookies",
              "for the birthday cake", "with meringue", "for brioche"),
        facts=(
            "there is a steel bowl now", "the fern green is discontinued", "a baking book comes out in October",
            "the pasta attachment is back in stock", "a magazine ranked it third", "it weighs nine kilos",
            "the entry model has no scale", "the warranty is five years",
        ),
    ),
    "dampfkauz": Lexicon(
        names=_names("the Dampfkauz", "the Dampfkauz", "my Dampfkauz", "our Dampfkauz", "the Dampfkauz Duo",
                     "the new Dampfkauz S"),
        flaws=(
            "the gasket drips", "the tank is too small", "the milk wand clogs all the time", "warming up takes ages",
            "the first shot is always sour", "the drip tray overflows", "the grinder screams at six in the morning",
            "it asks for descaling for no reason", "the pump knocks",
        ),
        merits=(
            "the espresso tastes like Trieste", "the crema is thick and hazel", "the milk foam turns silky",
            "it is hot in six minutes", "temperature is rock solid", "one button and done", "the casing is a beauty",
            "office coffee stays untouched now",
        ),
        asks=(
            "what grind do you use for {N}", "how often do you descale {N}", "does a bottomless portafilter fit {N}",
            "can {N} pull two shots at once", "which beans suit {N}", "does {N} need a water filter",
            "does {N} do pre-infusion", "is {N} better than pods",
        ),
        uses=("at breakfast", "after lunch", "for cappuccino", "with light roasts", "in the home office",
              "after a night shift", "for a flat white", "with oat milk"),
        facts=(
            "there is a single basket now", "a roastery runs classes with it", "the Duo has two boilers",
            "the handles are made of beech", "the review is online", "the next batch arrives this month",
            "the tank holds nearly two litres", "the black one is sold out",
        ),
    ),
    "nestfunk": Lexicon(
        names=_names("the Nestfunk app", "Nestfunk", "Nestfunk", "the new Nestfunk", "the Nestfunk beta"),
        flaws=(
            "the connection keeps dropping", "the shopping list does not sync", "it drains my battery by noon",
            "notifications arrive twice", "dark mode is unreadable", "search finds nothing",
            "my favourites vanished after the update", "it is useless without wifi", "pairing works on the fifth try",
        ),
        merits=(
            "recipes are explained really well", "preheating from the sofa is brilliant", "the whole family shares one list",
            "the new interface is finally tidy", "coffee is ready when the alarm rings", "setup took a minute",
            "the kitchen timer is gold", "offline mode works flawlessly",
        ),
        asks=(
            "does {N} run on older phones", "can I use {N} without an account", "is there {N} for Linux",
            "how do I pair {N} with two kitchens", "does {N} store recipes locally", "can {N} filter allergens",
            "where do I change units in {N}", "will {N} come to tablets",
        ),
        uses=("for the weekly shop", "for preheating", "cooking with the kids", "on the go", "as a timer",
              "on the tablet", "on holiday", "while baking"),
        facts=(
            "version 4.2 adds a weekly planner", "the beta runs until the end of the month", "a Dutch translation is out",
            "there are over a thousand recipes now", "the changelog is very long", "the interface gets documented",
            "a lock screen widget has landed", "older devices get two more years",
        ),
    ),
    "finkdienst": Lexicon(
        names=_names("Finkdienst", "the Finkdienst", "the Finkdienst team", "the Finkdienst workshop"),
        flaws=(
            "nobody answered my mail", "the parcel came back unrepaired", "the hold music is birdsong for ages",
            "the estimate is higher than a new one", "the date was moved twice", "the gasket has been out of stock for months",
            "the form eats my serial number", "no one ever called back",
        ),
        merits=(
            "everything was fixed in three days", "the lady on the phone was lovely", "the part was in the mail next day",
            "they swapped it without a fuss", "the repair guide is exemplary", "the repair café was packed and fun",
            "a twenty year old kettle works again",
        ),
        asks=(
            "how do I reach {N} on a Saturday", "what does {N} charge for a gasket", "does {N} collect machines",
            "will {N} repair a model from 1998", "how long does {N} take these days", "does {N} ship gaskets abroad",
            "does {N} have a chat",
        ),
        uses=("for a gasket", "with my old kettle", "for a dough hook", "under warranty", "after it fell",
              "about the pump", "for a new lid"),
        facts=(
            "the workshop moves to hall three", "lids are in stock again", "there is a repair café on Saturday",
            "opening hours change in summer", "exploded drawings are online", "collection costs nine euros",
            "the price list was updated",
        ),
    ),
    "brodelux": Lexicon(
        names=_names("Brodelux", "Brodelux", "the Brodelux blender", "my Brodelux", "the Brodelux Turbo"),
        flaws=(
            "the plastic creaks", "the price went up again", "it died right after the warranty",
            "those pods are pure waste", "the display glares", "support answers in canned phrases", "the blade is blunt",
        ),
        merits=(
            "the price is unbeatable", "it blends anything", "it arrived the next day", "the display is crisp",
            "the jug is huge", "smoothies turn out creamy", "all the accessories are included",
        ),
        asks=(
            "is {N} any better than the finch people", "is {N} good for big families", "where is {N} made",
            "are there spare blades for {N}", "how loud is {N} with ice", "is {N} worth it on sale",
        ),
        uses=("for soup", "for smoothies", "on sale", "in a student flat", "for baby food", "at the barbecue"),
        facts=(
            "the group opens a new warehouse", "the new series is called Turbo Nine", "the board presents its figures",
            "there is a deal with a TV chef", "the offer ends on Sunday", "one model is being discontinued",
        ),
    ),
}  # fmt: skip
