"""The report as a whole, and its forms without a browser."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import pytest
from made import NASTY, STORIES, full_report, good, measured, sample_items
from rich.console import Console

from bot.evaluation import outcome
from bot.evaluation.assess import latency_of, report_on
from bot.evaluation.markdown import as_markdown, escape
from bot.evaluation.page import as_page
from bot.evaluation.predictions import Fallback
from bot.evaluation.rejecting import Costs, StrangenessEvidence
from bot.evaluation.report_json import as_json
from bot.evaluation.terminal import show


def test_the_figures_of_a_model_by_hand() -> None:
    found = measured(good())
    assert found.averages.accuracy.value == 5 / 6
    assert found.acting.accuracy.value == 4 / 6  # one right label was set aside
    deeds = found.deeds
    assert (deeds.answered_right, deeds.asked_again, deeds.answered_wrong) == pytest.approx(
        (4 / 6, 1 / 6, 1 / 6)
    )
    assert found.entities[0].exact.f1 == 1.0
    assert found.out_of_scope is not None
    assert (found.out_of_scope.outside, found.out_of_scope.caught) == (1, 1.0)
    # One minus the likeliest intent of its own: 0.95 out of scope, 0.7 the strangest in scope.
    assert found.out_of_scope.auroc == 1.0
    assert found.evaluation.fallback_rate == pytest.approx(1 / 6)
    assert (found.evaluation.stories_right, found.evaluation.stories) == (1, 2)
    assert [len(part.places) for part in found.confusions] == [1]


def test_latency_leaves_out_what_was_read_before() -> None:
    predictions = [replace(one, ms=ms) for one, ms in zip(good(), (1, 2, 3, None), strict=False)]
    assert latency_of(predictions).count == 3 and latency_of(predictions).p50 == 2.0
    assert latency_of([]).p99 == 0.0


def test_the_json_has_a_version_and_stable_order_and_holds_both_evaluations() -> None:
    report = full_report()
    one, other = (json.dumps(as_json(r)) for r in (report, full_report()))
    assert one == other
    content = json.loads(one)
    assert content["schema"] == 1
    assert list(content) == [
        *("schema", "created", "costs", "evaluation", "against", "measures"),
        *("against_measures", "comparison", "data", "cross_validation", "items"),
    ]
    assert report.candidate is not None and report.live is not None
    assert outcome.from_json(content["evaluation"]).outcomes == report.candidate.evaluation.outcomes
    assert outcome.from_json(content["against"]).model == "live-one"
    assert content["items"][5]["text"] == NASTY
    assert content["measures"]["stories"][0]["predicted"] == "utter_b"


def test_markdown_has_whole_tables_and_harmless_messages() -> None:
    text = as_markdown(full_report())
    assert not re.search(r"(?<!\\)<script", text) and "@somebody" not in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    assert "candidate\\-one" not in text and "## Evaluation of candidate-one" in text
    assert "Became better: 3 messages" in text and "Became worse: 1 message<" in text
    assert "order \\<b\\>soup\\</b\\>, turn 2" in text
    assert "was city from: Berlin, now city to: Berlin" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a\nb  c", "a b c"),
        ("x|y", "x\\|y"),
        ("[l](u)", "\\[l\\]\\(u\\)"),
        ("@all #1", "\\@\u200ball \\#\u200b1"),
        ("x" * 200, "x" * 99 + "…"),
    ],
)
def test_a_message_in_markdown_is_one_harmless_line(text: str, escaped: str) -> None:
    assert escape(text) == escaped


def test_the_terminal_shows_messages_as_text() -> None:
    console = Console(file=io.StringIO(), width=160)
    show(full_report(), console)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for part in ("Weighted F1", "order <b>soup</b>", "probable label errors", "0.40 in config.yml"):
        assert part in shown
    assert "<script>" in shown  # nothing was taken for markup and lost


def test_without_a_live_model_nothing_is_compared() -> None:
    text = as_markdown(full_report(live=False))
    assert "Became" not in text and "points" not in text
    assert 'id="changes"' not in as_page(full_report(live=False))


def test_data_alone_makes_a_page_and_a_summary() -> None:
    report = report_on("today", (), None, None, Costs(), full_report().data)
    assert 'id="data"' in as_page(report) and 'id="intents"' not in as_page(report)
    assert as_markdown(report).startswith("## Training data\n")
    assert json.loads(json.dumps(as_json(report)))["evaluation"] is None
    show(report, Console(file=io.StringIO()))


def test_messages_are_escaped_wherever_the_page_shows_them() -> None:
    page = as_page(full_report())
    assert "window.hacked = true</script>" not in page
    assert page.count("<script") == 2 and page.count("</script>") == 2
    assert "&lt;script&gt;" in page and "\\u003cscript\\u003e" in page
    assert "<b>soup</b>" not in page


def test_the_page_needs_nothing_else() -> None:
    page = as_page(full_report())
    assert not re.search(r"""(?:src|href)=["'](?!#)""", page)
    assert not re.search(r"url\(|@import|https?://", page)
    assert " style=" not in page  # the policy would not let it through


def test_identifiers_on_the_page_are_unique_and_links_lead_to_them() -> None:
    page = as_page(full_report())
    names = re.findall(r'\bid="([^"]+)"', page)
    assert len(names) == len(set(names))
    assert {link for link in re.findall(r'href="#([^"]+)"', page)} <= set(names)


def test_a_model_without_a_mistake_has_nothing_to_confuse() -> None:
    items = sample_items()[:2]
    report = report_on("today", items, measured(good()[:2], items), None, Costs(), None)
    assert "No message is taken for another." in as_page(report)
    assert STORIES[0].name not in as_markdown(report_on("today", (), None, None, Costs(), None))


def test_a_models_own_strangeness_is_what_tells_what_is_out_of_scope() -> None:
    strange = (0.2, 0.1, 0.3, 0.2, 0.9, 0.8)  # the fifth is out of scope
    told = [replace(one, strangeness=value) for one, value in zip(good(), strange, strict=True)]
    found = measured(told).out_of_scope
    assert found is not None
    assert found.auroc == 1.0
    wrong = measured([replace(told[0], strangeness=1.5), *told[1:]]).out_of_scope
    assert wrong is not None
    assert wrong.auroc == 0.8


@pytest.mark.parametrize("refused", [0.01, None])
def test_the_page_says_how_the_threshold_for_strange_messages_was_chosen(
    refused: float | None,
) -> None:
    evidence = StrangenessEvidence(0.47, 5.0, refused, 0.93, 750, 760)
    found = measured(good())
    for strange in (True, False):
        model = replace(found.model, fallback=Fallback(0.4, strange=strange), strangeness=evidence)
        report = report_on("now", sample_items(), replace(found, model=model), None, Costs(), None)
        page = as_page(report)
        assert ("strangeness is above 0.47" in page) is strange
        assert ("1.0 %" in page and "750 validation messages" in page) is (
            strange and bool(refused)
        )
