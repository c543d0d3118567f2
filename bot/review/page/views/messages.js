// The messages behind a number.

import { el, labelName, nothing, refill } from "../dom.js";
import { link, percent, when } from "../format.js";
import { listen } from "../keys.js";
import { Lines, Pages } from "../pages.js";

const NAMES = { label: "meaning", suggested: "suggested", day: "day", model: "model", fallback: "not understood", thumb: "thumb", channel: "channel", from: "from", to: "to" };

export const title = "Messages";

export async function open(root, params) {
  const wanted = Object.fromEntries(params);
  const about = Object.entries(wanted).map(([name, value]) => {
    const shown = name === "from" || name === "to" ? when(Number(value)) : value;
    return el("li", {}, `${NAMES[name] ?? name}${name === "fallback" ? "" : `: ${shown}`}`);
  });
  const pages = new Pages("api/messages", wanted, row, nothing("No messages"));
  refill(root,
    el("p", { class: "row tools" }, el("a", { href: "#/insights" }, "Back to Insights")),
    about.length > 0 && el("ul", { class: "reasons", "aria-label": "Chosen by" }, about),
    pages.node);
  await pages.more();
  const lines = new Lines(pages.list);
  const close = listen({
    raw: (event) => lines.onKey(event),
    bindings: [{ key: "j", show: "j k ↑ ↓", words: "go through the list" }, { key: "Enter", words: "open a message", run: () => lines.current?.querySelector("a").click() }],
  });
  return { close };
}

function row(item) {
  return el("li", { tabindex: "-1" },
    el("a", { href: link("item", { id: item.id }), dir: "auto" }, item.text),
    el("p", { class: "facts" },
      item.label && el("span", {}, labelName(item.label), ` ${percent(item.confidence)}`),
      item.fallback && el("span", { class: "flag" }, "not understood"),
      item.thumb && el("span", {}, `thumbs ${item.thumb}`),
      el("span", {}, item.status),
      el("span", {}, when(item.time)),
      el("a", { href: link("conversation", { id: item.conversation, turn: item.id }) }, "conversation")));
}
