"""Folding, tokens and the way back to the original."""

from __future__ import annotations

import pytest

from resonance.matching.text import fold, open_tags, spans, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Don’t DON'T don`t", ["don't", "don't", "don't"]),
        ("İstanbul ISPARTA", ["istanbul", "isparta"]),
        ("i\u0307 I\u0307", ["i", "i"]),
        ("ﬁn ＦＵＬＬ 𝗔𝗽𝗽𝗹𝗲", ["fin", "full", "apple"]),
        ("Mu\u0308ller", ["müller"]),
        ("Apple™ Apple® soft\u00adhyphen zero\u200bwidth", ["apple", "apple", "softhyphen", "zero", "width"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("東京タワー กขค", ["東", "京", "タ", "ワ", "ー", "ก", "ข", "ค"]),
        ("#東京タワー #sunset_madness ＃Full", ["#東京タワー", "#sunset_madness", "#full"]),
        (
            "@Jane.bsky.social. @jane-Produkte @u@inst.example",
            ["@jane.bsky.social", "@jane", "produkte", "@u", "@inst.example"],
        ),
        ("see (https://a.example/Müller) www.b.example", ["see", "https://a.example/müller)", "www.b.example"]),
        ("AT&T e-mail 6,000 C++ sun_set 🙂", ["at", "t", "e", "mail", "6", "000", "c", "sun", "set"]),
        ("שלום مرحبا", ["שלום", "مرحبا"]),
        ("\x00 \ud800 a\x00b", ["a", "b"]),
        ("𐐷𐑊 𠀋", ["𐐷𐑊", "𠀋"]),
    ],
)
def test_a_text_has_these_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("#FastFood", " Fast Food"),
        ("#HTMLPage #Euro2024 #sunset_madness", " HTML Page  Euro 2024  sunset_madness"),
        ("#FreitagFürFuture!", " Freitag Für Future!"),
        ("x #東京 y", "x  東京 y"),
        ("#apple #Apple #APPLE no tag", None),
    ],
)
def test_hashtags_are_cut_at_capitals_digits_and_underscores(text: str, cut: str | None) -> None:
    opened = open_tags(text)
    assert (opened and opened.text) == cut


def test_offsets_in_an_opened_text_lead_back() -> None:
    text = "a #FastFoodNow b #one_two #XyZw"
    opened = open_tags(text)
    assert opened is not None
    words = [(opened.original(start), opened.original(end)) for start, end in spans(opened.text)]
    assert [text[start:end] for start, end in words] == ["a", "Fast", "Food", "Now", "b", "one", "two", "Xy", "Zw"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Straße 🙂 Mu\u0308ller", ["Straße", "Mu\u0308ller"]),
        ("ﬁne 𝗔𝗽𝗽𝗹𝗲’s #Äpfel", ["ﬁne", "𝗔𝗽𝗽𝗹𝗲’s", "#Äpfel"]),
        ("soft\u00adhyphen\u200e x", ["soft\u00adhyphen", "x"]),
        ("ガｶﾞ가", ["ガ", "ｶﾞ", "가"]),
    ],
)
def test_spans_are_code_points_of_the_original(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text)] == expected


def test_every_code_point_is_cut_alike_with_and_without_offsets() -> None:
    for low in range(0, 0x32000, 64):  # beyond lie only unassigned planes, tags and private use
        text = "|".join(f"a{chr(code)}b 가{chr(code)}\u0301" for code in range(low, low + 64))
        assert len(spans(text)) == len(tokens(text)), hex(low)


def test_one_long_word_is_one_token() -> None:
    assert tokens("ä" * 10_000) == ["ä" * 10_000]
    assert spans("ä" * 10_000) == [(0, 10_000)]
    assert fold("ß" * 3) == "ssssss"
