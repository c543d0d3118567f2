// The steps of a story, as a list that is edited by key.

import { askText } from "./dialogs.js";
import { button, el, labelName, refill } from "./dom.js";
import { Lines } from "./pages.js";
import { search } from "./search.js";

const SLOT_VALUES = { bool: ["true", "false"] };

/** Say in words what a step does. */
export function stepWords(step) {
  if ("intent" in step) return ["Person ", el("q", { dir: "auto" }, step.text ?? ""), " → ", step.intent ? labelName(step.intent) : el("i", {}, "no intent yet")];
  if ("action" in step) return ["Bot does ", labelName(step.action)];
  if ("active_loop" in step) return step.active_loop ? ["Form begins: ", labelName(step.active_loop)] : ["Form ends"];
  const [[name, value]] = Object.entries(step.slot_was_set ?? { "?": null });
  return ["Slot ", labelName(name), ` is ${value === null ? "empty" : JSON.stringify(value)}`];
}

const kindOf = (step) => ["intent", "action", "active_loop"].find((kind) => kind in step) ?? "slot";

/** Events: `change`. */
export class Steps extends EventTarget {
  constructor(steps, app) {
    super();
    this.app = app;
    this.steps = structuredClone(steps);
    this.list = el("ol", { class: "list steps", "aria-label": "Steps of the story" });
    this.lines = new Lines(this.list);
    this.node = el("div", {}, this.list, el(
      "div", { class: "row" },
      button("Change", () => this.edit(), { key: "↵" }),
      button("Add after", () => this.add(), { key: "a" }),
      button("Remove", () => this.remove(), { key: "x" }),
      button("Up", () => this.move(-1), { key: "K" }),
      button("Down", () => this.move(1), { key: "J" }),
    ));
    this.at = 0;
    this.draw();
  }

  bindings() {
    return [
      { key: "j", show: "j k ↑ ↓", words: "go through the steps" },
      { key: "Enter", words: "change a step", run: () => this.edit() },
      { key: "a", words: "add a step after this one", run: () => this.add() },
      { key: ["x", "Delete", "Backspace"], words: "remove a step", run: () => this.remove() },
      { key: "J", show: "J K", words: "move a step down or up", run: () => this.move(1) },
      { key: "K", run: () => this.move(-1) },
    ];
  }

  onKey(event) {
    return this.lines.onKey(event);
  }

  draw(focus = false) {
    refill(this.list, this.steps.map((step, at) => el(
      "li",
      { tabindex: at === this.at ? "0" : "-1", "data-kind": kindOf(step), on: { focus: () => { this.at = at; }, click: () => this.lines.focus(this.list.children[at]) } },
      stepWords(step),
    )));
    this.at = Math.min(Math.max(this.at, 0), Math.max(0, this.steps.length - 1));
    if (focus) this.lines.focus(this.list.children[this.at]);
  }

  changed(steps, at, words) {
    this.steps = steps;
    this.at = at;
    this.draw(true);
    this.app.say(words);
    this.dispatchEvent(new Event("change"));
  }

  async edit() {
    const step = this.steps[this.at];
    if (!step) return;
    const made = await this.choose(kindOf(step), step);
    if (made) this.changed(this.steps.with(this.at, made), this.at, "The step is changed.");
    else this.draw(true);
  }

  async add() {
    const made = await this.choose(null);
    if (!made) {
      this.draw(true);
      return;
    }
    const at = this.steps.length ? this.at + 1 : 0;
    this.changed(this.steps.toSpliced(at, 0, made), at, "A step is added.");
  }

  remove() {
    if (this.steps.length) this.changed(this.steps.toSpliced(this.at, 1), Math.max(0, Math.min(this.at, this.steps.length - 2)), "The step is removed.");
  }

  move(by) {
    const to = this.at + by;
    if (to < 0 || to >= this.steps.length) return;
    const steps = [...this.steps];
    [steps[this.at], steps[to]] = [steps[to], steps[this.at]];
    this.changed(steps, to, "The step is moved.");
  }

  /** Let a step be chosen; with a kind only among those, else among all. */
  async choose(kind, old = null) {
    const { project } = this.app;
    const all = [
      ...project.actions.map((name) => ({ name, kind: "action" })),
      ...project.intents.map(({ name, hint, examples }) => ({ name, hint, examples, kind: "intent" })),
      ...project.forms.map((name) => ({ name, kind: "form" })),
      { name: "Form ends", kind: "form", end: true },
      ...project.slots.filter(({ influences }) => influences).map(({ name }) => ({ name, kind: "slot" })),
    ];
    const wanted = { action: "action", intent: "intent", active_loop: "form", slot: "slot" }[kind];
    const shown = wanted ? all.filter((choice) => choice.kind === wanted) : all;
    const words = { action: "What should the bot do?", intent: "What did the person mean?", form: "Which form?", slot: "Which slot?" };
    const chosen = await search(words[wanted] ?? "Add a step", shown, { label: "Search by name" });
    return chosen && this.make(chosen, old);
  }

  make(chosen, old) {
    if (chosen.kind === "action") return { action: chosen.name };
    if (chosen.kind === "form") return { active_loop: chosen.end ? null : chosen.name };
    if (chosen.kind === "slot") return this.askSlot(chosen.name);
    return old ? { ...old, intent: chosen.name } : this.askMessage(chosen);
  }

  async askMessage({ name, hint }) {
    const text = await askText("What would the person write?", { label: `A message that means ${name}`, value: hint ?? "" });
    return text ? { intent: name, text, entities: [] } : null;
  }

  async askSlot(name) {
    const slot = this.app.project.slots.find((other) => other.name === name);
    const values = SLOT_VALUES[slot.type] ?? slot.values ?? [];
    const told = values.length
      ? (await search(`Value of ${name}`, ["empty", ...values].map((value) => ({ name: String(value) }))))?.name
      : await askText(`Value of ${name}`, { label: "Value; leave it empty for none" });
    if (told === undefined || told === null) return null;
    return { slot_was_set: { [name]: valueOf(told, slot.type) } };
  }
}

function valueOf(told, type) {
  if (told === "empty" || told === "") return null;
  if (type === "bool") return told === "true";
  if (type === "float" && Number.isFinite(Number(told))) return Number(told);
  return told;
}
