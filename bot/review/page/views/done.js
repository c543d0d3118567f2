// What was decided, newest first.

import { get } from "../api.js";
import { el, labelName, nothing, refill } from "../dom.js";
import { link, when } from "../format.js";
import { listen } from "../keys.js";
import { chooser, Lines, Pages } from "../pages.js";

export const title = "Done";

export async function open(root, params) {
  const reviewer = params.get("reviewer") ?? "";
  const { reviewers } = await get("api/progress");
  const names = [["", "Everybody"], ...reviewers.map(({ name }) => [name, name])];
  const empty = nothing("Nothing is decided yet", el("p", {}, el("a", { href: "#/review" }, "Begin with the queue")));
  const pages = new Pages("api/done", { reviewer }, row, empty);
  refill(root,
    el("div", { class: "row tools" }, chooser("reviewer-filter", "Show", names, reviewer, (value) => { location.hash = link("done", { reviewer: value }); })),
    pages.node);
  await pages.more();
  const lines = new Lines(pages.list);
  const close = listen({
    raw: (event) => lines.onKey(event),
    bindings: [{ key: "j", show: "j k ↑ ↓", words: "go through the list" }, { key: "Enter", words: "open one, and decide anew", run: () => lines.current?.querySelector("a").click() }],
  });
  return { close };
}

function row(item) {
  return el("li", { tabindex: "-1" },
    el("a", { href: link("item", { id: item.id }), dir: "auto" }, item.text),
    el("p", { class: "facts" },
      item.label ? labelName(item.label) : el("span", {}, "no label"),
      el("span", { class: item.status === "disputed" ? "flag" : null }, item.status),
      el("span", {}, item.reviewer), el("span", {}, when(item.updated_at)),
      item.note && el("span", {}, `“${item.note}”`)));
}
