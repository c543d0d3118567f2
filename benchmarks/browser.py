"""What a visitor waits for: from sending to the first reply on the page, in Chromium."""

from __future__ import annotations

import shutil
import statistics
from dataclasses import dataclass

from playwright.sync_api import sync_playwright

from benchmarks.questions import QUESTIONS

ROUNDS = 10
# The reply counts when the browser has painted it.
ASK = """(text) => new Promise((done) => {
  const chat = document.querySelector("bot-chat");
  const began = performance.now();
  const painted = () => requestAnimationFrame(() => requestAnimationFrame(() =>
    done(performance.now() - began)));
  chat.addEventListener("bot-chat:reply", painted, { once: true });
  chat.send(text);
})"""


@dataclass(frozen=True)
class Waiting:
    """Times from sending to a painted reply, in ms."""

    messages: int
    p50_ms: float
    p95_ms: float


def measure(url: str) -> Waiting:
    """Talk in the widget on the demo page of a server."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        raise SystemExit("This needs Chromium: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"{url}/webhooks/web/demo")
        page.evaluate("document.querySelector('bot-chat').open()")
        page.locator("bot-chat .root[data-status=online]").wait_for(state="attached")
        times = []
        for _ in range(ROUNDS):
            for question in QUESTIONS:
                times.append(float(page.evaluate(ASK, question)))
                page.wait_for_timeout(300)  # people pause, and so do rate limits
        browser.close()
    times = sorted(times[len(QUESTIONS) :])  # the first round warms up
    return Waiting(len(times), statistics.median(times), times[int(len(times) * 0.95)])
