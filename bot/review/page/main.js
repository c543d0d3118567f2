// Starts the page: signs in, shows the view that the address names, keeps the header.

import * as api from "./api.js";
import { dialog } from "./dialogs.js";
import { $, button, el, refill } from "./dom.js";
import { brief, count } from "./format.js";
import { cheatSheet, keysOn, listen, switchKeys } from "./keys.js";
import { ENTITY_KEYS } from "./marking.js";
import { Outbox } from "./outbox.js";
import { askToSignIn, takeToken } from "./signin.js";
import { startTheme } from "./theme.js";

const VIEWS = {
  review: "review", item: "review", disputed: "disputed", conversations: "conversations", conversation: "conversation",
  training: "training", terms: "terms", insights: "insights", messages: "messages", done: "done", progress: "progress",
};
const NAV = { item: "done", conversation: "conversations", messages: "insights" };

const SETTLING = 10_000;

class App {
  constructor() {
    Object.assign(this, { project: null, outbox: null, current: null, left: 0, today: 0, row: 0, shown: 0, signing: null, toasts: 0, decided: 0 });
    window.addEventListener("hashchange", () => this.show());
    window.addEventListener("beforeunload", (event) => this.outbox?.waiting && event.preventDefault());
    api.session.addEventListener("signed-out", () => this.signIn());
    $("#menu").addEventListener("click", () => this.menu($("#menu").getAttribute("aria-expanded") === "false"));
    $("#cheat").addEventListener("click", () => this.cheat());
    $(".skip").addEventListener("click", (event) => {
      event.preventDefault();
      $("#main").focus();
    });
    $("#sign-out").addEventListener("click", () => this.signOut());
    listen({ bindings: [{ key: "?", words: "show the keys", run: () => this.cheat() }] });
    startTheme($("#theme"));
  }

  async begin() {
    const token = takeToken();
    if (token) await this.signIn(token);
    else await this.load().catch((error) => (error.status === 401 ? this.signing : this.fail($("#view"), error, () => this.begin())));
  }

  /** Ask for the token until the server takes it; then go on where the page was. */
  signIn(token = "") {
    this.signing ??= askToSignIn(token).then(async () => {
      this.signing = null;
      await this.load().catch((error) => this.fail($("#view"), error, () => this.begin()));
    });
    return this.signing;
  }

  async signOut() {
    await this.outbox?.send();
    if (this.outbox?.waiting) {
      this.tell("Not all is saved yet. Sign out when the server answers.", { bad: true });
      return;
    }
    await api.signOut().catch(() => null);
    location.reload();
  }

  async load() {
    const before = this.project?.reviewer;
    this.project = await api.project();
    $("#top").hidden = false;
    if (before === this.project.reviewer) {
      this.outbox.send();
      return;
    }
    this.outbox?.close();
    this.outbox = new Outbox(this.project.reviewer);
    this.outbox.addEventListener("sent", ({ detail: { answer } }) => this.counts(answer));
    this.outbox.addEventListener("refused", ({ detail }) => this.refused(detail));
    this.outbox.addEventListener("change", () => this.drawCounts());
    this.outbox.send();
    const progress = await api.get("api/progress").catch(() => null);
    if (progress) this.counts(progress);
    await this.show();
  }

