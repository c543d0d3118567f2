"""What a model answers: `python -m benchmarks.nlu_answers MODEL ASKED FOUND`, all three files.

Scores are computed in one way for every pipeline. Loading counts from the start of the process to
the first answer.
"""

from __future__ import annotations

import time

_STARTED = time.monotonic()

import asyncio  # noqa: E402
import json  # noqa: E402
import logging  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from statistics import median, quantiles  # noqa: E402
from typing import Any  # noqa: E402

import psutil  # noqa: E402

from bot.evaluation.calibration import expected_calibration_error, reliability_bins  # noqa: E402
from bot.ml.metrics import span_f1  # noqa: E402
from bot.types import Span  # noqa: E402

WARM_UP = 5
NO_ENTITY = "O"
FALLBACK = "nlu_fallback"


def main() -> None:
    """Ask every message and leave scores, times, and which messages were right."""
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    from rasa.core.agent import Agent
    from rasa.utils.log_utils import configure_structlog

    configure_structlog(logging.ERROR)  # it would print every message
    archive, asked, out = (Path(argument) for argument in sys.argv[1:])
    agent = Agent.load(str(archive))
    asyncio.run(agent.parse_message("hello"))
    load_s = time.monotonic() - _STARTED
    content = json.loads(asked.read_text("utf-8"))
    tests, outside = (content[part]["rasa_nlu_data"]["common_examples"] for part in content)
    parses, times = asyncio.run(_ask(agent, tests))
    strangers, _ = asyncio.run(_ask(agent, outside))
    result = {
        "load_s": round(load_s, 2),
        "serve_mb": round(psutil.Process().memory_info().rss / 2**20),
        "parse_p50_ms": round(median(times), 2),
        "parse_p99_ms": round(quantiles(times, n=100)[98], 2),
        **scores(tests, parses),
    }
    if outside:
        result["outside"] = [answer(parse) for parse in strangers]
        result["inside"] = [answer(parse) for parse in parses]
    out.write_text(json.dumps(result), "utf-8")


async def _ask(agent: Any, messages: Sequence[dict[str, Any]]) -> tuple[list[Any], list[float]]:
    parses, times = [], []
    for message in messages:
        began = time.perf_counter()
        parses.append(await agent.parse_message(message["text"]))
        times.append(1000 * (time.perf_counter() - began))
    return parses, times[WARM_UP:]


def answer(parse: dict[str, Any]) -> dict[str, Any]:
    """Give the likeliest intent, its confidence, and how strange the message looks to the model.

    Where a model has no score of its own for that, the lack of confidence stands for it.
    """
    top = best(parse)
    known = parse.get("strangeness") or {}
    return {
        "intent": top["name"],
        "confidence": top["confidence"],
        "strange": known.get("score", 1 - top["confidence"]),
        "rejected": parse["intent"]["name"] == FALLBACK,
    }


def best(parse: dict[str, Any]) -> dict[str, Any]:
    """Give the likeliest intent, whether or not the model would rather ask again.

    `rasa test` looks at it in the same way.
    """
    if parse["intent"]["name"] != FALLBACK:
        return dict(parse["intent"])
    others = [label for label in parse["intent_ranking"] if label["name"] != FALLBACK]
    return dict(others[0]) if others else {"name": None, "confidence": 0.0}


def scores(messages: Sequence[dict[str, Any]], parses: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Score intents and entities."""
    truth = [message["intent"] for message in messages]
    tops = [best(parse) for parse in parses]
    right = [top["name"] == true for top, true in zip(tops, truth, strict=True)]
    bins = reliability_bins([top["confidence"] for top in tops], right)
    result: dict[str, Any] = {
        "messages": len(messages),
        "accuracy": sum(right) / len(right),
        "macro_f1": macro_f1(truth, [str(top["name"]) for top in tops]),
        "ece": expected_calibration_error(bins),
        "right": "".join("01"[one] for one in right),
    }
    gold = [[_span(entity) for entity in message["entities"]] for message in messages]
    if any(gold):
        found = [[_span(entity) for entity in parse["entities"]] for parse in parses]
        result["span_f1"] = span_f1(gold, found)
        result["token_f1"] = token_f1([message["text"] for message in messages], gold, found)
    return result


def macro_f1(truth: Sequence[str], found: Sequence[str]) -> float:
    """Give the mean F1 of the labels that occur in the truth or among the answers.

    As scikit-learn's `f1_score(average="macro")`, which Rasa's reports use.
    """
    total = 0.0
    labels = {*truth, *found}
    for label in labels:
        hits = sum(t == f == label for t, f in zip(truth, found, strict=True))
        both = truth.count(label) + found.count(label)
        total += 2 * hits / both if both else 0.0
    return total / len(labels)


def token_f1(
    texts: Sequence[str], gold: Sequence[Sequence[Span]], found: Sequence[Sequence[Span]]
) -> float:
    """Give the weighted F1 of the words' entity types, those of no entity left out, as Rasa does.

    Words are what stands between spaces, for every pipeline: a tokenizer of its own would give each
    another score.
    """
    truth, answers = [], []
    for text, true, seen in zip(texts, gold, found, strict=True):
        for word in re.finditer(r"\S+", text):
            truth.append(_type_at(true, word.start(), word.end()))
            answers.append(_type_at(seen, word.start(), word.end()))
    known = [place for place, label in enumerate(truth) if label != NO_ENTITY]
    # F1 of each type over all words, weighted by how often it is true.
    share = [truth[place] for place in known]
    return _weighted(share, truth, answers)


def _weighted(share: Sequence[str], truth: Sequence[str], found: Sequence[str]) -> float:
    scored = 0.0
    for label in set(share):
        hits = sum(t == f == label for t, f in zip(truth, found, strict=True))
        scored += share.count(label) * 2 * hits / (truth.count(label) + found.count(label))
    return scored / len(share) if share else 0.0


def _type_at(spans: Sequence[Span], start: int, end: int) -> str:
    """Give the type of the span that shares most characters with a word."""
    shared = [(min(end, span.end) - max(start, span.start), span.entity) for span in spans]
    overlap, entity = max(shared, default=(0, NO_ENTITY))
    return entity if overlap > 0 else NO_ENTITY


def _span(entity: dict[str, Any]) -> Span:
    return Span(entity["start"], entity["end"], entity["entity"])


if __name__ == "__main__":
    main()
