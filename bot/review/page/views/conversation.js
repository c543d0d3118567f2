// One conversation: what happened, and what the bot should have done instead.

import { get, post, remove } from "../api.js";
import { button, el, refill } from "../dom.js";
import { count, path } from "../format.js";
import { listen } from "../keys.js";
import { Lines } from "../pages.js";
import { Steps } from "../steps.js";
import { turnNode } from "../transcript.js";

const KINDS = { story: "Story: the bot learns from it", test_story: "Test story: the bot is tested with it" };

export const title = "Conversation";

export async function open(root, params, app) {
  const conversation = await get(path(`api/conversations/${params.get("id")}`, { around: params.get("turn") }));
  return new Conversation(root, conversation, Number(params.get("turn")) || null, app);
}

class Conversation {
  constructor(root, conversation, turn, app) {
    Object.assign(this, { app, conversation, editor: null, turn });
    const { turns } = conversation;
    this.first = turns[0]?.id;
    this.last = turn ?? turns.at(-1)?.id;
    this.list = el("ol", { class: "turns list" });
    this.lines = new Lines(this.list);
    this.place = el("div", { class: "editor" });
    this.told = el("div", { class: "guards", role: "status" });
    this.unlisten = listen({
      raw: (event) => (this.onSteps() ? this.editor.onKey(event) : this.lines.onKey(event)),
      bindings: this.bindings(),
    });
    refill(root,
      el("p", { class: "row tools" }, el("a", { href: "#/conversations" }, "All conversations"), rated(conversation)),
      el("div", { class: "split" }, el("section", { "aria-label": "What happened" }, this.list), el("section", { "aria-label": "What should have happened" }, this.told, this.place)));
    this.draw();
    this.overview();
    this.lines.focus(this.list.querySelector(`[data-turn="${this.last}"]`));
  }

  bindings() {
    const both = (steps, turns) => () => (this.onSteps() ? steps() : turns());
    const onStep = (name) => () => this.editor?.bindings().find(({ key }) => [key].flat().includes(name)).run();
    return [
      { key: "j", show: "j k ↑ ↓", words: "go through the turns, or the steps" },
      { key: "b", words: "begin the story at this turn", run: () => this.stretch("first") },
      { key: "l", words: "make this turn its last one", run: () => this.stretch("last") },
      { key: "e", words: "edit the steps", run: () => this.edit() },
      { key: "Enter", words: "change a step", run: both(onStep("Enter"), () => this.edit()) },
      { key: "a", words: "add a step", run: onStep("a") },
      { key: ["x", "Delete", "Backspace"], words: "remove a step", run: onStep("x") },
      { key: ["J", "K"], show: "J K", words: "move a step down or up", run: ({ key }) => onStep(key)() },
      { key: "s", words: "save the story", run: () => this.save("submitted") },
      { key: "Escape", run: () => this.overview() },
    ];
  }

  onSteps() {
    return this.editor?.node.contains(document.activeElement) ?? false;
  }

  draw() {
    const { turns } = this.conversation;
    const [from, to] = [this.first, this.last].map((id) => turns.findIndex((turn) => turn.id === id));
    refill(this.list, turns.map((turn, at) => {
      const marks = [turn.id === this.turn && "this message", turn.id === this.first && "begins here", turn.id === this.last && "ends here"].filter(Boolean);
      const node = turnNode(turn, { mark: marks.join(", "), full: true, extra: this.turnButtons(turn) });
      node.tabIndex = -1;
      node.classList.toggle("inside", at >= from && at <= to);
      return node;
    }));
  }

  turnButtons(turn) {
    return el("div", { class: "row quiet-row" },
      button("Begin here", () => this.stretch("first", turn.id), { key: "b", class: "small plain" }),
      button("End here", () => this.stretch("last", turn.id), { key: "l", class: "small plain" }));
  }

  stretch(end, id = Number(this.lines.current?.dataset.turn)) {
    if (!id) return;
    if (this.editor) {
      this.app.tell("The steps are open. Leave them with Escape before you choose another stretch.", { bad: true });
      return;
    }
    this[end] = id;
    const order = this.conversation.turns.map((turn) => turn.id);
    if (order.indexOf(this.first) > order.indexOf(this.last)) this.first = this.last = id;
    this.draw();
    this.lines.focus(this.list.querySelector(`[data-turn="${id}"]`));
    this.app.say(end === "first" ? "The story begins here." : "The story ends here.");
  }

