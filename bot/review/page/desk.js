// Where one message is decided: text, meaning, entities, group, note, warnings, and the keys.

import { get, post } from "./api.js";
import { Choices, choicesOf, neighboursNode, reasonsNode } from "./card.js";
import { askIntent, askText } from "./dialogs.js";
import { $, button, el, refill } from "./dom.js";
import { path } from "./format.js";
import { Group } from "./group.js";
import { Guards, question, serious } from "./guards.js";
import { listen } from "./keys.js";
import { MarkedText } from "./marking.js";
import { search } from "./search.js";
import { plain, same } from "./spans.js";
import { contextNode } from "./transcript.js";

/**
 * hooks: `submit(body, entry)`, and what a view has of `discard`, `skip`, `undo`; `choices(item)`
 * gives other lines than the candidates, `accept` names the button that saves.
 */
export class Desk {
  constructor(app, hooks) {
    Object.assign(this, { app, hooks, entry: null, whole: false, resting: false, recent: [] });
    this.choices = new Choices("What does this message mean?", (choice) => this.take(choice));
    this.guards = new Guards();
    this.parts = { why: el("div"), text: el("div"), note: el("div"), near: el("div", { class: "near" }), context: el("div") };
    this.group = new Group([], "");
    this.groupPlace = el("div", {}, this.group.node);
    this.node = el(
      "article",
      { class: "desk", "aria-label": "Message" },
      el("div", { class: "desk-main" }, this.parts.why, this.parts.text, this.choices.node, this.guards.node, this.parts.note, this.actions()),
      el("div", { class: "desk-side" }, this.groupPlace, this.parts.near, this.parts.context),
    );
    this.unlisten = listen({ bindings: this.bindings(), raw: (event) => this.group.onKey(event), when: () => this.node.isConnected && !this.resting });
  }

  bindings() {
    const { hooks } = this;
    return [
      { key: "Enter", words: "accept what is chosen, the suggestion at first", run: () => this.accept() },
      { key: [..."123456789"], show: "1 – 5", words: "choose a candidate", run: ({ key }) => this.pick(Number(key) - 1) },
      { key: "/", words: "search for any intent", run: () => this.search() },
      { key: "n", words: "propose a new intent", run: () => this.create() },
      { key: "o", words: "out of scope", run: () => this.setLabel(this.app.project.out_of_scope) },
      { key: "e", words: "mark entities", run: () => this.marked?.enter() },
      { key: "g", words: "go through the group", run: () => this.toggleGroup() },
      hooks.discard && { key: "d", words: "discard: useless for training", run: () => hooks.discard(this.others(), this.entry) },
      hooks.skip && { key: "s", words: "skip", run: () => hooks.skip(this.others(), this.entry) },
      { key: "c", words: "write a note", run: () => this.askNote() },
      hooks.undo && { key: "u", words: "undo the last decision", run: () => hooks.undo() },
      { key: "v", words: "show the whole conversation", run: () => this.toggleWhole() },
    ].filter(Boolean);
  }

  actions() {
    const { hooks } = this;
    return el(
      "div",
      { class: "actions", role: "group", "aria-label": "Decide" },
      button(hooks.accept ?? "Accept", () => this.accept(), { key: "↵", class: "primary" }),
      button("Search", () => this.search(), { key: "/" }),
      button("Entities", () => this.marked?.enter(), { key: "e" }),
      button("Out of scope", () => this.setLabel(this.app.project.out_of_scope), { key: "o" }),
      button("New intent", () => this.create(), { key: "n" }),
      button("Note", () => this.askNote(), { key: "c" }),
      hooks.discard && button("Discard", () => hooks.discard(this.others(), this.entry), { key: "d" }),
      hooks.skip && button("Skip", () => hooks.skip(this.others(), this.entry), { key: "s" }),
      hooks.undo && button("Undo", () => hooks.undo(), { key: "u" }),
    );
  }

  /** Put a message on the desk. `state` holds what was decided about it before it was taken back. */
  show(entry, state = null) {
    const { item } = entry;
    const kept = state ?? item.annotation ?? {};
    this.entry = entry;
    this.resting = false; // until the next message is here, nothing can be decided
    this.note = kept.note ?? "";
    this.whole = false;
    this.touched = false;
    this.marked?.close();
    this.marked = new MarkedText({ text: item.text, entities: kept.entities ?? item.entities ?? [], types: this.app.project.entities, say: this.app.say });
    this.marked.addEventListener("change", () => this.changed(true));
    this.group = new Group(item.group ?? [], item.text);
    const choices = this.hooks.choices?.(item) ?? choicesOf(item);
    this.choices.reset(choices);
    const label = this.hooks.choices ? null : kept.label ?? item.suggestion?.label; // who settles is not led
    if (label) this.choices.set(label, "chosen before");
    this.guards.reset(entry.known);
    this.neighbours = { ...item.neighbours };
    refill(this.parts.why, reasonsNode(item));
    refill(this.parts.text, this.marked.node);
    refill(this.groupPlace, this.group.node);
    this.draw();
    this.changed(false);
    this.node.dataset.item = item.id;
    $(".message", this.node).focus({ preventScroll: true });
    scrollTo({ top: 0 });
  }

