// What the log says about the bot. Each number leads to the messages behind it.

import { get } from "../api.js";
import { bars, lines } from "../charts.js";
import { el, labelName, nothing, refill, table } from "../dom.js";
import { brief, day as dayName, link, number, path, percent, when } from "../format.js";
import { chooser } from "../pages.js";

const DAY = 86_400;
const SPANS = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["all", "All time"]];
const SHOWN = 30; // rows of a table before it is opened

export const title = "Insights";

export async function open(root, params) {
  const chosen = { span: params.get("span") ?? "30", model: params.get("model") ?? "", channel: params.get("channel") ?? "" };
  // To the minute, so that going back shows the same numbers.
  const now = Math.ceil(Date.now() / 60_000) * 60;
  const range = chosen.span !== "all" ? { from: now - Number(chosen.span) * DAY, to: now } : {};
  const scope = { ...range, model: chosen.model, channel: chosen.channel };
  const data = await get(path("api/insights", scope));
  const change = (name) => (value) => { location.hash = link("insights", { ...chosen, [name]: value }); };
  const models = [["", "All models"], ...data.models.map(({ model }) => [model, brief(model, 24)])];
  if (chosen.model && !data.models.some(({ model }) => model === chosen.model)) models.push([chosen.model, brief(chosen.model, 24)]);
  const behind = (more) => link("messages", { ...scope, ...more });
  refill(root,
    el("div", { class: "row tools" }, chooser("span", "Time", SPANS, chosen.span, change("span")), chooser("model", "Model", models, chosen.model, change("model"))),
    data.totals.messages === 0 ? nothing("No messages in this time", el("p", {}, el("a", { href: link("insights", { span: "all" }) }, "Show all time"))) : sections(data, behind));
}

function sections(data, behind) {
  return [
    totals(data.totals, behind),
    panel("Messages a day", volume(data.volume, behind)),
    panel("Intents", intents(data.intents, behind)),
    panel("Confusions: what the bot took for something else", confusions(data.confusions, behind)),
    panel("Confidence over time", confidence(data.confidence, behind)),
    panel("Drift: how far what people write is from the training data", drift(data.drift, behind)),
    panel("Models", models(data.models, behind)),
  ];
}

const panel = (name, ...content) => el("section", { class: "panel" }, el("h2", {}, name), content);
const go = (href, words) => el("a", { href }, words);
const none = (words) => el("p", { class: "hint" }, words);

function totals(totals, behind) {
  const figure = (name, value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
  return el("dl", { class: "figures" },
    figure("Messages", go(behind({}), number(totals.messages))),
    figure("Conversations", go("#/conversations", number(totals.conversations))),
    figure("Not understood", go(behind({ fallback: 1 }), percent(totals.fallback_rate, 1))),
    figure("Thumbs down", go(behind({ thumb: "down" }), number(totals.thumbs_down))),
    figure("Rating", totals.rating === null ? "–" : go("#/conversations?filter=low_rating", `${number(totals.rating, 1)} of 5`)));
}

/** Fold a long table, and what only repeats a chart. */
function folded(words, content, open = false) {
  return el("details", { open }, el("summary", {}, words), content);
}

function volume(rows, behind) {
  const shown = rows.map(({ day, messages, fallbacks }) => ({ day, value: messages, part: fallbacks, href: behind({ day }) }));
  return [
    bars("Messages a day, the lower part those not understood; the numbers stand in the table below", shown, (value) => number(value)),
    folded("The numbers", table("Messages a day", ["Day", "Messages", "Not understood", "Thumbs down"], rows.map((row) => [
      dayName(row.day), go(behind({ day: row.day }), number(row.messages)), go(behind({ day: row.day, fallback: 1 }), number(row.fallbacks)),
      go(behind({ day: row.day, thumb: "down" }), number(row.thumbs_down))]))),
  ];
}

function intents(rows, behind) {
  const lineOf = ({ label, messages, reviewed, corrected, correction_rate: rate }) => [
    labelName(label), go(behind({ label }), number(messages)), go(behind({ label, reviewed: 1 }), number(reviewed)),
    go(behind({ label, corrected: 1 }), number(corrected)), reviewed ? percent(rate) : "–"];
  const heads = ["Intent", "Messages", "Reviewed", "Corrected", "Correction rate"];
  const [first, rest] = [rows.slice(0, SHOWN), rows.slice(SHOWN)];
  return [table("Intents by messages", heads, first.map(lineOf), { hidden: true }),
    rest.length > 0 && folded(`${rest.length} more`, table("Further intents", heads, rest.map(lineOf), { hidden: true }))];
}

function confusions(rows, behind) {
  if (rows.length === 0) return none("Reviewers corrected nothing yet.");
  return table("Confusions", ["The bot understood", "It was", "Messages"], rows.slice(0, SHOWN).map(({ suggested, label, messages }) =>
    [labelName(suggested), labelName(label), go(behind({ suggested, label, corrected: 1 }), number(messages))]), { hidden: true });
}

function confidence(rows, behind) {
  if (rows.length === 0) return none("No confidences are known.");
  const series = perModel(rows, [["median", "median"], ["p10", "a tenth is below"]]);
  return [
    lines("Median of the confidence a day, and what a tenth is below; the numbers stand in the table below", series, (value) => percent(value), 1),
    folded("The numbers", table("Confidence a day", ["Day", "Model", "Median", "A tenth is below"], rows.map(({ day, model, median, p10 }) =>
      [dayName(day), brief(model ?? "", 16), go(behind({ day, model }), percent(median)), percent(p10)]))),
  ];
}

function drift(rows, behind) {
  if (rows.length === 0) return none("There is nothing to compare yet.");
  const series = perModel(rows, [["divergence", "other intents than in the training data"], ["unknown_words", "unknown words"]]);
  return [
    lines("Distance of the intents from the training data a day, and the share of unknown words; the numbers stand in the table below", series, (value) => number(value, 2)),
    folded("The numbers", table("Drift a day", ["Day", "Model", "Divergence", "Unknown words"], rows.map(({ day, model, divergence, unknown_words: words }) =>
      [dayName(day), brief(model ?? "", 16), go(behind({ day, model }), number(divergence, 3)), percent(words, 1)]))),
  ];
}

function perModel(rows, measures) {
  const names = [...new Set(rows.map(({ model }) => model))].slice(-2);
  return names.flatMap((model) => measures.map(([field, words]) => ({
    name: names.length > 1 ? `${brief(model ?? "", 12)}: ${words}` : words,
    points: rows.filter((row) => row.model === model && row[field] !== null).map((row) => ({ day: row.day, value: row[field] })),
  })));
}

function models(rows, behind) {
  return table("Models", ["Model", "Messages", "Not understood", "Thumbs down", "Confidence", "From", "To"], rows.map((row) => [
    el("span", { class: "label" }, brief(row.model ?? "", 32)), go(behind({ model: row.model }), number(row.messages)),
    go(behind({ model: row.model, fallback: 1 }), percent(row.fallback_rate, 1)), go(behind({ model: row.model, thumb: "down" }), percent(row.thumbs_down_rate, 1)),
    percent(row.confidence), when(row.first), when(row.last)]), { hidden: true });
}
