"""Hypertext as plain text: what a reader sees, paragraph by paragraph, and where its links lead. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

_UNSEEN = {"script", "style", "head", "template", "noscript", "iframe", "svg", "-comment"}
_BLOCKS = {"address", "article", "aside", "blockquote", "dd", "div", "dl", "dt", "figcaption", "figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"}  # fmt: skip
_LONGEST = 1_000_000
"""More (characters) is cut off before it is read."""
_DEEPEST = 200
"""Below that, everything is text."""
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")


class Plain(NamedTuple):
    """What is read, and the addresses of its links in order."""

    text: str
    links: tuple[str, ...] = ()


def plain(html: str) -> Plain:
    """The text without tags. Paragraphs and line breaks stay; what a page hides (`class="invisible"`, as Mastodon does with
    the ends of addresses) is left out.

    >>> plain('<p>Die <b>Bahn</b> &amp; ich<br>warten</p><p>lange <a href="https://a.example/x">hier</a></p>')
    Plain(text='Die Bahn & ich\\nwarten\\n\\nlange hier', links=('https://a.example/x',))
    >>> plain('2 < 3')
    Plain(text='2 < 3', links=())
    """
    if "<" not in html and "&" not in html:
        return Plain(_tidy(html))
    body = LexborHTMLParser(html[:_LONGEST]).body
    if body is None:
        return Plain("")
    pieces: list[str] = []
    links: dict[str, None] = {}
    _walk(body, pieces, links, 0)
    return Plain(_tidy("".join(pieces)), tuple(links))


def _walk(node: LexborNode, pieces: list[str], links: dict[str, None], depth: int) -> None:
    """Text nodes in order; marks where lines (\\x01) and paragraphs (\\x02) end."""
    child = node.child
    while child is not None:
        tag = child.tag or ""
        if tag == "-text":
            pieces.append(_SPACE.sub(" ", child.text(deep=False)))
        elif tag == "br":
            pieces.append("\x01")
        elif depth == _DEEPEST:
            pieces.append(child.text(deep=True))
        elif tag not in _UNSEEN and "invisible" not in (child.attributes.get("class") or ""):
            if tag == "a" and (address := child.attributes.get("href")) and address.startswith(("http://", "https://")):
                links[address] = None
            mark = "\x02" if tag in _BLOCKS else ""
            pieces.append(mark)
            _walk(child, pieces, links, depth + 1)
            pieces.append(mark)
        child = child.next


def _tidy(text: str) -> str:
    text = re.sub(r" *\x02[\x01\x02 ]*", "\n\n", text)
    text = re.sub(r" *\x01 ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
