"""/v1/queries: is a query right, and what would it find."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field

from api import shapes
from api.problems import Refused
from api.repeats import Repeatable
from api.security import PartsOf, Reader, known_parameters
from resonance.errors import InvalidQuery
from resonance.matching import Matcher, lint, normal_form, parse
from resonance.model import Mention, micros
from resonance.stores.mentions import MentionFilter
from resonance.stores.rows import read_mention

router = APIRouter(tags=["queries"], route_class=Repeatable, dependencies=[Depends(known_parameters)])
_SCANNED, _SAMPLE = 20_000, 20
Text = Annotated[str, Field(max_length=200_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Validation(_Strict):
    """A query to be looked at."""

    query: Text
    dialect: Literal["native", "brandwatch", "talkwalker", "meltwater"] = "native"


class Trial(_Strict):
    """A query, and what to try it on: texts, or the mentions of the last days."""

    query: Text
    texts: list[Text] | None = Field(None, max_length=200)
    days: int | None = Field(None, ge=1, le=400)


@router.post("/v1/queries/validate", summary="Is this query right?")
def validate_query(body: Validation, caller: Reader) -> dict[str, Any]:
    """The tree, every error with line and column, advice, and the normal form."""
    if body.dialect != "native":
        raise Refused("not-yet", f"the dialect {body.dialect!r} is not read yet")
    try:
        tree = parse(body.query)
    except InvalidQuery as error:
        errors = [structs.asdict(problem) for problem in error.problems]
        return {"valid": False, "errors": errors, "lint": [], "tree": None, "normal_form": None}
    return {
        "valid": True,
        "errors": [],
        "lint": [structs.asdict(problem) for problem in lint(tree)],
        "tree": _plain(tree),
        "normal_form": normal_form(tree),
    }


def _plain(tree: Any) -> Any:
    """The tree as JSON: {"op": kind, …} without places."""
    fields = getattr(type(tree), "__struct_fields__", None) or getattr(type(tree), "__dataclass_fields__", {})
    body: dict[str, Any] = {"op": type(tree).__name__.casefold()}
    for name in fields:
        value = getattr(tree, name)
        if name == "at":
            body["at"] = {"line": value.line, "column": value.column, "start": value.start, "end": value.end}
        elif isinstance(value, list | tuple):
            body[name] = [_plain(item) if not isinstance(item, str) else item for item in value]
        else:
            body[name] = value if isinstance(value, str | int | bool | None) else _plain(value)
    return body


@router.post("/v1/queries/test", summary="What would this query find?")
def test_query(body: Trial, parts: PartsOf, caller: Reader) -> dict[str, Any]:
    """On given texts, or within stored mentions: what was never kept cannot be found."""
    matcher = Matcher.compile({"query": body.query})
    if body.texts is not None:
        now = parts.clock.now()
        mentions = [Mention(id=f"test:{n}", text=text, published_at=now) for n, text in enumerate(body.texts)]
        answers = [matcher.match(mention) for mention in mentions]
        return {
            "items": [
                {"index": n, "matched": bool(found), "spans": found[0][1] if found else []}
                for n, found in enumerate(answers)
            ]
        }
    start = parts.clock.now() - timedelta(days=body.days or 7)
    chosen = MentionFilter(start=micros(start))
    days: Counter[str] = Counter()
    sample: list[dict[str, Any]] = []
    cursor, scanned = None, 0
    while scanned < _SCANNED:
        page = parts.mentions.page(chosen, caller.scope, limit=500, cursor=cursor)
        scanned += len(page.items)
        for item in page.items:
            if matcher.match(read_mention(item.row, None), language=item.row["language"]):
                days[(shapes.time_text(item.row["placed_at"]) or "")[:10]] += 1
                if len(sample) < _SAMPLE:
                    sample.append(shapes.mention(item, pseudonymous=parts.pseudonymous))
        cursor = page.next
        if cursor is None:
            break
    volume = [{"day": day, "mentions": count} for day, count in sorted(days.items())]
    return {
        "scope": "within stored mentions",
        "scanned": scanned,
        "complete": cursor is None,
        "volume": volume,
        "sample": sample,
    }
