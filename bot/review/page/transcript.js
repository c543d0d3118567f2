// A conversation as it went: who wrote what, what the bot did and said.

import { el, labelName } from "./dom.js";
import { brief, count, percent, when } from "./format.js";

const KINDS = { payload: "tapped a button", external: "an event from outside", empty: "sent nothing" };

/** Make one turn; `mark` says why it stands out. */
export function turnNode(turn, { mark = "", full = false, extra = null } = {}) {
  const told = KINDS[turn.kind];
  const actions = (turn.actions ?? []).filter(({ name }) => name !== "action_listen");
  return el(
    "li",
    { class: `turn${mark ? " current" : ""}`, "data-turn": turn.id },
    el(
      "div",
      { class: "said user" },
      el("span", { class: "who" }, "Person", full && el("time", {}, ` ${when(turn.time)}`), mark && el("b", {}, ` · ${mark}`)),
      el("p", { dir: "auto" }, told ? el("i", {}, told, turn.text && `: ${turn.text}`) : turn.text),
      el("span", { class: "facts" }, facts(turn)),
    ),
    full && actions.length > 0 && el("p", { class: "actions-done" }, actions.map(({ name }) => el("code", {}, name))),
    (turn.replies ?? []).map((reply) => el(
      "div",
      { class: "said bot" },
      el("span", { class: "who" }, "Bot"),
      el("p", { dir: "auto" }, reply.text || el("i", {}, reply.response ?? "something without text")),
    )),
    extra,
  );
}

function facts(turn) {
  const label = turn.annotation?.label ?? turn.annotation;
  return [
    turn.label && turn.kind === "message" && el("span", {}, labelName(turn.label), ` ${percent(turn.confidence)}`),
    turn.fallback && el("span", { class: "flag" }, "not understood"),
    turn.thumb === "down" && el("span", { class: "flag" }, "thumbs down"),
    turn.thumb === "up" && el("span", {}, "thumbs up"),
    typeof label === "string" && el("span", { class: "good" }, "reviewed: ", labelName(label)),
  ];
}

/** Give the turns near one: before, after, and how many more there are. */
export function near(turns, id, before = 2, after = 1) {
  const at = turns.findIndex((turn) => turn.id === id);
  if (at < 0) return { shown: turns, hidden: 0 };
  const shown = turns.slice(Math.max(0, at - before), at + after + 1);
  return { shown, hidden: turns.length - shown.length };
}

/** Make the context of a message, which can be folded, and opened to the whole conversation. */
export function contextNode(conversation, id, { whole, fold, toggle }) {
  const { shown, hidden } = whole ? { shown: conversation.turns, hidden: 0 } : near(conversation.turns, id);
  const summary = whole || !hidden ? "Conversation" : `Conversation, ${count(hidden, "more turn")}`;
  const details = el(
    "details",
    { class: "context", open: !fold },
    el("summary", {}, summary),
    el("ol", { class: "turns" }, shown.map((turn) => turnNode(turn, { mark: turn.id === id ? "this message" : "", full: whole }))),
    el(
      "p",
      { class: "row" },
      el("button", { type: "button", class: "small", "aria-keyshortcuts": "v", on: { click: toggle } }, whole ? "Show less" : "Show all of it", el("kbd", { "aria-hidden": "true" }, "v")),
      el("a", { href: `#/conversation?id=${conversation.id}&turn=${id}` }, "Correct what the bot did"),
    ),
    conversation.rating && el("p", { class: "hint" }, `Rated ${conversation.rating} of 5${conversation.comment ? `: “${brief(conversation.comment, 200)}”` : ""}`),
  );
  return details;
}
