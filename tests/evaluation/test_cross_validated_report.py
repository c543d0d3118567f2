"""The report of a cross-validation: what it says of itself, and the learning curve in it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made import full_report
from playwright.sync_api import Browser, expect
from rich.console import Console
from widget.browser import MOBILE, axe, csp_violations, launch, watch

from bot.evaluation.assess import Report
from bot.evaluation.cross_validated import CrossValidation
from bot.evaluation.learning_curve import HELPS, NO_LONGER, UNKNOWN, LearningCurve, learning_curve
from bot.evaluation.markdown import as_markdown
from bot.evaluation.page import as_page
from bot.evaluation.report_json import as_json
from bot.evaluation.terminal import show

RATES = {
    "book": (0.3, 0.5, 0.8),
    "faq/hours": (0.5, 0.55, 0.62),
    "greet": (1.0, 1.0, 1.0),
    "<b>not_ours</b>": (0.4, 0.6, 0.6),
}


def curve() -> LearningCurve:
    chance = np.random.default_rng(2)
    labels = [label for label in RATES for _ in range(20 if label == "faq/hours" else 90)]
    luck = chance.random(len(labels))
    right = [
        [bool(luck[n] < RATES[label][size]) for n, label in enumerate(labels)] for size in range(3)
    ]
    return learning_curve(labels, range(len(labels)), right, (232.0, 464.0, 928.0))


def report(*, with_curve: bool = True) -> Report:
    about = CrossValidation(5, 42, 1200, 1160, 3, ("lonely_one",), curve() if with_curve else None)
    return replace(full_report(live=False), cross_validation=about)


def shown(made: Report) -> str:
    console = Console(file=io.StringIO(), width=100)
    show(made, console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_every_form_says_that_the_messages_were_unseen() -> None:
    made = report(with_curve=False)
    page, text = as_page(made), as_markdown(made)
    assert "<h1>Cross-validation of the training data, 5 folds</h1>" in page
    assert "## Cross-validation of the training data, 5 folds" in text
    for form in (page, text.replace("\\", "")):
        assert "Not measured, for lack of examples that differ: lonely_one." in form
        assert "1,200 examples in 1,160 groups" in form
    assert "Learning curve" not in page + text + shown(made)


def test_every_form_holds_the_learning_curve() -> None:
    made = report()
    verdicts = [one.verdict for one in curve().intents]
    assert (verdicts.count(HELPS), verdicts.count(NO_LONGER), verdicts.count(UNKNOWN)) == (1, 2, 1)
    for form in (as_page(made), as_markdown(made)):
        assert form.count("464 to 928 training examples") == 1
        assert f"1 intent: {HELPS}" in form and f"2 intents: {NO_LONGER}" in form
        assert "<b>not_ours</b>" not in form
    assert "1 of 4 intents: more examples help; 1: not known" in shown(made).replace("\n", " ")
    content = json.loads(json.dumps(as_json(made)))["cross_validation"]
    assert content["folds"] == 5 and len(content["curve"]["points"]) == 3
    assert content["curve"]["intents"][0]["verdict"] == HELPS


def test_an_evaluation_of_one_model_is_what_it_was() -> None:
    plain = full_report(live=False)
    assert as_json(plain)["cross_validation"] is None
    assert "Evaluation of candidate-one" in as_page(plain)
    assert "Learning curve" not in as_page(plain) + as_markdown(plain) + shown(plain)
    assert "Archive" in as_markdown(plain)


def test_where_there_is_no_archive_no_size_is_shown() -> None:
    made = report()
    assert made.candidate is not None
    model = replace(made.candidate.model, archive_mb=0.0)
    made = replace(made, candidate=replace(made.candidate, model=model))
    assert "Archive" not in as_page(made) + as_markdown(made) + shown(made)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch() as browser:
        yield browser


def test_the_learning_curve_on_a_small_dark_screen(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(as_page(report()), encoding="utf-8")
    context = browser.new_context(viewport=MOBILE, color_scheme="dark")
    problems, page = watch(context), context.new_page()
    page.goto(file.as_uri())
    for folded in page.locator("details").all():
        folded.evaluate("element => { element.open = true }")
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == MOBILE["width"]
    picture = page.locator("#learning").get_by_role("img", name="Learning curve")
    expect(picture.locator("circle")).to_have_count(4)
    edges = picture.bounding_box()
    assert edges is not None
    for dot in picture.locator("circle").all():
        box = dot.bounding_box()
        assert box is not None
        assert edges["x"] < box["x"] < edges["x"] + edges["width"]
        assert edges["y"] < box["y"] < edges["y"] + edges["height"]
    page.locator("#learning").get_by_role("link", name="book").click()
    expect(page.locator("#f-intent")).to_have_value("book")
    assert problems == [] and csp_violations(page) == []
    context.close()
