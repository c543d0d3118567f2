"""The gate: what passes, what is refused, and in which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import OptionError, ProjectError
from bot.evaluation.gate import GateRules, judge
from bot.evaluation.outcome import EntityCounts, Evaluation, IntentOutcome
from bot.evaluation.verdict import Finding, Verdict, from_json
from bot.settings import GateSettings, project_settings

INTENTS = [f"intent_{number}" for number in range(20)]


def rules(**changes: Any) -> GateRules:
    return GateRules(**{**asdict(GateSettings()), **changes})


def measured(
    model: str, wrong: frozenset[int] = frozenset(), *, size: int = 10, **changes: Any
) -> Evaluation:
    """Give a model's figures on `size` items of each intent; the items numbered are wrong."""
    found = tuple(
        IntentOutcome(
            str(item),
            INTENTS[item // size],
            INTENTS[item // size] if item not in wrong else INTENTS[item // size - 1],
            0.9,
            False,
        )
        for item in range(size * len(INTENTS))
    )
    whole = Evaluation(
        model,
        "1" * 64,
        found,
        EntityCounts(90, 100, 100),
        tuple(INTENTS),
        19,
        20,
        0.05,
        0.05,
        10.0,
        20.0,
        60.0,
    )
    return replace(whole, **changes)


SOME = frozenset(range(0, 200, 10))  # one of each intent is wrong
LIVE = measured("live", SOME)
BETTER = measured("candidate", frozenset(list(sorted(SOME))[:8]))


def broken(verdict: Verdict) -> list[str]:
    return [finding.rule for finding in verdict.findings if not finding.passed]


def test_the_rules_are_the_options_of_the_project() -> None:
    names = [[option.name for option in fields(kind)] for kind in (GateRules, GateSettings)]
    assert names[0] == names[1]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("level = 0.0", "level is 0"),
        ("level = nan", "level is nan"),
        ("tie = 'both'", "'live' or 'candidate'"),
        ("latency_p99_ms = 0", "more than 0"),
        ("archive_mb = -1", "more than 0"),
        ("latency_ratio = 0.5", "1 or more"),
        ("minimum_items = 0", "1 or more"),
        ("intent_margin = 1", "a share"),
        ("margin = 1", "no option 'margin'"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(f"[gate]\n{line}\n")
    with pytest.raises(OptionError) as raised:
        project_settings(file)
    assert told in str(raised.value)


def test_a_better_candidate_passes_and_says_why() -> None:
    verdict = judge(BETTER, LIVE, rules())
    assert verdict.passed and verdict.decision == "better"
    assert "weighted F1 0.960, live 0.900" in verdict.reasons[2]
    assert "12 messages gained, 0 lost" in verdict.reasons[2]


def test_a_worse_candidate_is_refused() -> None:
    verdict = judge(replace(LIVE, model="candidate"), replace(BETTER, model="live"), rules())
    assert verdict.decision == "worse" and broken(verdict) == ["overall"]
    assert "The candidate is worse" in verdict.reasons[0]


def test_better_needs_both_tests_and_worse_needs_one() -> None:
    """Four messages to none: the bootstrap is certain of it, McNemar's test is not (1/16)."""
    four = measured("candidate", frozenset(sorted(SOME)[4:]))
    verdict = judge(four, LIVE, rules())
    numbers = next(one.numbers for one in verdict.findings if one.rule == "overall")
    assert numbers["mcnemar_better"] == 1 / 16 and float(numbers["bootstrap_better"]) < 0.05
    assert verdict.decision == "tie"
    back = judge(replace(LIVE, model="candidate"), replace(four, model="live"), rules())
    assert back.decision == "worse"


@pytest.mark.parametrize(("tie", "passes"), [("live", False), ("candidate", True)])
def test_a_tie(tie: str, passes: bool) -> None:
    verdict = judge(replace(LIVE, model="candidate"), LIVE, rules(tie=tie))
    assert verdict.decision == "tie" and verdict.passed is passes
    words = "candidate may go live" if passes else "live model stays"
    assert any(words in reason for reason in verdict.reasons)


def test_a_tie_for_the_candidate_does_not_excuse_a_worse_one() -> None:
    worse = replace(LIVE, model="candidate")
    assert not judge(worse, replace(BETTER, model="live"), rules(tie="candidate")).passed


def test_an_intent_that_is_lost_refuses_a_candidate_that_is_better_in_all() -> None:
    live = measured("live", frozenset(range(0, 200, 5)))
    lost = frozenset(range(50, 60))
    verdict = judge(measured("candidate", lost), live, rules())
    assert verdict.decision == "better" and broken(verdict) == ["intent"]
    assert "'intent_5' lost 80.0 points of recall; 5 are allowed" in verdict.reasons[0]
    assert "Of 10 messages 8 are wrong that were right, 0 the other way" in verdict.reasons[0]


def test_two_lost_messages_of_an_intent_are_chance() -> None:
    live = measured("live", frozenset(range(0, 200, 5)))
    assert judge(measured("candidate", frozenset({51, 52})), live, rules()).passed


def test_a_loss_within_the_margin_is_allowed_however_certain() -> None:
    size = 200
    live = measured("live", frozenset(range(0, 100)), size=size)
    candidate = measured("candidate", frozenset(range(1000, 1009)), size=size)
    assert judge(candidate, live, rules(intent_margin=0.05)).passed
    assert broken(judge(candidate, live, rules(intent_margin=0.04))) == ["intent"]


def test_a_deleted_intent_is_refused_however_few_its_messages() -> None:
    without = tuple(name for name in INTENTS if name != "intent_3")
    verdict = judge(replace(BETTER, labels=without), LIVE, rules())
    assert broken(verdict) == ["labels"]
    assert "does not know intent_3" in verdict.reasons[0]
    # One that the live model does not know either was not deleted.
    assert judge(replace(BETTER, labels=without), replace(LIVE, labels=without), rules()).passed


def test_other_items_are_not_compared() -> None:
    for live in (
        replace(LIVE, items_digest="2" * 64),
        replace(LIVE, outcomes=LIVE.outcomes[1:]),
        replace(LIVE, outcomes=tuple(replace(o, truth=INTENTS[0]) for o in LIVE.outcomes)),
    ):
        verdict = judge(BETTER, live, rules())
        assert verdict.decision == "incomparable" and broken(verdict) == ["items"]
        assert "bot evaluate candidate --against live" in verdict.reasons[0]


SPANS_88, SPANS_87 = (EntityCounts(right, 100, 100) for right in (88, 87))
LIMITS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("entities", {"entities": SPANS_88}, {"entities": SPANS_87}),
    ("stories", {"stories_right": 19}, {"stories_right": 18}),
    ("calibration", {"ece": 0.08}, {"ece": 0.081}),
    ("fallback", {"fallback_rate": 0.08}, {"fallback_rate": 0.09}),
    ("slower", {"latency_p99_ms": 40.0}, {"latency_p99_ms": 40.1}),
    ("size", {"archive_mb": 500.0}, {"archive_mb": 500.5}),
]


@pytest.mark.parametrize(("rule", "held", "missed"), LIMITS, ids=[row[0] for row in LIMITS])
def test_each_limit_holds_at_its_edge_and_not_beyond(
    rule: str, held: dict[str, Any], missed: dict[str, Any]
) -> None:
    assert judge(replace(BETTER, **held), LIVE, rules()).passed
    assert broken(judge(replace(BETTER, **missed), LIVE, rules())) == [rule]


def test_the_budget_of_time_is_absolute_as_well() -> None:
    slow = replace(LIVE, latency_p99_ms=150.0)
    assert judge(replace(BETTER, latency_p99_ms=200.0), slow, rules()).passed
    assert broken(judge(replace(BETTER, latency_p99_ms=201.0), slow, rules())) == ["latency"]


def test_stories_that_were_not_run_are_stories_lost() -> None:
    silent = replace(BETTER, stories=0, stories_right=0)
    assert broken(judge(silent, LIVE, rules())) == ["stories"]
    assert judge(silent, replace(LIVE, stories=0, stories_right=0), rules()).passed


def test_entities_that_nobody_annotated_are_not_judged() -> None:
    none = EntityCounts()
    verdict = judge(replace(BETTER, entities=none), replace(LIVE, entities=none), rules())
    assert verdict.passed and "entities" not in [finding.rule for finding in verdict.findings]


def test_figures_that_are_no_numbers_refuse() -> None:
    assert broken(judge(replace(BETTER, ece=float("nan")), LIVE, rules())) == ["calibration"]


def test_too_little_evidence() -> None:
    verdict = judge(BETTER, LIVE, rules(minimum_items=201))
    assert broken(verdict) == ["evidence"] and "200 items; 201 are needed" in verdict.reasons[0]
    verdict = judge(BETTER, LIVE, rules(minimum_examples=11))
    assert broken(verdict) == ["coverage"]
    assert "Too few to judge alone: intent_0" in verdict.reasons[0]
    assert "and 15 more" in verdict.reasons[0]
    nothing = judge(replace(BETTER, outcomes=()), replace(LIVE, outcomes=()), rules())
    assert broken(nothing) == ["evidence", "coverage"]


def test_the_first_model_passes_on_floors() -> None:
    verdict = judge(LIVE, None, rules())
    assert verdict.passed and verdict.decision == "first" and verdict.live is None


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("intents", lambda e: replace(e, outcomes=measured("m", frozenset(range(41))).outcomes)),
        ("entities", lambda e: replace(e, entities=EntityCounts(69, 100, 100))),
        ("stories", lambda e: replace(e, stories_right=15)),
        ("calibration", lambda e: replace(e, ece=0.16)),
        ("latency", lambda e: replace(e, latency_p99_ms=201.0)),
        ("size", lambda e: replace(e, archive_mb=501.0)),
    ],
)
def test_the_first_model_is_refused_below_a_floor(
    rule: str, change: Callable[[Evaluation], Evaluation]
) -> None:
    assert broken(judge(change(LIVE), None, rules())) == [rule]


def test_a_verdict_is_json_and_comes_back() -> None:
    for verdict in (judge(BETTER, LIVE, rules()), judge(LIVE, None, rules())):
        assert from_json(json.loads(json.dumps(verdict.to_json()))) == verdict
    with pytest.raises(ProjectError, match="verdict cannot be read"):
        from_json({"schema": 1, "findings": [{}]})


def test_whether_it_passed_is_not_believed_but_counted() -> None:
    content = judge(replace(BETTER, ece=0.5), LIVE, rules()).to_json()
    assert not from_json({**content, "passed": True}).passed
    assert not from_json({**content, "findings": []}).passed


def test_the_markdown_is_a_table_that_labels_cannot_break() -> None:
    finding = Finding("intent", False, "'a|b' and <script>\nlost", {})
    text = Verdict("new", "old", "tie", (finding,)).to_markdown()
    assert "**new is refused: intent.**" in text
    assert "| **no** | intent | 'a\\|b' and &lt;script> lost |" in text


def test_the_same_evaluations_give_the_same_verdict() -> None:
    assert judge(BETTER, LIVE, rules()) == judge(BETTER, LIVE, rules())
