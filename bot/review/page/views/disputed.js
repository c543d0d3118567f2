// Messages about which colleagues disagree: their annotations side by side, one of them counts.

import { get, post } from "../api.js";
import { Desk } from "../desk.js";
import { button, el, nothing, refill } from "../dom.js";
import { brief, count, path } from "../format.js";
import { listen } from "../keys.js";
import { typeName } from "../marking.js";
import { prepare } from "../queue.js";

export const title = "Disputed";

export async function open(root, params, app) {
  const view = new Disputed(root, app);
  await view.begin();
  return view;
}

const marks = (entities) => entities.map((entity) => `${entity.value}: ${typeName(entity)}`).join("; ") || "no entities";

/** Give the colleagues' annotations as lines to choose from. */
function choicesOf(item) {
  return (item.others ?? []).map((other) => ({
    label: other.label ?? null,
    entities: other.entities ?? [],
    who: other.reviewer,
    note: other.note,
    marks: other.label ? marks(other.entities ?? []) : "discarded it",
    suggested: other.label && other.label === item.suggestion?.label,
  }));
}

class Disputed {
  constructor(root, app) {
    Object.assign(this, { root, app, items: [], next: null, settled: 0 });
    this.place = el("div");
    this.told = el("p", { class: "hint tools" });
    this.desk = new Desk(app, {
      accept: "Let this count",
      choices: choicesOf,
      submit: (body, entry) => this.settle("api/adjudicate", body, entry),
      discard: (body, entry) => this.settle("api/discard", body, entry, "discarded"),
      skip: () => this.later(),
      undo: () => this.undo(),
    });
    this.unlisten = listen({ bindings: [{ key: "u", run: () => this.undo() }] });
    refill(root, this.told, this.place);
  }

  async begin() {
    await this.fetch();
    await this.show();
  }

  async fetch() {
    const data = await get(path("api/disputed", { after: this.next }));
    this.items.push(...data.items);
    this.next = data.next;
  }

  async show() {
    if (this.items.length === 0 && this.next) await this.fetch();
    const item = this.items[0];
    if (this.closed) return;
    if (!item) {
      this.told.textContent = "";
      refill(this.place, nothing(this.settled ? "All is settled" : "Nothing is disputed",
        el("p", {}, "Messages come here when two reviewers answered the same one differently."),
        el("p", {}, el("a", { href: "#/review" }, "On with the queue"), " · ", el("a", { href: "#/progress" }, "See how far reviewers agree")),
        this.settled > 0 && el("p", {}, button("Undo", () => this.undo(), { key: "u" }))));
      return;
    }
    const entry = await prepare(item);
    if (this.closed) return;
    this.told.textContent = `${count(this.items.length, "message")}${this.next ? " and more" : ""} to settle. A number takes over what a colleague said, / searches for something else.`;
    if (this.place.firstChild !== this.desk.node) refill(this.place, this.desk.node);
    this.desk.show(entry, { entities: item.entities });
  }

  settle(to, body, entry, words = `${body.label} counts`) {
    this.desk.touched = false;
    this.app.send(to, body, entry.item);
    this.settled += 1;
    this.app.tell(`“${brief(entry.item.text, 36)}”: ${words}.`);
    this.items.shift();
    this.show().catch((error) => this.app.fail(this.place, error, () => this.show()));
  }

  /** Take the last decision back, and look at the list again. */
  async undo() {
    try {
      await this.app.outbox.send();
      const { action } = await post("api/undo");
      Object.assign(this, { items: [], next: null });
      await this.begin();
      this.app.tell(`Undone: ${action}.`);
    } catch (error) {
      this.app.tell(error.message, { bad: true });
    }
  }

  later() {
    this.items.push(this.items.shift());
    this.show();
  }

  close() {
    this.closed = true;
    this.desk.touched = false;
    this.desk.close();
    this.unlisten();
  }
}
