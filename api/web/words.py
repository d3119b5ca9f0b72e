"""The page's words: English stands in the templates, German in a Babel catalogue, which is compiled when it is first used."""

from __future__ import annotations

import gettext
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

HERE = Path(__file__).parent


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; what it lacks stays English."""
    file = HERE / "locale" / language / "LC_MESSAGES" / "page.po"
    if not file.exists():
        return gettext.NullTranslations()
    compiled = BytesIO()
    with file.open("rb") as source:
        write_mo(compiled, read_po(source))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def templates(language: str) -> Environment:
    """The templates in a language; whatever is put into them is escaped."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        extensions=["jinja2.ext.i18n"],
        undefined=StrictUndefined,
    )
    made.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    return made
