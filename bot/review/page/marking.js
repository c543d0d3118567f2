// The text of a message, in which entities can be marked by mouse, by touch and by key.

import { button, el, refill } from "./dom.js";
import { listen } from "./keys.js";
import { assign, cut, entityOf, letters, points, words, wordsOf } from "./spans.js";

export const ENTITY_KEYS = [
  { key: "← →", words: "go from word to word" },
  { key: "Shift + ← →", words: "take in more or fewer words" },
  { key: "a letter", words: "mark the words as what the letter stands for; then its role, if it has roles" },
  { key: "⌫", words: "remove the entity" },
  { key: "Enter", words: "done" },
];

export const typeName = (entity) =>
  [entity.entity, entity.role && `role ${entity.role}`, entity.group && `group ${entity.group}`].filter(Boolean).join(", ");

const hold = { mousedown: (event) => event.preventDefault() };

/** Events: `change`. `types` are the project's entities, `say` reads out what happened. */
export class MarkedText extends EventTarget {
  constructor({ text, entities, types, say }) {
    super();
    Object.assign(this, { text, types, say, entities: [...entities] });
    this.words = words(text);
    this.range = null; // code points {start, end} that would be marked
    this.anchor = this.head = 0; // words
    this.asked = null; // the entity whose role or group is asked for, and what remains to ask
    this.release = null;
    this.message = el("p", { class: "message", dir: "auto", tabindex: "-1" });
    this.bar = el("div", { class: "marks-bar", role: "group", "aria-label": "Mark the selected words as", hidden: true });
    this.list = el("ul", { class: "marks", "aria-label": "Entities" });
    this.node = el("div", { class: "marking" }, this.message, this.bar, this.list);
    this.onSelection = () => this.fromSelection();
    this.message.addEventListener("click", (event) => this.onTap(event));
    document.addEventListener("selectionchange", this.onSelection);
    this.draw();
  }

  close() {
    document.removeEventListener("selectionchange", this.onSelection);
    this.release?.();
    this.release = null;
  }

  /** Begin to mark by key. */
  enter() {
    if (this.release || this.words.length === 0) return;
    this.release = listen({ raw: (event) => this.onKey(event), exclusive: true });
    const first = this.entities[0] && wordsOf(this.entities[0], this.words);
    this.message.focus({ preventScroll: true });
    this.go(first ? first[0] : 0);
    this.drawBar();
  }

  leave() {
    this.release?.();
    this.release = this.range = this.asked = null;
    getSelection()?.removeAllRanges();
    this.draw();
    this.say("Entities are done.");
  }

  onKey(event) {
    if (event.key === "Tab" || event.key === "?") return false;
    if (this.asked) return this.answer(event.key);
    const last = this.words.length - 1;
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    if (event.key in steps) this.go(this.head + steps[event.key], event.shiftKey);
    else if (event.key === "Home") this.go(0, event.shiftKey);
    else if (event.key === "End") this.go(last, event.shiftKey);
    else if (event.key === "Escape" || event.key === "Enter") this.leave();
    else if (event.key === "Backspace" || event.key === "Delete") this.removeAt();
    else {
      const type = this.types.find(({ key }) => key === event.key);
      if (type) this.mark(type);
    }
    return true;
  }

  go(to, extend = false) {
    this.head = Math.min(Math.max(to, 0), this.words.length - 1);
    if (!extend) this.anchor = this.head;
    const [from, until] = [this.anchor, this.head].sort((a, b) => a - b);
    this.range = { start: this.words[from].start, end: this.words[until].end };
    this.draw();
    const entity = this.touched();
    const told = cut(this.text, this.range.start, this.range.end);
    this.say(entity ? `${told}: ${typeName(entity)}` : told);
  }

  /** Give the entity that the chosen words touch. */
  touched() {
    return this.range && this.entities.find(({ start, end }) => start < this.range.end && end > this.range.start);
  }

  mark(type) {
    if (!this.range) return;
    const old = this.touched();
    const { start, end } = old && this.anchor === this.head && this.release ? old : this.range;
    const made = entityOf(this.text, start, end, type.name);
    this.change(assign(this.entities, made), `${made.value}: marked as ${type.name}.`);
    getSelection()?.removeAllRanges();
    const questions = [["role", type.roles], ["group", type.groups]].filter(([, names]) => names?.length);
    this.ask(made, questions);
  }

  ask(entity, questions) {
    if (questions.length) {
      const [[what, names], ...rest] = questions;
      this.asked = { entity, what, names, keys: letters(names), rest };
      this.say(`${what}? ${names.map((name, at) => `${this.asked.keys[at]} ${name}`).join(", ")}, or Enter for none.`);
    } else {
      this.asked = null;
      if (!this.release) this.range = null;
    }
    this.draw();
  }

