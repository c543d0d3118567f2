// Conversations to look through.

import { el, nothing, refill } from "../dom.js";
import { count, link, when } from "../format.js";
import { listen } from "../keys.js";
import { chooser, Lines, Pages } from "../pages.js";

const FILTERS = [
  ["all", "All"], ["fallback", "With something not understood"], ["thumbs_down", "With thumbs down"],
  ["low_rating", "Rated low"], ["corrected", "Corrected"],
];

export const title = "Conversations";

export async function open(root, params, app) {
  const filter = params.get("filter") ?? "all";
  const empty = nothing("No conversations here", el("p", {}, filter === "all" ? "Bring them in with:" : el("a", { href: "#/conversations" }, "Show all")),
    filter === "all" && el("pre", { tabindex: "0", "aria-label": "Command" }, "bot ingest"));
  const pages = new Pages("api/conversations", { filter }, row, empty);
  refill(root, el("div", { class: "row tools" }, chooser("filter", "Show", FILTERS, filter, (value) => { location.hash = link("conversations", { filter: value }); })), pages.node);
  await pages.more();
  const lines = new Lines(pages.list);
  const close = listen({
    raw: (event) => lines.onKey(event),
    bindings: [{ key: "j", show: "j k ↑ ↓", words: "go through the list" }, { key: "Enter", words: "open a conversation", run: () => lines.current?.querySelector("a").click() }],
  });
  return { close };
}

function row(item) {
  const facts = [
    count(item.turns, "turn"),
    item.fallbacks > 0 && el("span", { class: "flag" }, `${item.fallbacks} not understood`),
    item.thumbs_down > 0 && el("span", { class: "flag" }, `${item.thumbs_down} thumbs down`),
    item.rating && `rated ${item.rating} of 5`,
    item.channel,
    when(item.time),
  ];
  return el("li", { tabindex: "-1" },
    el("a", { href: link("conversation", { id: item.id }), dir: "auto" }, item.first || "without words"),
    el("p", { class: "facts" }, facts.filter(Boolean).map((fact) => el("span", {}, fact))));
}

