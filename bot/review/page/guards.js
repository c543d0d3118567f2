// Warnings while a reviewer decides. They never hold anybody up: a late one comes after the fact.

import { post } from "./api.js";
import { el, refill } from "./dom.js";
import { plain } from "./spans.js";

const PAUSE = 120;
const HARMLESS = new Set(["duplicate"]);

export class Guards {
  constructor() {
    this.node = el("div", { class: "guards", role: "status" });
    this.known = new Map();
    this.warnings = [];
    this.armed = false;
    this.timer = 0;
    this.question = "";
    this.asking = null;
  }

  /** Begin with a new message; `known` holds answers that were fetched beforehand. */
  reset(known = new Map()) {
    clearTimeout(this.timer);
    Object.assign(this, { known, warnings: [], armed: false, question: "", asking: null });
    this.draw();
  }

  /** Check a choice soon. */
  ask(body) {
    const question = JSON.stringify(body);
    if (question === this.question) return;
    clearTimeout(this.timer);
    this.question = question;
    this.armed = false;
    this.asking = null;
    const known = this.known.get(question);
    this.warnings = known ?? [];
    this.draw();
    if (!known && body.label) this.timer = setTimeout(() => { this.asking = this.fetch(question, body); }, PAUSE);
  }

  async fetch(question, body) {
    const warnings = await fetchWarnings(body);
    this.known.set(question, warnings);
    if (question === this.question) {
      this.warnings = warnings;
      this.asking = null;
      this.draw();
    }
    return warnings;
  }

  /** Say whether a decision may go out; the first Enter on a serious warning only arms it. */
  pass() {
    if (this.armed || !serious(this.warnings).length) return true;
    this.armed = true;
    this.draw();
    return false;
  }

  draw() {
    refill(
      this.node,
      this.warnings.map(({ code, message }) => el("p", { class: "guard", "data-code": code }, message)),
      this.armed && el("p", { class: "guard armed" }, "Enter once more saves it all the same."),
    );
  }
}

export const serious = (warnings) => warnings.filter(({ code }) => !HARMLESS.has(code));

export function question(id, text, label, entities) {
  return { id, text, label, entities: entities.map(plain) };
}

/** Give the warnings on a choice; none where the server cannot say. */
export async function fetchWarnings(body) {
  try {
    return (await post("api/check", body)).warnings;
  } catch {
    return [];
  }
}
