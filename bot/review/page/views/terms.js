// Words of the log that may become terms of the vocabulary.

import { get, post } from "../api.js";
import { dialog } from "../dialogs.js";
import { button, el, nothing, refill } from "../dom.js";
import { count, link } from "../format.js";
import { listen } from "../keys.js";
import { Lines, Pages } from "../pages.js";
import { search } from "../search.js";

export const title = "Terms";

export async function open(root, params, app) {
  const view = new Terms(root, app);
  await view.pages.more();
  view.lines.focus(view.pages.list.firstElementChild);
  return view;
}

class Terms {
  constructor(root, app) {
    this.app = app;
    this.items = new Map();
    const empty = nothing("No words to look at", el("p", {}, "The log suggests them:"), el("pre", { tabindex: "0", "aria-label": "Command" }, "bot vocabulary suggest --queue"));
    this.pages = new Pages("api/terms", {}, (item) => this.row(item), empty);
    this.lines = new Lines(this.pages.list);
    this.unlisten = listen({ raw: (event) => this.lines.onKey(event), bindings: [
      { key: "j", show: "↑ ↓", words: "go through the list" },
      { key: ["1", "Enter"], words: "take the guess, or make a new term", run: () => this.onCurrent((item) => this.take(item)) },
      { key: "n", words: "make a new term", run: () => this.onCurrent((item) => this.make(item)) },
      { key: "/", words: "search for the term that it is another name of", run: () => this.onCurrent((item) => this.search(item)) },
      { key: "d", words: "reject: never suggest it again", run: () => this.onCurrent((item) => this.decide(item, "rejected")) },
      { key: "s", words: "skip: it stays in the list", run: () => this.onCurrent((item) => this.skip(item)) },
      { key: "u", words: "open again what was decided", run: () => this.onCurrent((item) => this.decide(item, "open"), true) },
    ] });
    refill(root, el("p", { class: "hint tools" }, "People write these words, and nobody has taught them to the bot. What you accept gets into the vocabulary with the next export."), this.pages.node);
  }

  onCurrent(run, decided = false) {
    const row = this.lines.current ?? (decided ? this.last : null);
    if (row && (decided || this.items.get(row).decision === "open")) run(this.items.get(row));
    else if (!row) this.lines.focus(this.lines.rows()[0]);
  }

  row(item) {
    const row = el("li", { class: "check", tabindex: "-1" });
    Object.assign(item, { row, decision: "open", said: {} });
    this.items.set(row, item);
    this.draw(item);
    return row;
  }

  draw(item) {
    item.row.dataset.decision = item.decision;
    refill(item.row,
      el("p", { class: "message small", dir: "auto" }, item.word),
      el("p", { class: "facts" }, el("span", {}, `in ${count(item.conversations, "conversation")}, ${count(item.count, "message")}`), el("span", {}, item.why)),
      item.decision === "open" && [this.guess(item), this.contexts(item)],
      el("div", { class: "row" }, item.decision === "open" ? this.choices(item) : [el("b", {}, told(item)), button("Open again", () => this.decide(item, "open"), { key: "u" })]));
  }

  guess(item) {
    const parts = [item.alias_of && `Perhaps another name of “${item.alias_of}”: ${item.alias_why}.`, item.entity && `Reviewers marked it as ${item.entity}.`].filter(Boolean);
    return parts.length > 0 && el("p", { class: "hint" }, parts.join(" "));
  }

  contexts(item) {
    return item.contexts.length > 0 && el("ul", { class: "contexts", "aria-label": "Messages with it" }, item.contexts.map(({ text, turn, conversation }) =>
      el("li", { dir: "auto" }, el("a", { href: link("conversation", { id: conversation, turn }) }, text))));
  }

  choices(item) {
    return [
      item.alias_of && button(`Alias of ${item.alias_of}`, () => this.take(item), { key: "1" }),
      button("New term", () => this.make(item), { key: "n" }),
      button("Alias of another", () => this.search(item), { key: "/" }),
      button("Reject", () => this.decide(item, "rejected"), { key: "d" }),
      button("Skip", () => this.skip(item), { key: "s" }),
    ];
  }

  take(item) {
    return item.alias_of ? this.decide(item, "alias", { name: item.alias_of }) : this.make(item);
  }

  async make(item) {
    const said = await askTerm(item, this.app.project.entities);
    if (said) await this.decide(item, "term", said);
  }

  async search(item) {
    const { terms } = await get("api/vocabulary");
    const choices = terms.map(({ name, entity }) => ({ name, kind: entity }));
    const chosen = await search(`What is “${item.word}” another name of?`, choices, { label: "Search by name" });
    if (chosen) await this.decide(item, "alias", { name: chosen.name });
  }

  skip(item) {
    const rows = this.lines.rows();
    this.lines.focus(rows[rows.indexOf(item.row) + 1] ?? item.row);
  }

  async decide(item, decision, said = {}) {
    const before = [item.decision, item.said];
    [item.decision, item.said] = [decision, said];
    this.draw(item);
    this.last = item.row;
    if (decision === "open") this.lines.focus(item.row);
    else this.skip(item);
    try {
      await post(`api/terms/${item.id}`, { decision, ...said });
      this.app.say(decision === "open" ? "Open again." : told(item));
    } catch (error) {
      [item.decision, item.said] = before;
      this.draw(item);
      this.app.tell(`Not saved: ${error.message}`, { bad: true });
    }
  }

  close() {
    this.unlisten();
  }
}

function told({ decision, word, said }) {
  if (decision === "rejected") return "Rejected";
  if (decision === "alias") return `Alias of ${said.name}`;
  return said.name === word ? "New term" : `New term ${said.name}`;
}

/** Ask for name, entity and meaning of a new term; null where it was called off. */
function askTerm(item, entities) {
  return dialog("New term", (close) => {
    const name = el("input", { id: "term-name", value: item.word, required: true, maxlength: "200", autocomplete: "off", "data-first": true });
    const entity = el("select", { id: "term-entity" }, el("option", { value: "" }, "none"),
      entities.map((one) => el("option", { value: one.name, selected: one.name === item.entity }, one.name)));
    const meaning = el("input", { id: "term-meaning", maxlength: "2000", autocomplete: "off" });
    const form = el("form", {},
      el("label", { for: "term-name" }, "Canonical form"), name,
      el("p", { class: "hint" }, `Name it as your training examples do. If that is not “${item.word}”, this word becomes an alias.`),
      el("label", { for: "term-entity" }, "Entity"), entity,
      el("label", { for: "term-meaning" }, "What it means (optional)"), meaning,
      el("div", { class: "row" }, el("button", { class: "primary", type: "submit" }, "Accept")));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      close({ name: name.value.trim(), entity: entity.value, definition: meaning.value.trim() });
    });
    return form;
  });
}
