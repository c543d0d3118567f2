"""Time loading a model and parsing messages one by one, as a channel would.

Run as `python -m bot.evaluation.latency MODEL MESSAGES RESULT`; loading counts from the start of
the process to the first answer.
"""

from __future__ import annotations

import time

_STARTED = time.monotonic()

import asyncio  # noqa: E402
import json  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402

import psutil  # noqa: E402

MAX_MESSAGES = 300
WARM_UP = 5


def measure(archive: Path, messages: Path) -> dict[str, float]:
    """Give load time in s, parse times p50 and p99 in ms, and memory in MB."""
    from rasa.core.agent import Agent
    from rasa.shared.nlu.training_data.loading import load_data

    agent = Agent.load(str(archive))
    asyncio.run(agent.parse_message("hello"))
    load_s = time.monotonic() - _STARTED
    texts = [message.get("text") for message in load_data(str(messages)).intent_examples]
    texts = texts[:: max(1, len(texts) // MAX_MESSAGES)]
    times = asyncio.run(_parse(agent, texts))[WARM_UP:]
    return {
        "load_s": load_s,
        "serve_mb": psutil.Process().memory_info().rss / 2**20,
        "parse_p50_ms": statistics.median(times),
        "parse_p99_ms": statistics.quantiles(times, n=100)[98],
    }


async def _parse(agent, texts: list[str]) -> list[float]:  # type: ignore[no-untyped-def]
    times = []
    for text in texts:
        began = time.perf_counter()
        await agent.parse_message(text)
        times.append((time.perf_counter() - began) * 1000)
    return times


if __name__ == "__main__":
    figures = measure(Path(sys.argv[1]), Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(figures), encoding="utf-8")
