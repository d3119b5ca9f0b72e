"""How many mentions a second are matched, beside evaluating each query in turn, compiled and naive, in the same run.

`python -m benchmarks.matching` prints one JSON object a line. Times are CPU time of one process, the best of `rounds`.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from resonance.matching import Matcher, Tree, parse
from resonance.matching.evidence import Evidence, searched_tokens
from resonance.matching.program import Program, program
from resonance.matching.rarity import Rarity
from resonance.model import Mention
from tests.support.naive_matching import naive_matches

_AT = datetime(2026, 1, 1, tzinfo=UTC)


def measure(*, mentions: int = 4_000, rounds: int = 3, seed: int = 1) -> list[dict[str, Any]]:
    """One row per workload and number of topics; speeds in mentions/s: from JSON bytes, alone, in turn, naive."""
    rng = random.Random(seed)
    words = ["".join(rng.choices("etaoinshrdlucmfw", k=rng.randint(3, 9))) for _ in range(20_000)] + [
        "größer",
        "für",
    ] * 300
    lines = [
        msgspec.json.encode(Mention(id=f"demo:{n}", published_at=_AT, text=_text(rng, words))) for n in range(mentions)
    ]
    return [
        _row(workload, topics, _queries(topics, words, workload == "some"), lines, rounds)
        for workload, topics in (("none", 50), ("none", 1_000), ("some", 50), ("some", 1_000))
    ]


def _text(rng: random.Random, words: list[str]) -> str:
    """About 200 characters, three quarters of them not plain ASCII, as posts are."""
    chosen = [words[int(len(words) * rng.random() ** 2)] for _ in range(30)]
    extras = (("it’s 🙂", 0.5), ("#FastFood", 0.2), ("#tag", 0.2), ("https://t.example/abc", 0.3), ("@somebody", 0.3))
    return " ".join([*chosen, *(extra for extra, share in extras if rng.random() < share)])


def _queries(topics: int, words: list[str], matching: bool) -> dict[str, str]:
    """Brand-like queries of nine leaves; the brands occur in no text, or (`matching`) are words of the texts."""
    brands = [words[200 + 7 * n] if matching else f"brand{n}x" for n in range(topics)]
    return {
        f"topic{n}": f'({brand} OR "{brand} phone" OR #{brand} OR @{brand} OR big{brand}*) '
        f"AND ({words[n]} OR service OR {words[n + 1]} OR {words[n // 2]}) AND NOT jobs"
        for n, brand in enumerate(brands)
    }


def _row(workload: str, topics: int, queries: dict[str, str], lines: list[bytes], rounds: int) -> dict[str, Any]:
    started = time.process_time()
    matcher = Matcher.compile(queries)
    compiled = time.process_time() - started
    started = time.process_time()
    matcher.with_({"another": "one AND more"})
    added = time.process_time() - started
    decode = msgspec.json.Decoder(Mention).decode
    seen = [decode(line) for line in lines]
    trees: list[Tree] = [parse(query) for query in queries.values()]
    programs = [program(tree, Rarity()) for tree in trees]
    few = seen[: max(10, 4_000 // topics)]
    from_bytes = _best(rounds, lambda: [matcher.match(decode(line)) for line in lines]) / len(lines)
    alone = _best(rounds, lambda: matcher.match_batch(seen)) / len(seen)
    one_by_one = _best(1, lambda: [_ask_all(programs, mention) for mention in few]) / len(few)
    naive = _best(1, lambda: [naive_matches(trees, mention) for mention in few]) / len(few)
    return {
        "workload": workload,
        "topics": topics,
        "matches_per_mention": round(sum(map(len, matcher.match_batch(seen))) / len(seen), 2),
        "decoded_and_matched_per_s": round(1 / from_bytes),
        "matched_per_s": round(1 / alone),
        "one_by_one_per_s": round(1 / one_by_one),
        "times_faster_than_one_by_one": round(one_by_one / alone, 1),
        "naive_per_s": round(1 / naive, 1),
        "compile_s": round(compiled, 3),
        "add_one_topic_ms": round(added * 1_000, 2),
    }


def _ask_all(programs: list[Program], mention: Mention) -> list[bool]:
    """Every compiled query asked in turn: what the filing under keys saves."""
    evidence = Evidence(mention, None, searched_tokens(mention))
    return [each.holds(evidence) for each in programs]


def _best(rounds: int, work: Callable[[], object]) -> float:
    times = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


if __name__ == "__main__":
    for row in measure():
        sys.stdout.write(json.dumps(row) + "\n")
