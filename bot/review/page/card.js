// Parts of a message's card: why it is here, what it may mean, and what it resembles.

import { el, labelName, refill } from "./dom.js";
import { percent, when } from "./format.js";

/** Say why a message came up. */
export function reasonsNode(item) {
  const reasons = item.reasons ?? [];
  return el(
    "div",
    { class: "why" },
    reasons.length > 0 && el("ul", { class: "reasons", "aria-label": "Why this message is here" }, reasons.map(({ words }) => el("li", {}, words))),
    item.picked && el("p", {}, "After the question what was meant they picked ", labelName(item.picked), "."),
    item.thumb && el("p", {}, `Thumbs ${item.thumb}`, item.thumb_comment ? `: “${item.thumb_comment}”` : "."),
    el("p", { class: "hint" }, [when(item.time), item.channel].filter(Boolean).join(" · ")),
  );
}

/**
 * Let one of the labels be chosen.
 * choices: [{label, confidence, who, note, marks, suggested}], the first nine have a number as key.
 */
export class Choices {
  constructor(title, choose) {
    this.choose = choose;
    this.choices = [];
    this.chosen = null; // the choice itself: colleagues may give the same label with other entities
    this.list = el("div", { class: "choices", role: "radiogroup", "aria-label": title });
    this.node = this.list;
  }

  reset(choices, chosen = null) {
    this.choices = [...choices];
    this.chosen = chosen;
    this.draw();
  }

  /** Choose a label, which gets a line of its own where it has none. */
  set(label, how = "chosen") {
    let choice = this.choices.find((other) => other.label === label);
    if (!choice) {
      this.choices = this.choices.filter(({ extra }) => !extra);
      choice = { label, extra: true, who: how };
      this.choices.push(choice);
    }
    this.chosen = choice;
    this.draw();
  }

  at(place) {
    return this.choices[place] ?? null;
  }

  draw() {
    const focused = this.list.contains(document.activeElement);
    refill(this.list, this.choices.map((choice, place) => this.line(choice, place)));
    if (focused) this.list.querySelector("input:checked")?.focus();
  }

  line(choice, place) {
    const key = choice.extra || place > 8 ? "" : String(place + 1);
    const input = el("input", {
      type: "radio", name: "label", value: String(place), checked: choice === this.chosen, "aria-keyshortcuts": key || null,
      on: { change: () => this.choose(choice) },
    });
    return el(
      "label",
      { class: choice === this.chosen ? "choice on" : "choice", "data-label": choice.label },
      input,
      key && el("kbd", { "aria-hidden": "true" }, key),
      el("span", { class: "choice-name" }, labelName(choice.label ?? "discarded"), about(choice)),
      Number.isFinite(choice.confidence) && el("span", { class: "confidence" }, percent(choice.confidence), meter(choice.confidence)),
    );
  }
}

function about(choice) {
  const parts = [choice.suggested && "suggested", choice.who, choice.marks, choice.note && `“${choice.note}”`].filter(Boolean);
  return parts.length > 0 && el("span", { class: "about" }, parts.join(" · "));
}

function meter(share) {
  const bar = el("span", { class: "meter", "aria-hidden": "true" }, el("span", {}));
  bar.firstChild.style.inlineSize = `${Math.round(share * 100)}%`;
  return bar;
}

/** Show the nearest training examples of some labels, side by side. */
export function neighboursNode(neighbours, first = null) {
  const labels = Object.keys(neighbours).sort((a, b) => (b === first) - (a === first));
  return labels.map((label) => el(
    "section",
    { class: "examples" },
    el("h3", {}, labelName(label)),
    neighbours[label].length
      ? el("ul", {}, neighbours[label].map(({ text, similarity }) => el("li", {}, el("span", { dir: "auto" }, text), el("span", { class: "hint" }, ` ${percent(similarity)}`))))
      : el("p", { class: "hint" }, "No examples yet."),
  ));
}

/** Give the lines to choose from: the suggestion first, then the candidates. */
export function choicesOf(item) {
  const suggested = item.suggestion?.label;
  const known = (item.candidates ?? []).map(({ label, confidence }) => ({ label, confidence, suggested: label === suggested }));
  if (suggested && !known.some(({ label }) => label === suggested)) known.unshift({ ...item.suggestion, suggested: true });
  return known.slice(0, 5);
}