  draw() {
    const { item, conversation } = this.entry;
    const label = this.label;
    const labels = Object.keys(this.neighbours);
    const shown = label && labels.includes(label) ? [label, ...labels.filter((name) => name !== label)].slice(0, 2) : labels.slice(0, 2);
    refill(this.parts.near, shown.length > 0 && el("h2", {}, "Nearest training examples"),
      el("div", { class: "columns" }, neighboursNode(Object.fromEntries(shown.map((name) => [name, this.neighbours[name]])), label)));
    refill(this.parts.note, this.note && el("p", { class: "note" }, el("b", {}, "Note: "), this.note));
    const options = { whole: this.whole, fold: false, toggle: () => this.toggleWhole() };
    refill(this.parts.context, conversation && contextNode(conversation, item.id, options));
  }

  get label() {
    return this.choices.chosen?.label ?? null;
  }

  changed(byReviewer) {
    const { item } = this.entry;
    this.touched ||= byReviewer;
    if (byReviewer) this.group.follow(same(this.marked.entities, item.entities ?? []) ? null : this.marked.entities);
    if (this.label) this.guards.ask(question(item.id, item.text, this.label, this.marked.entities));
  }

  pick(place) {
    const choice = this.choices.at(place);
    if (choice) this.take(choice);
    return choice !== null;
  }

  take(choice) {
    this.choices.chosen = choice;
    if (choice.entities) this.marked.set(choice.entities);
    this.choices.draw();
    this.chose(choice.label);
  }

  setLabel(label) {
    this.choices.set(label);
    this.recent = [label, ...this.recent.filter((other) => other !== label)].slice(0, 8);
    this.chose(label);
  }

  chose(label) {
    this.app.say(`${label} chosen.`);
    this.changed(true);
    this.draw();
    if (label && !(label in this.neighbours)) this.fetchNeighbours(label);
  }

  async fetchNeighbours(label) {
    const { entry } = this;
    const answer = await get(path("api/neighbours", { id: entry.item.id, label })).catch(() => null);
    if (!answer || entry !== this.entry) return;
    this.neighbours = { [label]: answer.neighbours, ...this.neighbours };
    this.draw();
  }

  async search() {
    const { entry } = this;
    const create = (name) => ({ name: `New intent: ${name}`, create: name, hint: "Nothing fits? Propose it." });
    const chosen = await search("Choose an intent", this.intents(), { create });
    if (!chosen || entry !== this.entry) return;
    if (chosen.create) this.create(chosen.create);
    else this.setLabel(chosen.name);
  }

  intents() {
    const place = ({ name }) => (this.recent.includes(name) ? this.recent.indexOf(name) : this.recent.length);
    return [...this.app.project.intents].sort((a, b) => place(a) - place(b));
  }

  async create(name = "") {
    const { entry } = this;
    const wanted = await askIntent(name);
    if (!wanted || entry !== this.entry) return;
    try {
      await post("api/intents", wanted);
    } catch (error) {
      this.app.tell(error.message, { bad: true });
      return;
    }
    const known = this.app.project.intents.some((intent) => intent.name === wanted.name);
    if (!known) this.app.project.intents.push({ ...wanted, examples: 0, proposed: true, hint: wanted.description });
    this.setLabel(wanted.name);
  }

  async askNote() {
    const { entry } = this;
    const note = await askText("Note", { label: "For colleagues, and for you later", value: this.note });
    if (note === null || entry !== this.entry) return;
    this.note = note;
    this.app.send("api/note", { id: entry.item.id, note }, entry.item);
    this.draw();
    this.app.say("The note is kept.");
  }

  toggleGroup() {
    const open = this.group.toggle();
    if (!open) $(".message", this.node).focus({ preventScroll: true });
  }

  toggleWhole() {
    this.whole = !this.whole;
    this.draw();
    this.app.say(this.whole ? "The whole conversation is shown." : "The conversation is short again.");
  }

  /** Give what is sent with a decision that needs no label. */
  others() {
    return { id: this.entry.item.id, group: this.group.chosen().map(({ id }) => id), note: this.note };
  }

  accept() {
    const { item } = this.entry;
    if (!this.label) {
      this.app.tell("Choose an intent first: with a number, or / to search.", { bad: true });
      return;
    }
    if (!this.guards.pass()) return;
    const body = {
      id: item.id,
      label: this.label,
      entities: this.marked.entities.map(plain),
      group: this.group.answered(),
      note: this.note,
      suggested: item.suggestion?.label ?? null,
    };
    this.guards.asking?.then((warnings) => serious(warnings).forEach(({ message }) => this.app.tell(`Saved, but: ${message} Undo takes it back.`)));
    this.touched = false;
    this.hooks.submit(body, this.entry);
  }

  /** Keep what is not decided yet. */
  keepDraft() {
    const { status, annotation } = this.entry?.item ?? {};
    const undecided = status === "open" && (!annotation || annotation.status === "draft");
    if (!this.touched || !undecided) return;
    this.touched = false;
    const body = { id: this.entry.item.id, label: this.label, entities: this.marked.entities.map(plain), note: this.note };
    this.app.send("api/draft", body, this.entry.item);
  }

  close() {
    this.keepDraft();
    this.marked?.close();
    this.unlisten();
  }
}
