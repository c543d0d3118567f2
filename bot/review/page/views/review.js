// The queue: one message after the other.

import { post } from "../api.js";
import { Desk } from "../desk.js";
import { $, button, el, nothing, refill } from "../dom.js";
import { brief, count, link } from "../format.js";
import { listen } from "../keys.js";
import { fetchEntry, keepLease, Queue } from "../queue.js";

const FILTERS = {
  all: "Everything",
  fallback: "Not understood",
  thumbs_down: "Thumbs down",
  disagreement: "Models disagree",
  new: "Nothing like it yet",
  skipped: "Skipped",
};

export const title = "Review";

export async function open(root, params, app) {
  const view = new Review(root, params, app);
  await view.begin();
  return view;
}

class Review {
  constructor(root, params, app) {
    Object.assign(this, { root, app, only: params.get("id"), current: null, history: [], busy: false, lease: () => {} });
    this.filter = params.get("filter") ?? "all";
    this.queue = new Queue(this.filter, (data) => app.counts(data));
    this.place = el("div");
    this.desk = new Desk(app, {
      submit: (body, entry) => this.decide("api/submit", body, entry, `${body.label}${body.group.length ? `, with ${body.group.length} alike` : ""}`),
      discard: (body, entry) => this.decide("api/discard", body, entry, "discarded"),
      skip: ({ id, note }, entry) => this.decide("api/skip", { id, note }, entry, "skipped"),
      undo: () => this.undo(),
    });
    this.unlisten = listen({ bindings: [
      { key: "f", words: "choose what comes up", run: () => $("#filter")?.focus() },
      { key: "u", run: () => this.undo() },
    ] });
    this.onRefused = ({ detail }) => this.queue.forget(detail.entry.body.id);
    app.outbox.addEventListener("refused", this.onRefused);
    this.onHide = () => document.hidden && this.desk.keepDraft();
    document.addEventListener("visibilitychange", this.onHide);
    refill(root, this.only ? this.backLine() : this.filterLine(), this.place);
  }

  backLine() {
    return el("p", { class: "row" }, el("a", { href: "#/done" }, "Done"), el("a", { href: "#/review" }, "On with the queue"));
  }

  filterLine() {
    const choose = el("select", { id: "filter", on: { change: () => { location.hash = link("review", { filter: choose.value }); } } },
      Object.entries(FILTERS).map(([value, words]) => el("option", { value, selected: value === this.filter }, words)));
    return el("div", { class: "row tools" }, el("label", { for: "filter" }, "Show"), choose);
  }

  async begin() {
    if (!this.only) return this.next();
    const entry = await fetchEntry(this.only);
    return this.put(entry);
  }

  async next() {
    this.desk.resting = true;
    const entry = this.only ? null : await this.waitForNext();
    if (this.closed) return;
    if (entry) this.put(entry);
    else this.empty();
  }

