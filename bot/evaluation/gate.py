"""The gate: may a candidate go live? A pure function of two evaluations and the rules.

Every rule is judged, also behind one that failed, so that the verdict names all that must be
mended. What is compared is the likeliest label of each item; what the fallback makes of it has
a rule of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bot.evaluation.gate_limits import budgets, floors, margins
from bot.evaluation.gate_rules import GateRules
from bot.evaluation.outcome import Evaluation
from bot.evaluation.paired import bootstrap, intent_changes, mcnemar
from bot.evaluation.verdict import Finding, Verdict

__all__ = ["GateRules", "Verdict", "judge"]

SEED = 20
RESAMPLES = 2000
BETTER, WORSE, TIE, FIRST, INCOMPARABLE = "better", "worse", "tie", "first", "incomparable"


def judge(candidate: Evaluation, live: Evaluation | None, rules: GateRules) -> Verdict:
    """Judge a candidate against the live model, or against the floors where there is none.

    Args:
        candidate: the evaluation of the model that may go live.
        live: that of the live model, on the same items.
        rules: from `bot.toml`.
    """
    if live is None:
        found = (*_evidence(candidate, rules), *floors(candidate, rules))
        return Verdict(candidate.model, None, FIRST, (*found, *budgets(candidate, None, rules)))
    if stop := _incomparable(candidate, live):
        return Verdict(candidate.model, live.model, INCOMPARABLE, (stop,))
    findings = [*_evidence(candidate, rules)]
    decision = TIE
    if candidate.outcomes:
        decision, overall = _overall(candidate, live, rules)
        findings += [overall, *_intents(candidate, live, rules), _deleted(candidate, live)]
    findings += [*margins(candidate, live, rules), *budgets(candidate, live, rules)]
    return Verdict(candidate.model, live.model, decision, tuple(findings))


def _incomparable(candidate: Evaluation, live: Evaluation) -> Finding | None:
    """Refuse to compare what was measured on different items."""
    same = [(one.item, one.truth) for one in candidate.outcomes] == [
        (one.item, one.truth) for one in live.outcomes
    ]
    if candidate.items_digest == live.items_digest and same:
        return None
    return Finding(
        "items",
        False,
        f"The two models were measured on different items: {len(candidate.outcomes)} with digest "
        f"{candidate.items_digest[:12]} and {len(live.outcomes)} with digest "
        f"{live.items_digest[:12]}. Evaluate both anew: bot evaluate "
        f"{candidate.model} --against {live.model}.",
        {"candidate_items": len(candidate.outcomes), "live_items": len(live.outcomes)},
    )


def _evidence(candidate: Evaluation, rules: GateRules) -> Iterator[Finding]:
    """Ask for enough messages, and enough for most intents."""
    sizes = Counter(outcome.truth for outcome in candidate.outcomes)
    items, intents = sum(sizes.values()), len(sizes)
    enough = items >= rules.minimum_items
    yield Finding(
        "evidence",
        enough,
        f"{items} items; {rules.minimum_items} are needed."
        + ("" if enough else " Add test messages, by 'bot export' or by hand."),
        {"items": items, "minimum_items": rules.minimum_items},
    )
    covered = sum(size >= rules.minimum_examples for size in sizes.values())
    share = covered / intents if intents else 0.0
    yield Finding(
        "coverage",
        share >= rules.minimum_covered,
        f"{covered} of {intents} intents have at least {rules.minimum_examples} items "
        f"({share:.0%}); {rules.minimum_covered:.0%} are needed.{_too_small(sizes, rules)}",
        {"judged": covered, "intents": intents, "minimum_covered": rules.minimum_covered},
    )


def _too_small(sizes: Counter[str], rules: GateRules) -> str:
    """Name the intents that are not judged one by one."""
    small = sorted(name for name, size in sizes.items() if size < rules.minimum_examples)
    more = f" and {len(small) - 5} more" if len(small) > 5 else ""
    return f" Too few to judge alone: {', '.join(small[:5])}{more}." if small else ""


def _overall(candidate: Evaluation, live: Evaluation, rules: GateRules) -> tuple[str, Finding]:
    """Say whether the candidate is better, worse or neither.

    Better needs both tests to say so: then the chance of a wrong promotion stays below the level
    without a correction for there being two (the intersection-union test, Berger 1982). Worse
    needs one.
    """
    pairs = list(zip(candidate.outcomes, live.outcomes, strict=True))
    gained = sum(new.right and not old.right for new, old in pairs)
    lost = sum(old.right and not new.right for new, old in pairs)
    drawn = bootstrap(
        [(new.truth, old.predicted, new.predicted) for new, old in pairs],
        rules.level,
        SEED,
        RESAMPLES,
    )
    better, worse = mcnemar(gained, lost), mcnemar(lost, gained)
    decision = TIE
    if max(better, drawn.p_better) <= rules.level:
        decision = BETTER
    elif min(worse, drawn.p_worse) <= rules.level:
        decision = WORSE
    meaning = {
        BETTER: "The candidate is better",
        WORSE: "The candidate is worse",
        TIE: "No difference can be shown, so the "
        + ("candidate may go live" if rules.tie == "candidate" else "live model stays"),
    }[decision]
    numbers = {
        "weighted_f1": drawn.candidate,
        "live_weighted_f1": drawn.live,
        "low": drawn.low,
        "high": drawn.high,
        "gained": gained,
        "lost": lost,
        "mcnemar_better": better,
        "mcnemar_worse": worse,
        "bootstrap_better": drawn.p_better,
        "bootstrap_worse": drawn.p_worse,
        "level": rules.level,
    }
    text = (
        f"{meaning}: weighted F1 {drawn.candidate:.3f}, live {drawn.live:.3f}, difference "
        f"{100 * drawn.difference:+.1f} points (from {100 * drawn.low:+.1f} to "
        f"{100 * drawn.high:+.1f}); {gained} messages gained, {lost} lost; p of better "
        f"{max(better, drawn.p_better):.3g}, of worse {min(worse, drawn.p_worse):.3g}, "
        f"level {rules.level:g}."
    )
    fine = decision == BETTER or (decision == TIE and rules.tie == "candidate")
    return decision, Finding("overall", fine, text, numbers)


def _intents(candidate: Evaluation, live: Evaluation, rules: GateRules) -> Iterator[Finding]:
    """Name each intent that lost more than the margin, and more than chance takes."""
    changes = intent_changes(candidate, live, rules.minimum_examples, rules.level)
    losers = [c for c in changes if c.beyond_chance and c.loss > rules.intent_margin]
    for change in losers:
        yield Finding(
            "intent",
            False,
            f"'{change.intent}' lost {100 * change.loss:.1f} points of recall; "
            f"{100 * rules.intent_margin:g} are allowed. Of {change.items} messages {change.lost} "
            f"are wrong that were right, {change.gained} the other way (p {change.p_value:.2g}).",
            {
                "intent": change.intent,
                "loss": change.loss,
                "margin": rules.intent_margin,
                "items": change.items,
                "lost": change.lost,
                "gained": change.gained,
                "p_value": change.p_value,
            },
        )
    if not losers:
        yield Finding(
            "intent",
            True,
            f"None of {len(changes)} intents lost more than {100 * rules.intent_margin:g} points "
            f"of recall beyond chance.",
            {"judged": len(changes), "margin": rules.intent_margin},
        )


def _deleted(candidate: Evaluation, live: Evaluation) -> Finding:
    """Refuse a candidate that cannot give a label which the live model gives and items have."""
    asked = {outcome.truth for outcome in candidate.outcomes}
    gone = sorted((asked & set(live.labels)) - set(candidate.labels))
    text = "Every label of the items that the live model knows is known to the candidate."
    if gone:
        text = (
            f"The candidate does not know {', '.join(gone)}, which the live model knows and the "
            f"items ask for. Give the examples back, or take the items away where it was meant."
        )
    return Finding("labels", not gone, text, {"missing": len(gone)})
