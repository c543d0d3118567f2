"""The sections of the page about confidences: what they are worth, and when to ask again."""

from __future__ import annotations

from bot.evaluation import page_charts as charts
from bot.evaluation.assess import Measured, Report
from bot.evaluation.page_parts import legend, section, words
from bot.evaluation.wording import count, percent


def calibration(report: Report, model: Measured) -> str:
    """Show whether a confidence means what it says."""
    live = report.live
    said = f"Expected calibration error: {percent(model.evaluation.ece)}"
    said += f"; the live model's is {percent(live.evaluation.ece)}." if live else "."
    keys = [("candidate", "candidate" if live else "this model")] + (
        [("live", "live model")] if live else []
    )
    return section(
        "calibration",
        "Calibration",
        words(said),
        words(
            "Messages in up to 15 groups of equal size, by the confidence of their intent. Below "
            "the diagonal the model is too sure of itself, above it too shy.",
            "hint",
        ),
        legend(*keys),
        charts.reliability(model.bins, live.bins if live else ()),
    )


def asking(report: Report, model: Measured) -> str:
    """Show what the fallback threshold costs, and how well the bot knows what is not its own."""
    rule, chosen, costs = model.model.fallback, model.chosen, report.costs
    now = (
        f"The threshold is {rule.threshold:.2f} in this model. "
        if rule
        else "This model has no fallback. "
    )
    said = (
        f"{now}At {chosen.threshold:.2f} these messages cost least: {percent(chosen.wrong)} are "
        f"answered wrongly, {percent(chosen.needless)} asked about again needlessly."
    )
    why = (
        f"A wrong answer costs {costs.wrong_answer:g}, a needless question {costs.fallback:g} "
        f"(section [evaluation] of bot.toml). The point is chosen on these very messages: it "
        f"holds for new ones the better, the more of them there are."
    )
    strange = _strangeness(model)
    current = [("mark", f"threshold now, {rule.threshold:.2f}")] if rule else []
    parts = [
        words(said),
        words(why, "hint"),
        *([words(strange)] if strange else []),
        '<div class="pictures"><figure>',
        legend(
            ("wrong", "wrong answers"),
            ("needless", "needless questions"),
            ("cost", "both"),
            *current,
        ),
        charts.thresholds(
            model.thresholds,
            chosen,
            rule.threshold if rule else None,
            costs.wrong_answer,
            costs.fallback,
        ),
        "</figure>",
        _refusals(report, model),
        "</div>",
    ]
    return section("asking", "Asking again", *parts)


def _strangeness(model: Measured) -> str:
    """Say from which strangeness on messages are rejected, and how that was chosen."""
    found, rule = model.model.strangeness, model.model.fallback
    if found is None or rule is None or not rule.strange:
        return ""
    said = f"A message is also rejected where its strangeness is above {found.above:.2f}. "
    if found.refused is None:
        return said + (
            f"That was chosen on training messages whose own intent was hidden: {found.strangers}, "
            f"of which {percent(found.caught)} are refused."
        )
    return said + (
        f"That was chosen in training, where a wrong answer costs {found.wrong_answer_cost:g} "
        f"needless questions: it refuses {percent(found.refused)} of "
        f"{count(found.messages, 'validation message')} that would be understood, and "
        f"{percent(found.caught)} of {count(found.strangers, 'stranger')}."
    )


def _refusals(report: Report, model: Measured) -> str:
    out = model.out_of_scope
    if out is None or out.auroc is None:
        return ""
    live = report.live.out_of_scope if report.live else None
    said = (
        f"Of {count(out.outside, 'message')} out of scope ({out.intent}), the bot answers "
        f"{percent(out.caught)} as such or asks again. AUROC {out.auroc:.3f}."
    )
    keys = [("candidate", "candidate" if live else "this model")]
    keys += [("live", "live model")] if live else []
    return f"<figure>{legend(*keys)}{charts.refusals(out, live)}{words(said, 'hint')}</figure>"
