// Examples of the training data whose label is doubtful.

import { post } from "../api.js";
import { button, el, labelName, nothing, refill } from "../dom.js";
import { percent } from "../format.js";
import { listen } from "../keys.js";
import { Lines, Pages } from "../pages.js";
import { search } from "../search.js";

const DONE = { kept: "Kept", relabelled: "Relabelled", removed: "To be removed", open: "" };

export const title = "Training data";

export async function open(root, params, app) {
  const view = new Checks(root, app);
  await view.pages.more();
  view.lines.focus(view.pages.list.firstElementChild);
  return view;
}

class Checks {
  constructor(root, app) {
    this.app = app;
    this.items = new Map();
    const empty = nothing("No doubtful examples", el("p", {}, "A ranking looks for them:"), el("pre", { tabindex: "0", "aria-label": "Command" }, "bot rank"));
    this.pages = new Pages("api/label-checks", {}, (item) => this.row(item), empty);
    this.lines = new Lines(this.pages.list);
    this.unlisten = listen({ raw: (event) => this.lines.onKey(event), bindings: [
      { key: "j", show: "↑ ↓", words: "go through the list" },
      { key: ["1", "Enter"], words: "keep the label", run: () => this.onCurrent((item) => this.decide(item, "kept")) },
      { key: "2", words: "take the suggested label", run: () => this.onCurrent((item) => this.decide(item, "relabelled", item.suggested)) },
      { key: "/", words: "search for another label", run: () => this.onCurrent((item) => this.search(item)) },
      { key: "d", words: "remove the example", run: () => this.onCurrent((item) => this.decide(item, "removed")) },
      { key: "u", words: "open again what was decided", run: () => this.onCurrent((item) => this.decide(item, "open"), true) },
    ] });
    refill(root, el("p", { class: "hint tools" }, "These examples are probably labelled wrongly. The training data change with the next export."), this.pages.node);
  }

  onCurrent(run, decided = false) {
    const row = this.lines.current ?? (decided ? this.last : null);
    if (row) run(this.items.get(row));
    else this.lines.focus(this.lines.rows()[0]);
  }

  row(item) {
    const row = el("li", { class: "check", tabindex: "-1" });
    item.row = row;
    item.decision = "open";
    this.items.set(row, item);
    this.draw(item);
    return row;
  }

  draw(item) {
    const open = item.decision === "open";
    item.row.dataset.decision = item.decision;
    refill(item.row,
      el("p", { class: "message small", dir: "auto" }, item.text),
      el("p", { class: "facts" }, el("span", {}, item.words), Number.isFinite(item.score) && el("span", {}, `doubt ${percent(item.score)}`), el("span", {}, `${item.file}:${item.line}`)),
      open
        ? el("div", { class: "row" },
          button(["Keep ", labelName(item.label)], () => this.decide(item, "kept"), { key: "1" }),
          button(["Make it ", labelName(item.suggested)], () => this.decide(item, "relabelled", item.suggested), { key: "2" }),
          button("Other", () => this.search(item), { key: "/" }),
          button("Remove", () => this.decide(item, "removed"), { key: "d" }))
        : el("div", { class: "row" }, el("b", {}, DONE[item.decision], item.decision === "relabelled" && [": ", labelName(item.chosen)]), button("Open again", () => this.decide(item, "open"), { key: "u" })));
  }

  async search(item) {
    const chosen = await search("Choose a label", this.app.project.intents);
    if (chosen) await this.decide(item, "relabelled", chosen.name);
  }

  async decide(item, decision, label = null) {
    const before = [item.decision, item.chosen];
    [item.decision, item.chosen] = [decision, label];
    this.draw(item);
    const rows = this.lines.rows();
    this.last = item.row;
    if (decision === "open") this.lines.focus(item.row);
    else this.lines.focus(rows[rows.indexOf(item.row) + 1] ?? item.row);
    try {
      await post(`api/label-checks/${item.id}`, { decision, ...(label && { label }) });
      this.app.say(DONE[decision] || "Open again.");
    } catch (error) {
      [item.decision, item.chosen] = before;
      this.draw(item);
      this.app.tell(`Not saved: ${error.message}`, { bad: true });
    }
  }

  close() {
    this.unlisten();
  }
}
