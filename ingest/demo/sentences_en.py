"""How English speakers put it; shaped like `sentences_de`."""

from __future__ import annotations

from typing import Final

from ingest.demo.lexicon import Tongue

TONGUE: Final = Tongue(
    openers={
        "complaint": (
            "I'm done.", "Is it just me?", "Honestly disappointed.", "So annoying!", "Tiny rant:", "What a shame.",
            "Not funny anymore:", "Day {n} of this saga:", "Dear internet,", "Ugh.", "I hate to say it, but:", "{Who} warned me.",
            "Bad start to the day.",
        ),
        "praise": (
            "Credit where it's due:", "I'm in love.", "Highly recommended!", "Not an ad, but:", "Pleasantly surprised.",
            "Finally!", "{Who} was right:", "Small joys:", "Who would have thought?", "A fan for {n} years.", "Wow.",
        ),
        "question": (
            "Quick question:", "Hive mind:", "Hello everyone,", "Silly question maybe:", "{Who} wants to know:",
            "Before I order:", "New here, so:", "Help needed:", "Asking from {place}:",
        ),
        "report": (
            "Just read:", "For the record:", "Spotted today:", "Kitchen notes:", "In brief:", "News:", "Update from {place}:",
            "Heard on the side:",
        ),
    },
    cores={
        "complaint": (
            "{N} has been nothing but trouble {since}: {flaw}.", "{flaw}, and that with {N}.",
            "Using {N} {use} makes me want to cry, {flaw}.", "Really let down by {N}. {flaw}.", "{who} swears at {N} because {flaw}.",
            "{N} costs this much and still {flaw}.", "Anyone buying {N} should know: {flaw}.", "Stay away from {N}, {flaw}.",
            "{N} and I are not friends: {flaw}, {flaw2}.", "I regret getting {N}, {flaw}.",
        ),
        "praise": (
            "{N} saved my day {use}, {merit}.", "I have had {N} {since} and {merit}.", "{merit}! Thank you, {N}.",
            "{N} {use} is pure fun: {merit}.", "{who} raves about {N}, {merit}.", "I love {N}. {merit}, {merit2}.",
            "{N} is worth every cent: {merit}.", "Big praise for {N}: {merit}.", "Nothing beats {N} {use}, {merit}.",
        ),
        "question": (
            "{ask}?", "{ask}? Would be handy {use}.", "{who} asks: {ask}?", "{ask}, or should I get something else?",
            "I have been wondering {since}: {ask}?", "{ask}? Nobody in {place} could tell me.", "{ask}, and if so since when?",
        ),
        "report": (
            "About {N}: {fact}.", "{N} in short: {fact}, {fact2}.", "News around {N}: {fact}.", "Heard in {place} about {N}: {fact}.",
            "{who} told me about {N}: {fact}.", "{N}: {fact}. Also, {fact2}.", "We talked about {N} {use}, {fact}.",
        ),
    },
    tails={
        "complaint": (
            "Anyone else?", "No fun at all.", "{Who} says send it back.", "{n}9 euros for this, thanks.", "So let down.",
            "What do I do now {use}?", "It used to be better.", "Two stars, no more.", "Can somebody please look into it?",
            "How hard can it be?", "Embarrassing.",
        ),
        "praise": (
            "Can only recommend it.", "{Who} wants one too.", "Five stars from me.", "This is how it should be.",
            "Greetings from {place}!", "Keep it up!", "Highlight of my week.", "Simply lovely.", "Try it {use}.",
        ),
        "question": (
            "Thanks in advance!", "Grateful for any tip.", "Budget is {n}0 euros.", "No rush.", "Asking for {who}.",
            "Searching got me nowhere.", "How do you do it {use}?", "Pictures welcome.",
        ),
        "report": (
            "More tomorrow.", "Let's see how it goes.", "As of today.", "No guarantee.", "Might interest {who}.",
            "That's all I know.", "Source: a notice in {place}.",
        ),
    },
    replies={
        "complaint": (
            "Same with {N}: {flaw}.", "Me too, {N} has done that {since}.", "{who} had the same drama with {N}, {flaw}.",
            "Welcome to the club, {flaw}. Typical of {N}.", "Sold {N} because of that, {flaw}.",
        ),
        "praise": (
            "Can confirm, {N} is great: {merit}.", "Same here, {merit}. Go {N}.", "{who} has had {N} {since} and says {merit}.",
            "So happy for you! {N} {use} is top, {merit}.",
        ),
        "question": (
            "Good question, I also wonder: {ask}?", "Stuck there too. And another thing: {ask}?", "Check the manual of {N}, page {n}.",
            "Works for me with {N} {use}.", "As far as I know {fact}. Best ask about {N} directly.",
        ),
        "report": (
            "Thanks, all I knew of {N} was that {fact}.", "They also say of {N} that {fact}.", "Adding to {N}: {fact}.",
        ),
    },
    bare_replies=(
        "Thanks, will try that {use}.", "Haha, {who} said exactly that.", "It was different here in {place}.",
        "Oh nice! Got a picture {use}?", "That explains a lot, {who} was wondering.", "Fingers crossed {use}.",
        "I see it quite differently, sorry. {Who} does too.", "Got it after {n} tries.", "I have been sceptical {since}.",
    ),
    quotes=(
        "Worth a read on {N}, {who} says.", "My impression of {N} exactly: {flaw}.", "Signed, {N} {use}: {merit}.", "One more with {N}. {ask}?",
        "Interesting what people say of {N}. {fact}.", "Fits my {n} weeks with {N}.",
    ),
    headlines=(
        "{N}: {fact}", "What buyers should know about {N}", "{N} in daily life, a visit to {place}", "Reader's question: {ask}?",
    ),
    titles={
        "complaint": ("Trouble with {N} {use}", "{N}: {flaw}", "Disappointed by {N}", "{flaw}, what now?", "Returning {N}?"),
        "praise": ("{N} {use}, some praise", "{merit}: {N}", "One month with {N}", "{N}: {merit}"),
        "question": ("Question about {N}", "{ask}?", "{N} {use}: tips wanted", "Anyone know {N}?"),
        "report": ("{N}: {fact}", "News on {N}", "{fact}", "Read about {N}"),
    },
    corrections=(
        "Edit: fixed a typo.", "Edit: it was {n} days.", "Edit: {who} has confirmed it since.", "Update from {place}: solved.",
    ),
    own=(
        "Recipe of the week: {n} minutes, three ingredients, one bird. Enjoy {N}!", "Good to know about {N}: {fact}.",
        "We are showing {N} in {place} today, come and say hello!",
    ),
    own_replies=(
        "We are sorry! Please send us the serial number, keyword {n}, and we will look after {N}.",
        "Thank you for the note on {N}, we pass it on {since}.", "We are happy with you about {N}! Greetings to {place}.",
    ),
    spam=(
        "GIVEAWAY!!! {n}x {N} for free, today only, link in bio, code LUX{n}{n2}", "{N} {n}0% off clearance >> shop-{n2}{n}.example",
        "Earn {n}00 a day from {place}, ask me how #{n2}{n}",
    ),
    elsewhere=(
        "A chaffinch has been singing at my window {since}.", "{who} found {n} kinds of tomatoes at the market in {place}.",
        "Great night at the Brodelux Arena, {n} goals ahead {since}.", "The train to {place} is {n} minutes late again.",
        "{who} baked a rhubarb pie with {n} eggs. Too many.", "Sourdough day {n}: alive and hungry, says {who}.",
        "An owl called all night near {place}. Lovely.", "Coffee number {n}, greetings from {place}.",
        "Rain at last in {place}, the herbs are happy {since}.",
    ),
    slots={
        "since": (
            "since yesterday", "for three days", "since the weekend", "since Easter", "for half a year", "for {n} weeks",
            "for {n} days", "since spring", "since last week", "since we moved", "since this morning", "for months",
        ),
        "who": (
            "my sister", "my husband", "my dad", "the neighbour", "our intern", "my gran", "my wife", "a colleague",
            "my flatmate", "the boss", "my aunt from {place}", "a friend", "my uncle", "the kid next door",
        ),
        "place": (
            "Leeds", "Galway", "Utrecht", "Bristol", "Malmö", "Cork", "Portland", "Toronto", "Ghent", "York", "Aarhus",
            "Berlin", "Dublin", "Basel", "Austin",
        ),
    },
)  # fmt: skip
