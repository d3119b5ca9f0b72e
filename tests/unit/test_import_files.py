"""Export files as people have them: every whole row is taken, every other is named by its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.files import Line, columns, count_lines, read_file
from ingest.rows import read_count
from ingest.times import read_time
from resonance.errors import InvalidSetting
from resonance.model import Mention, Upsert

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "export.csv"


def lines(path: Path, mapping: dict[str, str] | None = None, **more: Any) -> list[Line]:
    more = {"preset": None, "zone": "Europe/Berlin", **more}
    return list(read_file(path, mapping=mapping or {}, default_source="import", **more))


def mentions(found: list[Line]) -> list[Mention]:
    return [line.event.mention for line in found if isinstance(line.event, Upsert)]


def texts(found: list[Line]) -> list[str]:
    return [mention.text for mention in mentions(found)]


def bad(found: list[Line]) -> dict[int, str]:
    return {line.number: "; ".join(map(str, line.problems)) for line in found if line.problems}


def table(*rows: tuple[str, ...], header: tuple[str, ...] = ("text", "date", "author", "likes", "place")) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([header, *rows])
    return out.getvalue()


def row(text: str) -> tuple[str, ...]:
    return (text, "2026-05-04 12:00", "anna", "3", "Köln")


# ---- broken quotes ----------------------------------------------------------------------------------------------


def test_a_quote_that_is_never_closed_costs_its_own_row_only(file: Path) -> None:
    whole = [",".join(row(f"text {n}")) for n in range(2000)]
    whole[7] = '"' + whole[7]
    file.write_text("\n".join(["text,date,author,likes,place", *whole]), "utf-8")
    found = lines(file)
    assert texts(found) == [f"text {n}" for n in range(2000) if n != 7]
    assert list(bad(found)) == [9]
    assert [line.number for line in found] == list(range(2, 2002))


def test_a_quote_that_swallows_more_than_a_cell_may_hold_costs_its_own_row_only(file: Path) -> None:
    whole = [",".join(row(f"text {n} " + "x" * 400)) for n in range(5000)]
    whole[2] = '"' + whole[2]
    file.write_text("\n".join(["text,date,author,likes,place", *whole]), "utf-8")
    found = lines(file)
    assert sorted(int(text.split()[1]) for text in texts(found)) == [n for n in range(5000) if n != 2]
    assert min(bad(found)) == 4


def test_rows_between_two_broken_quotes_are_found_again(file: Path) -> None:
    content = table(*(row(f"text {n}") for n in range(6))).replace("text 1", '"text 1').replace("text 4", '"text 4')
    file.write_text(content, "utf-8")
    found = lines(file)
    assert texts(found) == ["text 0", "text 2", "text 3", "text 5"]
    assert set(bad(found)) <= {3, 6} and bad(found)


def test_a_whole_row_between_rows_that_are_broken_twice_is_found_again(file: Path) -> None:
    rest = "2026-05-04 12:00,anna,3,x"
    rows = [f'"text 1,{rest}', 'x"y,2026-05-04 12:00,"anna,3,x', f"text 3,{rest}", f'text 4",{rest}', f"text 5,{rest}"]
    file.write_text("\n".join(["text,date,author,likes,place", *rows]), "utf-8")
    found = lines(file)
    whole = [(line.number, *texts([line])) for line in found if line.event]
    assert whole == [(4, "text 3"), (5, 'text 4"'), (6, "text 5")]
    assert list(bad(found)) == [2]


def test_paragraphs_with_many_commas_are_no_broken_quote(file: Path) -> None:
    text = (
        "Erstens, zweitens, drittens\n\nViertens, fünftens, sechstens, siebtens, achtens; neuntens, zehntens\n1,5 2,5"
    )
    file.write_text(table(row(text), row("danach")), "utf-8")
    found = lines(file)
    assert texts(found) == [text, "danach"]
    assert [line.number for line in found] == [2, 6]


def test_a_row_whose_time_stands_elsewhere_is_called_shifted(file: Path) -> None:
    file.write_text("text,date,author,likes,place\nhallo,Köln,2026-05-04 12:00,3,x\n", "utf-8")
    assert "a time stands in column author" in bad(lines(file))[2]


# ---- encodings, separators, headers -----------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_encoding_and_separator_are_found(file: Path, encoding: str, separator: str) -> None:
    cells = [["Text", "Datum", "Autor"], ["Schöne Grüße, sagt er; ja", "04.05.2026 14:00", "Jörg"]]
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(cells)
    file.write_text(out.getvalue(), encoding)
    (mention,) = mentions(lines(file))
    assert mention.text == "Schöne Grüße, sagt er; ja"
    assert mention.published_at == datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
    assert mention.author is not None and mention.author.handle == "Jörg"


def test_umlauts_that_come_late_decide_the_encoding_too(file: Path) -> None:
    rows = [row("plain")] * 20_000 + [row("Grüße")]
    file.write_bytes(table(*rows).replace("Köln", "Bonn").encode("cp1252"))
    assert texts(lines(file))[-1] == "Grüße"


def test_damaged_utf8_is_replaced_and_does_not_change_the_encoding(file: Path) -> None:
    whole = table(row("Grüße über Köln"), row("Ende\u201d da")).encode()
    file.write_bytes(whole.replace("\u201d".encode(), b"\xe2\x80?"))
    assert texts(lines(file)) == ["Grüße über Köln", "Ende\ufffd? da"]


@pytest.mark.parametrize(
    "above", ["sep=;\n", "Report;Export\nMarke;Nordwind\n\n", "\n", 'Report;"über\nzwei Zeilen"\nVon;2026-01-01\n']
)
def test_what_stands_above_the_header_is_passed_over(file: Path, above: str) -> None:
    file.write_text(above + "Text;Datum\nhallo;2026-05-04 12:00\n", "utf-8")
    found = lines(file)
    assert texts(found) == ["hallo"]
    assert found[0].number == above.count("\n") + 2


def test_the_columns_there_are_can_be_asked_for(file: Path) -> None:
    file.write_text("sep=;\n Tweet ;Wann\nhallo;2026-05-04 12:00\n", "utf-8")
    assert columns(file) == ["Tweet", "Wann"]
    assert texts(lines(file, {"text": "tweet", "published_at": "WANN"})) == ["hallo"]


def test_an_unknown_preset_or_zone_is_refused(file: Path) -> None:
    file.write_text(table(row("hallo")), "utf-8")
    with pytest.raises(InvalidSetting, match="known are airline, brandwatch, generic, meltwater, talkwalker"):
        lines(file, preset="nonsense")
    with pytest.raises(InvalidSetting, match="no IANA time zone"):
        lines(file, zone="Europe/Entenhausen")


def test_an_empty_file_says_that_there_are_no_columns(file: Path) -> None:
    file.write_text("")
    with pytest.raises(InvalidSetting, match="columns are none"):
        lines(file)


# ---- what cells say ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-04T12:00:00Z", "2026-05-04T12:00:00+00:00"),
        ("2026-05-04 12:00:00.0", "2026-05-04T12:00:00+02:00"),
        ("2026-05-04 12:00:00,5", "2026-05-04T12:00:00.500000+02:00"),
        ("2026-05-04 12:00:00 -0800", "2026-05-04T12:00:00-08:00"),
        ("2026-05-04 12:00:00 UTC", "2026-05-04T12:00:00+00:00"),
        ("4.5.2026", "2026-05-04T00:00:00+02:00"),
        ("04.05.26, 12:00 Uhr", "2026-05-04T12:00:00+02:00"),
        ("4. Mai 2026 um 12:00 Uhr", "2026-05-04T12:00:00+02:00"),
        ("04-May-2026 12:05AM", "2026-05-04T00:05:00+02:00"),
        ("May 4, 2026 1:05 PM", "2026-05-04T13:05:00+02:00"),
        ("5/4/2026 12:05 PM", "2026-05-04T12:05:00+02:00"),
        ("24/12/2026 12:05", "2026-12-24T12:05:00+01:00"),
        ("Mon, 04 May 2026 12:00:00 +0000", "2026-05-04T12:00:00+00:00"),
        ("Mon May 04 12:00:00 +0000 2026", "2026-05-04T12:00:00+00:00"),
        ("1777896000", "2026-05-04T12:00:00+00:00"),
        ("1777896000123", "2026-05-04T12:00:00+00:00"),
        ("31.12.9999 23:59", "9999-12-31T23:59:00+01:00"),
    ],
)
def test_times_are_read_as_exports_write_them(text: str, expected: str) -> None:
    assert read_time(text, BERLIN).isoformat() == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("05/04/2026", "may begin with the day or with the month"),
        ("31.02.2026", "no time"),
        ("2026-05-04 25:00", "no time"),
        ("4. Foo 2026", "no time"),
        ("13:00", "no time"),
        ("570306133677760513", "no time"),
        ("", "no time"),
    ],
)
def test_times_are_not_guessed(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_time(text, BERLIN)


@given(number=st.integers(0, 10**12))
@settings(max_examples=100)
def test_counts_are_read_however_they_are_grouped(number: int) -> None:
    grouped = f"{number:,}"
    for text in (str(number), grouped, grouped.replace(",", "."), grouped.replace(",", " "), f"{number},0"):
        assert read_count(text) == number


@pytest.mark.parametrize("text", ["-1", "viele", "1,5", "1.23.4", "", "²", "1,2345"])
def test_what_is_no_count_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="no count"):
        read_count(text)


def test_every_mistake_of_a_row_is_named(file: Path) -> None:
    file.write_text(table(("hallo", "gestern", "anna", "viele", "")), "utf-8")
    assert bad(lines(file))[2] == (
        "published_at: 'gestern' is no time that can be read; engagement.likes: 'viele' is no count of 0 or more"
    )


def test_reviews_answers_and_tags_are_taken_over(file: Path) -> None:
    header = ("text", "date", "rating", "hashtags", "language", "reply_to", "kind", "platform")
    file.write_text(
        table(("gut", "2026-05-04 12:00", "4,5", "#a, #b", "German", "17", "Tweet", "X (Twitter)"), header=header),
        "utf-8",
    )
    mapping = {name: name for name in ("hashtags", "reply_to")}
    (mention,) = mentions(lines(file, mapping))
    assert mention.rating is not None and (mention.rating.value, mention.rating.best) == (4.5, 5.0)
    assert (mention.hashtags, mention.language, mention.kind) == (("a", "b"), "de", "post")
    assert (mention.platform, mention.reply_to) == ("x-twitter", "x-twitter:17")


# ---- identity ---------------------------------------------------------------------------------------------------


def ids(file: Path, content: str, zone: str = "Europe/Berlin") -> list[str]:
    file.write_text(content, "utf-8")
    return [mention.id for mention in mentions(lines(file, zone=zone))]


def test_the_same_row_has_the_same_id_in_any_file_and_notation_of_its_time(file: Path, tmp_path: Path) -> None:
    first = ids(file, "text,date,author\nhallo,2026-05-04 14:00,anna\n")
    again = ids(tmp_path / "other.csv", "author;text;date\nanna;hallo;2026-05-04T12:00:00Z\n", "Asia/Tokyo")
    assert first == again
    assert first[0].startswith("import:import-")
    others = ids(file, table(("hallo", "2026-05-04 14:01", "anna"), ("hallo", "2026-05-04 14:00", "ben"), header=("text", "date", "author")))  # fmt: skip
    assert len({*first, *others}) == 3


@pytest.mark.parametrize("damaged", ["5.70306E+17", "5,70306E+17", "570306133677760000", "6E+17"])
def test_an_id_that_a_spreadsheet_has_damaged_is_none(file: Path, damaged: str) -> None:
    content = f'id,text,date,platform\n"{damaged}",a,2026-05-04 12:00,twitter\n"{damaged}",b,2026-05-04 12:00,twitter\n'
    found = ids(file, content)
    assert len(set(found)) == 2
    assert all(name.startswith("twitter:import-") for name in found)


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("570306133677760513", "x:570306133677760513"),
        ("mastodon:1", "mastodon:1"),
        ("https://example.org/1", "x:https://example.org/1"),
        ("at://did:plc:a/b/c", "x:at://did:plc:a/b/c"),
    ],
)
def test_a_whole_id_is_kept(file: Path, native: str, expected: str) -> None:
    assert ids(file, f"id,text,date,platform\n{native},a,2026-05-04 12:00,X\n") == [expected]


def test_people_without_a_name_are_not_one_person(file: Path) -> None:
    file.write_text("text,date,followers\na,2026-05-04 12:00,7\n", "utf-8")
    assert mentions(lines(file))[0].author is None


@pytest.mark.parametrize(
    ("preset", "header", "cells"),
    [
        ("brandwatch", "Date,Title,Snippet,Url,Author,Full Text", "2026-05-04 12:00:00.0,T,kurz,https://x.de/1,anna,"),
        ("talkwalker", "published,title,content,url,lang", "2026-05-04 12:00:00,T,kurz,https://x.de/1,de"),
        ("meltwater", "Date;Headline;URL;Hit Sentence;Reach", "04-May-2026 12:00PM;T;https://x.de/1;kurz;1.200"),
    ],
)
def test_presets_know_constructed_exports(file: Path, preset: str, header: str, cells: str) -> None:
    file.write_text(f"{header}\n{cells}\n", "utf-8")
    (mention,) = mentions(lines(file, preset=preset, zone="UTC"))
    assert (mention.text, mention.title, mention.url) == ("kurz", "T", "https://x.de/1")
    assert mention.published_at == datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


# ---- JSONL and compression --------------------------------------------------------------------------------------

GOOD = b'{"id":"x:%d","text":"a","published_at":"2026-05-04T12:00:00Z"}\n'


def test_jsonl_takes_bare_mentions_and_events_and_names_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "some.jsonl"
    file.write_bytes(
        b"\xef\xbb\xbf" + GOOD % 1 + b'\n[1]\n{"op":["x"]}\n{"op":"rematch","ids":[]}\n"\xff"\n'
        b'{"text":"' + b"x" * 5_000_000 + b'"}\n{"op":"delete","id":"x:1"}'
    )
    found = lines(file)
    assert [line.number for line in found if line.event] == [1, 8]
    assert list(bad(found)) == [3, 4, 5, 6, 7]
    assert bad(found)[7] == "has more than 4,000,000 bytes"


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_compressed_files_are_read_over_all_their_parts_and_a_cut_one_says_where_it_ends(
    tmp_path: Path, suffix: str
) -> None:
    pack = gzip.compress if suffix == ".gz" else zstandard.compress
    parts = [pack(b"".join(GOOD % n for n in range(start, start + 3000))) for start in (0, 3000)]
    file = tmp_path / f"some.jsonl{suffix}"
    file.write_bytes(b"".join(parts))
    assert [mention.id for mention in mentions(lines(file))] == [f"x:{n}" for n in range(6000)]
    assert 5500 < count_lines(file) < 6500
    file.write_bytes(b"".join(parts)[:-20])
    found = lines(file)
    assert found[-1].number > 3000 and "damaged from here on" in bad(found)[found[-1].number]
    assert [mention.id for mention in mentions(found)][:3000] == [f"x:{n}" for n in range(3000)]
    file.write_bytes(b"this is no archive")
    assert list(bad(lines(file))) == [1]


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_a_table_may_be_compressed(tmp_path: Path, suffix: str) -> None:
    pack = gzip.compress if suffix == ".gz" else zstandard.compress
    file = tmp_path / f"export.csv{suffix}"
    file.write_bytes(pack(table(row("Grüße")).encode()))
    assert texts(lines(file)) == ["Grüße"]


def test_reading_goes_on_behind_a_line(file: Path) -> None:
    file.write_text(table(*(row(f"text {n}\nmore") for n in range(10))), "utf-8")
    everything = lines(file)
    assert lines(file, after=everything[4].number) == everything[5:]
    assert lines(file, after=0) == everything


@given(
    rows=st.lists(st.tuples(st.text(min_size=1, max_size=30), st.text(max_size=10)), max_size=12),
    separator=st.sampled_from(",;\t"),
)
@settings(max_examples=100, deadline=None)
def test_whatever_a_spreadsheet_wrote_well_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], separator: str
) -> None:
    file = tmp_path_factory.mktemp("rows") / "export.csv"
    rows = [(f"a{text}b", place) for text, place in rows if not ({*text, *place} & {*"\x00", *separator})]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["text", "date", "author", "place", "x", "y", "z"])
    writer.writerows([text, "2026-05-04 12:00", "anna", place, "", "", ""] for text, place in rows)
    file.write_text(out.getvalue(), "utf-8", newline="")
    found = lines(file, {"place": "place"})
    assert [(m.text, m.place) for m in mentions(found)] == [(text, place.strip() or None) for text, place in rows]


def test_lines_are_estimated_by_the_beginning(file: Path) -> None:
    file.write_text("a\nb\nc", "utf-8")
    assert count_lines(file) == 3
    file.write_text(json.dumps("x" * 90) + "\n", "utf-8")
    with file.open("a", encoding="utf-8") as more:
        more.writelines(["x" * 99 + "\n"] * 50_000)
    assert 45_000 < count_lines(file) < 55_000