  /** Wait for the server where nothing was fetched ahead; it may be away just now. */
  async waitForNext() {
    const tell = (words) => refill(this.place, el("p", { class: "hint", role: "status" }, words));
    const patience = setTimeout(() => tell("Fetching the next message …"), 150);
    for (let pause = 500; !this.closed; pause = Math.min(pause * 2, 8000)) {
      try {
        return await this.queue.take();
      } catch (error) {
        if (!error.passes) throw error;
        tell(`${error.message} Trying again …`);
      } finally {
        clearTimeout(patience);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    return null;
  }

  put(entry, state = null) {
    this.lease();
    this.current = entry;
    if (this.place.firstChild !== this.desk.node) refill(this.place, this.desk.node);
    this.desk.show(entry, state);
    this.lease = keepLease(entry.item.id, (item) => this.app.tell(`Meanwhile a colleague has answered this message: ${item.status}.`));
  }

  empty() {
    this.lease();
    this.current = null;
    const { left } = this.app;
    refill(this.place, this.only ? nothing("Saved.", el("p", {}, el("a", { href: "#/review" }, "On with the queue"))) : nothing(
      left > 0 && this.filter === "all" ? "Nothing left for you just now" : "Nothing left to review",
      left > 0 && this.filter === "all" && el("p", {}, `${count(left, "message")} are with colleagues, or wait for a second answer of theirs.`),
      this.filter !== "all" && el("p", {}, el("a", { href: "#/review" }, "Show everything")),
      el("p", {}, "The next step brings what you decided into the training data:"),
      el("pre", { tabindex: "0", "aria-label": "Command" }, "bot export"),
      el("p", {}, el("a", { href: "#/disputed" }, "Settle what is disputed"), " · ", el("a", { href: "#/training" }, "Check the training data"), " · ", el("a", { href: "#/progress" }, "See the progress")),
      el("p", {}, button("Look again", () => this.again()), " ", button("Undo", () => this.undo(), { key: "u" })),
    ));
    this.app.say("Nothing left to review.");
    this.place.querySelector(".nothing-words")?.setAttribute("tabindex", "-1");
    this.place.querySelector(".nothing-words")?.focus();
  }

  again() {
    this.queue = new Queue(this.filter, (data) => this.app.counts(data));
    return this.next();
  }

  /** Send a decision and go on at once. */
  decide(path, body, entry, words) {
    if (this.busy || this.desk.resting) return;
    const { desk } = this;
    desk.touched = false;
    const state = { label: desk.label, entities: desk.marked.entities, note: desk.note };
    const answered = 1 + (body.group?.length ?? 0);
    const key = this.app.send(path, body, entry.item, answered);
    this.history.push({ key, entry, state });
    this.app.tell(`“${brief(entry.item.text, 36)}”: ${words}.`);
    this.next().catch((error) => this.app.fail(this.place, error, () => this.next()));
  }

  /** Take the last decision back: where it was not sent yet here, else on the server. */
  async undo() {
    if (this.busy) return;
    this.busy = true;
    try {
      const last = this.history.at(-1);
      const unsent = last && this.app.outbox.takeBack(last.key);
      if (unsent) {
        this.app.outdated();
        this.restore(last.entry, last.state, "Taken back.");
        this.history.pop();
        return;
      }
      await this.app.outbox.send();
      if (this.app.outbox.waiting) {
        this.app.tell("Not all is saved yet. Undo works again when the server answers.", { bad: true });
        return;
      }
      const undone = await post("api/undo");
      this.app.decided = 0;
      this.app.counts(undone);
      if (undone.id === this.current?.item.id) {
        await this.afterNote(undone);
        return;
      }
      const known = this.history.findLast(({ entry }) => entry.item.id === undone.id);
      this.history = known ? this.history.slice(0, this.history.indexOf(known)) : [];
      const entry = await fetchEntry(undone.id);
      this.restore(entry, known?.state ?? null, `Undone: ${undone.action}.`);
    } catch (error) {
      this.app.tell(error.message, { bad: true });
    } finally {
      this.busy = false;
    }
  }

  /** Go on with the message on the screen after a note about it was taken back. */
  async afterNote({ id, action }) {
    const entry = await fetchEntry(id);
    const { label, marked } = this.desk;
    this.put(entry, { label, entities: marked.entities, note: entry.item.annotation?.note ?? "" });
    this.app.tell(`Undone: ${action}.`);
  }

  restore(entry, state, words) {
    if (this.current && !this.only && this.current.item.id !== entry.item.id) this.queue.putBack(this.current);
    this.queue.mine.add(entry.item.id);
    this.put(entry, state);
    this.app.tell(words);
  }

  close() {
    this.closed = true;
    this.lease();
    this.desk.close();
    this.unlisten();
    this.app.outbox.removeEventListener("refused", this.onRefused);
    document.removeEventListener("visibilitychange", this.onHide);
  }
}