  /** Show the corrections there are, and the way to a new one. */
  overview() {
    const kept = this.conversation.corrections.filter(({ status }) => status !== "discarded");
    this.editor = null;
    refill(this.place,
      el("h2", {}, "What should have happened?"),
      el("p", {}, "Choose the first and the last turn of the stretch, then say what the bot should have done."),
      button("Edit the steps", () => this.edit(), { key: "e", class: "primary" }),
      kept.length > 0 && el("h3", {}, "Corrections"),
      kept.length > 0 && el("ul", { class: "list" }, kept.map((correction) => el("li", {},
        el("span", {}, `${correction.name || "without a name"} · ${correction.kind === "story" ? "story" : "test story"} · ${correction.status}${correction.reviewer ? ` · ${correction.reviewer}` : ""}`),
        el("div", { class: "row" },
          button("Open", () => this.edit(correction), { class: "small" }),
          button("Delete", () => this.discard(correction), { class: "small" }))))));
  }

  async edit(correction = null) {
    if (this.editor && !correction) {
      this.editor.draw(true);
      return;
    }
    const { id } = this.conversation;
    try {
      if (correction) [this.first, this.last] = [correction.first, correction.last];
      const { steps } = correction ?? (await get(path(`api/conversations/${id}/steps`, { first: this.first, last: this.last })));
      refill(this.told);
      this.draw();
      this.editor = new Steps(steps, this.app);
      this.form(correction);
      this.editor.draw(true);
      if (!correction && !steps.some((step) => "intent" in step)) this.app.tell("What was said here only filled a form. Begin the stretch earlier, or add what a person says.");
    } catch (error) {
      this.app.tell(error.message, { bad: true });
    }
  }

  form(correction) {
    const kind = correction?.kind ?? "story";
    this.name = el("input", { id: "story-name", maxlength: "120", autocomplete: "off", value: correction?.name ?? `conversation ${this.conversation.id}` });
    this.note = el("input", { id: "story-note", maxlength: "2000", autocomplete: "off", value: correction?.note ?? "" });
    this.kinds = el("fieldset", {}, el("legend", {}, "Save as"), Object.entries(KINDS).map(([value, words]) =>
      el("label", {}, el("input", { type: "radio", name: "kind", value, checked: value === kind }), ` ${words}`)));
    refill(this.place,
      el("h2", {}, "What should have happened?"),
      this.editor.node,
      el("div", { class: "form" }, this.kinds,
        el("label", { for: "story-name" }, "Name"), this.name,
        el("label", { for: "story-note" }, "Note (optional)"), this.note),
      el("div", { class: "row" },
        button("Save", () => this.save("submitted"), { key: "s", class: "primary" }),
        button("Keep as draft", () => this.save("draft")),
        button("Leave", () => this.overview(), { key: "Esc" })));
  }

  async save(status) {
    if (!this.editor) return;
    const body = {
      conversation: this.conversation.id,
      kind: this.kinds.querySelector(":checked").value,
      name: this.name.value.trim(),
      first: this.first,
      last: this.last,
      steps: this.editor.steps,
      note: this.note.value.trim(),
      status,
    };
    try {
      const { warnings } = await post("api/corrections", body);
      const told = status === "draft" ? "The draft is kept." : "Saved.";
      this.warn(told, warnings);
      const fresh = await get(path(`api/conversations/${this.conversation.id}`, { around: this.turn }));
      this.conversation = fresh;
      this.draw();
      this.overview();
      this.place.querySelector("button").focus();
    } catch (error) {
      this.warn(error.message, [], true);
    }
  }

  warn(told, warnings, bad = false) {
    refill(this.told, el("p", { class: bad ? "guard armed" : "good" }, told),
      warnings.map((warning) => el("p", { class: "guard" }, warning.message ?? String(warning))));
    this.app.tell(warnings.length ? `${told} ${count(warnings.length, "warning")}.` : told, { bad });
  }

  async discard(correction) {
    try {
      await remove(`api/corrections/${correction.id}`);
      this.conversation.corrections = this.conversation.corrections.filter(({ id }) => id !== correction.id);
      this.overview();
      this.place.querySelector("button").focus();
      this.app.tell("The correction is deleted.");
    } catch (error) {
      this.app.tell(error.message, { bad: true });
    }
  }

  close() {
    this.unlisten();
  }
}

function rated({ rating, comment }) {
  return rating && el("span", {}, `Rated ${rating} of 5${comment ? `: “${comment}”` : ""}`);
}