  answer(key) {
    const { entity, what, names, keys, rest } = this.asked;
    if (key === "Enter" || key === "Escape") this.ask(entity, rest);
    const at = keys.indexOf(key);
    if (at >= 0) {
      const made = { ...entity, [what]: names[at] };
      this.change(assign(this.entities, made), `${made.value}: ${typeName(made)}.`);
      this.ask(made, rest);
    }
    return true;
  }

  removeAt(entity = this.touched()) {
    if (!entity) return;
    this.asked = null;
    if (!this.release) this.range = null;
    this.change(this.entities.filter((other) => other !== entity), `${entity.value}: no entity any more.`);
    this.draw();
  }

  /** Take over what another annotation says. */
  set(entities) {
    this.asked = null;
    this.entities = [...entities];
    this.draw();
  }

  change(entities, told) {
    this.entities = entities;
    this.say(told);
    this.dispatchEvent(new Event("change"));
  }

  onTap(event) {
    if (this.release || !getSelection().isCollapsed) return;
    const place = Number(event.target.closest?.("[data-word]")?.dataset.word ?? -1);
    if (place < 0) return;
    const word = this.words[place];
    const held = this.range;
    const again = held && held.start <= word.start && held.end >= word.end;
    if (again) this.range = null;
    else this.range = { start: Math.min(held?.start ?? word.start, word.start), end: Math.max(held?.end ?? word.end, word.end) };
    this.asked = null;
    this.draw();
  }

  /** Take the words that are selected by mouse or finger; inside one word its very letters. */
  fromSelection() {
    const chosen = getSelection();
    if (!chosen.rangeCount || chosen.isCollapsed || !this.message.contains(chosen.anchorNode)) return;
    const range = chosen.getRangeAt(0);
    if (!this.message.contains(range.endContainer)) return;
    const [start, end] = [this.offset(range.startContainer, range.startOffset), this.offset(range.endContainer, range.endOffset)];
    const covered = this.words.filter((word) => word.start < end && word.end > start);
    if (covered.length === 0) return;
    const inside = covered.length === 1 && (start > covered[0].start || end < covered[0].end);
    this.range = inside
      ? { start: Math.max(start, covered[0].start), end: Math.min(end, covered[0].end) }
      : { start: covered[0].start, end: covered.at(-1).end };
    this.asked = null;
    this.drawBar();
  }

  offset(node, at) {
    const range = document.createRange();
    range.setStart(this.message, 0);
    range.setEnd(node, at);
    return points(range.toString()).length;
  }

  draw() {
    const parts = [];
    let at = 0;
    for (const entity of this.entities) {
      parts.push(this.stretch(at, entity.start));
      const type = { class: "entity", "data-type": typeName(entity), "data-hue": this.hue(entity.entity) };
      parts.push(el("mark", type, this.stretch(entity.start, entity.end)));
      at = entity.end;
    }
    refill(this.message, parts, this.stretch(at, points(this.text).length));
    refill(this.list, this.entities.map((entity) => el(
      "li",
      { "data-hue": this.hue(entity.entity) },
      el("span", {}, `${entity.value ?? cut(this.text, entity.start, entity.end)} `),
      el("b", {}, typeName(entity)),
      el("button", { type: "button", class: "plain small", "aria-label": `Remove ${entity.entity} ${entity.value}`, on: { click: () => this.removeAt(entity) } }, "✕"),
    )));
    this.list.hidden = this.entities.length === 0;
    this.drawBar();
  }

  hue(name) {
    return Math.max(0, this.types.findIndex((type) => type.name === name)) % 6;
  }

  /** Give the nodes of a stretch, its words one by one. */
  stretch(start, end) {
    const nodes = [];
    let at = start;
    this.words.forEach((word, place) => {
      const [from, to] = [Math.max(word.start, start), Math.min(word.end, end)];
      if (from >= to) return;
      nodes.push(cut(this.text, at, from));
      const chosen = this.range && from < this.range.end && to > this.range.start;
      nodes.push(el("span", { "data-word": place, class: chosen ? "chosen" : null }, cut(this.text, from, to)));
      at = to;
    });
    return [...nodes, cut(this.text, at, end)];
  }

  drawBar() {
    this.bar.hidden = !this.range && !this.asked;
    if (this.bar.hidden) return;
    const held = (words, run, key, more = {}) => {
      const node = button(words, run, { key, class: "small", ...more });
      node.addEventListener("mousedown", hold.mousedown);
      return node;
    };
    if (this.asked) {
      const { what, names, keys } = this.asked;
      refill(this.bar, el("span", { class: "hint" }, `${what}?`), names.map((name, at) => held(name, () => this.answer(keys[at]), keys[at])),
        held(`no ${what}`, () => this.answer("Enter"), "↵"));
      return;
    }
    refill(this.bar, el("span", { class: "hint" }, "Mark as"),
      this.types.map((type) => held(type.name, () => this.mark(type), type.key ?? "", { "data-hue": this.hue(type.name) })),
      this.touched() && held("Remove", () => this.removeAt(), "⌫"),
      this.release && held("Done", () => this.leave(), "Esc"));
  }
}
