"""Key terms, and the tables of dictionary forms that they are counted by."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resonance.errors import Unconfigured
from resonance.language import lemmas as module
from resonance.language.keyterms import KeyTerm, key_terms
from resonance.language.lemmas import Lemmas, open_lemmas


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(scope="module")
def lemmas(folder: Path) -> Mapping[str, Lemmas]:
    return open_lemmas(folder)


def test_the_table_answers_as_spacys_own_lemmatizer_does(lemmas: Mapping[str, Lemmas], folder: Path) -> None:
    # Asked in a process of its own: spaCy's tables are not to stay in that of the tests.
    script = """
import sys, spacy
for language in sys.argv[1:]:
    pipeline = spacy.blank(language)
    table = pipeline.add_pipe("lemmatizer", config={"mode": "lookup"})
    pipeline.initialize()
    known = table.lookups.get_table("lemma_lookup")
    words = [line.rstrip("\\n") for line in sys.stdin] if language == sys.argv[1] else words
    for word in words:
        print(next((known[w].lower() for w in (word, word.lower(), word.capitalize()) if w in known), word.lower()))
    print(" ".join(sorted(pipeline.Defaults.stop_words)))
"""
    words = [line.partition("\t")[0] for line in (folder / "lemmas-de.txt").read_text("utf-8").splitlines()[2::97]]
    words += [line.partition("\t")[0] for line in (folder / "lemmas-en.txt").read_text("utf-8").splitlines()[2::29]]
    words += [
        "Verspätungen",
        "VERSPÄTUNGEN",
        "delays",
        "Straßen",
        "äquivalent",
        "zzz",
        "Ärzte",
        "went",
        "ging",
        "0",
        "~",
    ]
    command = [sys.executable, "-c", script, *lemmas]
    asked = subprocess.run(command, input="\n".join(words), capture_output=True, text=True, check=True)
    expected = [[*map(table.of, words), " ".join(sorted(table.stops))] for table in lemmas.values()]
    assert asked.stdout.splitlines() == [line for lines in expected for line in lines]


@given(word=st.text(max_size=12))
def test_any_word_has_a_form_in_small_letters(lemmas: Mapping[str, Lemmas], word: str) -> None:
    for table in lemmas.values():
        assert table.of(word) == table.of(word).lower()


def test_the_first_and_the_last_line_are_found(tmp_path: Path) -> None:
    file = tmp_path / "lemmas-de.txt"
    file.write_text("made from\nund oder\nAal\tAAL\nginge\tgehen\nÄrzte\tArzt\n", "utf-8")
    table = Lemmas(file)
    assert [table.of(word) for word in ("Aal", "ginge", "Ärzte", "ärzte", "Aale", "z")] == [
        "aal", "gehen", "arzt", "arzt", "aale", "z",
    ]  # fmt: skip
    assert table.stops == {"und", "oder"}


def test_files_that_are_there_are_used_and_those_of_another_spacy_are_made_anew(
    lemmas: Mapping[str, Lemmas], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Path] = []

    def build(where: Path) -> None:
        built.append(where)

    monkeypatch.setattr(module, "_build_aside", build)
    assert open_lemmas(folder)["de"].of("Verspätungen") == "verspätung"
    assert built == []
    monkeypatch.setattr(module, "_made_from", lambda: "another spaCy")
    open_lemmas(folder)
    assert built == [folder]


def test_two_who_make_the_files_at_once_leave_them_whole(lemmas: Mapping[str, Lemmas], tmp_path: Path) -> None:
    command = [sys.executable, "-m", module.__name__, str(tmp_path)]
    for one in [subprocess.Popen(command) for _ in range(2)]:
        assert one.wait() == 0
    opened = open_lemmas(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lemmas-de.txt", "lemmas-en.txt"]
    assert all(opened[language]._lines[:] == lemmas[language]._lines[:] for language in lemmas)


def test_a_folder_that_cannot_be_written_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(Unconfigured, match=r"FileExistsError|NotADirectoryError"):
        open_lemmas(tmp_path / "taken")


def test_key_terms_name_what_it_is_about_without_the_topics_own_words(lemmas: Mapping[str, Lemmas]) -> None:
    texts = [(f"Die Bahn hat schon wieder Verspätung, Zug {n} fällt aus", "de") for n in range(6)]
    texts += [("Nothing but delays again", "en"), ("delays delays", "en")]
    terms = [term.term for term in key_terms(texts, lemmas=lemmas, exclude=("bahn", "zug"))]
    assert "Verspätung" in terms
    assert not {"Bahn", "Zug", "die", "schon"} & set(terms)


def test_forms_of_one_word_count_together_in_german_and_in_english(lemmas: Mapping[str, Lemmas]) -> None:
    german = [("Züge", "de"), ("Zuges", "de"), ("Züge!", "de"), ("der Zug", "de")]
    english = [("one delay", "en"), ("delays everywhere", "en"), ("Delays, again", "en"), ("so delayed", None)]
    assert key_terms(german, lemmas=lemmas) == [KeyTerm("Züge", 4, 1.0)]
    assert key_terms(english, lemmas=lemmas)[0].mentions == 4


def test_words_that_stand_together_are_one_term(lemmas: Mapping[str, Lemmas]) -> None:
    texts = [(f"Kundendienst antwortet nie, Ticket {n}", "de") for n in range(5)]
    assert key_terms(texts, lemmas=lemmas)[0].term == "Kundendienst antwortet"
