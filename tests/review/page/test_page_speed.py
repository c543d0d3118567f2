"""How fast somebody can be who does not have to think."""

from __future__ import annotations

import time

import pytest

from bot.feedback.store import Store
from review.page import talks
from review.page.conftest import Open

N = 60
# What a person may at most notice, with room for a busy machine.
SLOWEST_MEDIAN_S = 0.3

NEXT = """([key, before]) => new Promise((resolve) => {
  const began = performance.now();
  const look = () => {
    const now = document.querySelector(".desk")?.dataset.item;
    if (now !== before && document.querySelector(".desk").isConnected) {
      requestAnimationFrame(() => resolve(performance.now() - began));
    } else requestAnimationFrame(look);
  };
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  (document.activeElement ?? document.body).dispatchEvent(event);
  look();
})"""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("many")
    store = Store(f"sqlite:///{folder}/feedback.sqlite", talks.KEY)
    words = ("money", "card", "balance", "bill", "loan", "rate", "fee", "limit", "payee", "app")
    messages = [f"what about {a} and {b} in {c}" for a in words for b in words for c in words[:3]]
    talks.fill(store, folder, messages)
    store.close()
    return folder / "feedback.sqlite"


@pytest.mark.long
def test_the_next_message_is_there_at_once(
    open_page: Open, capsys: pytest.CaptureFixture[str]
) -> None:
    who = open_page().sign_in().reviewing()
    waits, began = [], time.monotonic()
    for place in range(N):
        item = who.desk.get_attribute("data-item")
        if place % 3 == 0:
            who.press("2")
        waits.append(who.page.evaluate(NEXT, ["Enter", item]) / 1000)
        who.page.wait_for_timeout(250)  # reads the next one; faster than anybody can
    took = time.monotonic() - began
    who.saved()
    waits.sort()
    p50, p95 = waits[N // 2], waits[int(N * 0.95)]
    with capsys.disabled():
        print(
            f"\n{N} messages in {took:.1f} s ({N / took * 60:.0f} a minute); key to next message:"
        )
        print(f"p50 {p50 * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    assert p50 < SLOWEST_MEDIAN_S
    assert who.count("today") == N