  /** Show the view that the address names. */
  async show() {
    if (!this.project) return;
    const [name, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
    const key = VIEWS[name] ? name : "review";
    const turn = (this.shown += 1);
    this.menu(false);
    this.current?.close?.();
    this.current = null;
    const root = el("div", {});
    refill($("#view"), root);
    for (const place of document.querySelectorAll("#views a")) {
      const here = place.hash === `#/${NAV[key] ?? key}`;
      if (here) place.setAttribute("aria-current", "page");
      else place.removeAttribute("aria-current");
    }
    document.body.dataset.view = key;
    try {
      const module = await import(`./views/${VIEWS[key]}.js`);
      if (turn !== this.shown) return;
      this.title(module.title);
      $("#title").focus({ preventScroll: true });
      const view = await module.open(root, new URLSearchParams(query), this);
      if (turn === this.shown) this.current = view;
      else view?.close?.();
    } catch (error) {
      if (turn === this.shown) this.fail(root, error, () => this.show());
    }
  }

  title(words) {
    $("#title").textContent = words;
    document.title = `${words} · bot review`;
  }

  /** Show an error in place of a view, with a way on. */
  fail(place, error, again) {
    refill(place, el("div", { class: "nothing" }, el("p", { class: "flag", role: "alert" }, error.message),
      button("Try again", () => { refill(place); again(); }, { class: "primary" })));
  }

  /** Queue a decision; `answered` messages leave the queue by it. */
  send(path, body, item, answered = 0) {
    if (answered) {
      this.left = Math.max(0, this.left - answered);
      this.row += answered;
      this.decided = Date.now();
    }
    return this.outbox.add(path, body, brief(item.text, 60));
  }

  refused({ entry, error }) {
    const id = entry.body.id;
    const line = el("p", { class: "alert" },
      `“${entry.about}” was not saved: ${error.message} `,
      id && el("a", { href: `#/item?id=${id}` }, "Open it"),
      " ",
      el("button", { type: "button", class: "small", on: { click: () => line.remove() } }, "Dismiss"));
    $("#alerts").append(line);
    this.outdated();
  }

  /** Ask the server for the counts again. */
  outdated() {
    this.decided = 0;
    api.get("api/progress").then((data) => this.counts(data), () => null);
  }

  counts({ left, done_today: today }) {
    // Just after a decision a larger number is one from before it.
    const late = left > this.left && Date.now() - this.decided < SETTLING;
    if (!late) this.left = left ?? this.left;
    this.today = today ?? this.today;
    this.drawCounts();
  }

  drawCounts() {
    const { waiting, stuck } = this.outbox;
    refill(
      $("#counts"),
      el("span", {}, el("b", {}, String(this.left)), " left"),
      el("span", {}, el("b", {}, String(this.today)), " today"),
      this.row > 1 && el("span", {}, el("b", {}, String(this.row)), " in a row"),
      stuck && el("span", { class: "flag" }, `${count(waiting, "decision")} not saved yet, trying again`),
    );
    if (stuck && !this.told) this.say("The server does not answer. Your decisions are kept and sent again.");
    this.told = stuck;
  }

  /** Read something out. */
  say(words) {
    $("#live").textContent = words;
  }

  /** Say something that everybody shall see for a while. */
  tell(words, { bad = false } = {}) {
    const toast = $("#toast");
    toast.textContent = words;
    toast.className = bad ? "shown bad" : "shown";
    clearTimeout(this.toasts);
    this.toasts = setTimeout(() => { toast.className = ""; }, bad ? 8000 : 4000);
    this.say(words);
  }

  menu(open) {
    $("#menu").setAttribute("aria-expanded", String(open));
    $("#views").classList.toggle("open", open);
  }

  cheat() {
    const rows = (bindings) => el("dl", { class: "keys" }, bindings.map(({ key, show, words }) =>
      el("div", {}, el("dt", {}, el("kbd", {}, show ?? [key].flat()[0])), el("dd", {}, words))));
    return dialog("Keys", () => {
      const box = el("input", { type: "checkbox", id: "keys-on", checked: keysOn(), "data-first": true, on: { change: () => switchKeys(box.checked) } });
      return [
        el("p", {}, el("label", { for: "keys-on" }, box, " Single keys are on")),
        el("h3", {}, "Here"), rows(cheatSheet()),
        el("h3", {}, "While entities are marked"), rows(ENTITY_KEYS),
        el("p", { class: "hint" }, "Keys rest while you type in a field. Buttons do the same as keys."),
      ];
    });
  }
}

new App().begin();
