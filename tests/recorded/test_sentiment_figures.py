"""The shipped sentiment model and the language detector against labelled posts that they have not learned from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resonance.language.detect import LanguageDetector
from resonance.reach import ReachRates, reach_of
from resonance.sentiment import linear
from resonance.sentiment.evaluation import evaluate, read_labelled
from resonance.sentiment.features import VERSION
from resonance.sentiment.linear import LinearModel, Weights
from resonance.sentiment.sentences import contrasts, remarks
from tests.support.data import data_path

MODEL = LinearModel.load()


def test_german_posts_are_felt_with_a_macro_f1_of_60_at_least() -> None:
    assert evaluate(MODEL, read_labelled(data_path("sentiment/de_um_val.tsv"))).macro_f1 >= 0.60


def test_english_posts_are_felt_with_a_macro_recall_of_60_at_least() -> None:
    assert evaluate(MODEL, read_labelled(data_path("sentiment/en_te_val.tsv"))).macro_recall >= 0.60


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_customers_say_of_companies_is_felt_with_a_macro_f1_of_65_at_least(language: str) -> None:
    said = [remark.row for remark in remarks("held") if remark.language == language]
    assert len(said) >= 90 and evaluate(MODEL, said).macro_f1 >= 0.65


def test_two_of_three_sentences_that_differ_in_little_and_mean_the_opposite_are_told_apart() -> None:
    assert evaluate(MODEL, [row for pair in contrasts("held") for row in pair.rows]).accuracy >= 0.66


def test_nothing_that_is_held_is_learned_from() -> None:
    learned = {remark.text for remark in remarks("learn")}
    assert learned and learned.isdisjoint(remark.text for remark in remarks("held"))


def test_the_shipped_weights_are_of_this_programs_features_and_name_what_they_learned_from() -> None:
    manifest = Weights.load().manifest
    assert manifest.features == VERSION
    assert {file.name for file in manifest.files} >= {"en_train.tsv", "de_um_train.tsv", "de_po_train.tsv"}
    assert not any("germeval" in file.name for file in manifest.files)


def test_the_data_card_says_of_the_weights_what_they_say_of_themselves() -> None:
    manifest = Weights.load().manifest
    card = (Path(linear.__file__).parent / "weights" / "CARD.md").read_text("utf-8")
    assert f"model `{manifest.name}`" in card and f"({manifest.temperature})" in card
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in card.splitlines() if line[:3] == "| `"]
    learned = {row[0].strip("`"): int(row[1].replace(",", "")) for row in rows if row[0].endswith(".tsv`")}
    assert learned == {file.name: file.texts for file in manifest.files}
    assert all(row[3] for row in rows if row[0].endswith(".tsv`"))
    measured = {row[0].split("`")[1]: [float(cell) for cell in row[1:]] for row in rows if len(row) == 5}
    assert measured == {
        name: [found[kind] for kind in ("n", "macro_f1", "macro_recall", "accuracy")]
        for name, found in manifest.validation.items()
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=300), min_size=1, max_size=4))
def test_any_text_has_probabilities_and_a_batch_is_its_texts_one_by_one(texts: list[str]) -> None:
    batch = MODEL.score(texts)
    for text, together in zip(texts, batch, strict=True):
        alone = MODEL.score([text])[0]
        assert abs(together.negative + together.neutral + together.positive - 1) < 1e-6
        assert abs(together.polarity - alone.polarity) < 1e-6
        assert together.label == "uncertain" or together.confidence >= 0.5


@pytest.mark.parametrize("text", ["", "\x00", "\ud800", "x" * 10_000, "‮abc", "🔥" * 500])
def test_strange_texts_are_scored_and_told_apart_without_failing(text: str) -> None:
    assert 0 <= MODEL.score([text])[0].confidence <= 1
    LanguageDetector(("de", "en")).detect(text)


def test_german_and_english_posts_are_told_apart() -> None:
    detector = LanguageDetector(("de", "en"))
    right = total = 0
    for language in ("de", "en"):
        for row in read_labelled(data_path(f"sentiment/{language}_um_val.tsv")):
            right += detector.detect(row.text).language == language
            total += 1
    assert right / total >= 0.95


def test_the_platforms_own_tag_counts_unless_the_text_plainly_says_otherwise() -> None:
    detector = LanguageDetector(("de", "en"))
    assert detector.detect("ok", "de-AT").by == "platform"
    assert detector.detect("🔥", None).language is None


@given(followers=st.integers(0, 10**9), shares=st.integers(0, 10**6))
def test_reach_is_never_negative_grows_with_shares_and_is_unknown_where_nothing_is_known(
    followers: int, shares: int
) -> None:
    rates = ReachRates()
    one = reach_of("bluesky", followers, None, shares, rates).value
    more = reach_of("bluesky", followers, None, shares + 1, rates).value
    assert one is not None and more is not None and 0 <= one <= more
    assert reach_of("bluesky", None, None, None, rates).value is None
    assert reach_of("bluesky", followers, 77, shares, rates).value == 77
