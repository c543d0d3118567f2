// Near-duplicates that are answered together with a message, and which of them are left out.

import { el } from "./dom.js";
import { carry, plain } from "./spans.js";
import { typeName } from "./marking.js";

export class Group {
  constructor(members, text) {
    this.text = text;
    this.carried = null;
    this.members = members.map((member) => ({ ...member, ticked: true, fits: true }));
    this.open = false;
    this.node = el("section", { class: "group", "aria-labelledby": "group-title", hidden: members.length === 0 });
    this.draw();
  }

  /**
   * Carry the reviewer's entities over; who has other words comes up by itself.
   * Null: the reviewer has left them as they were, and so each member keeps its own.
   */
  follow(entities) {
    for (const member of this.members) {
      const carried = entities && carry(entities, this.text, member.text);
      member.fits = entities === null || carried !== null;
      member.mine = carried;
    }
    this.draw();
  }

  /** Give what is answered together: [{id, entities}]. */
  answered() {
    return this.chosen().map(({ id, entities, mine }) => ({ id, entities: (mine ?? entities).map(plain) }));
  }

  chosen() {
    return this.members.filter(({ ticked, fits }) => ticked && fits);
  }

  /** Open or close the list; gives whether it is open now. */
  toggle() {
    if (this.members.length === 0) return false;
    this.open = !this.open;
    this.draw();
    if (this.open) this.node.querySelector("input")?.focus();
    return this.open;
  }

  /** Take the arrows inside of the list. */
  onKey(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const boxes = [...this.node.querySelectorAll("input:not([disabled])")];
    const at = boxes.indexOf(document.activeElement);
    if (at < 0 || !step) return false;
    boxes[Math.min(Math.max(at + step, 0), boxes.length - 1)].focus();
    return true;
  }

  draw() {
    const at = [...this.node.querySelectorAll("input")].indexOf(document.activeElement);
    const n = this.chosen().length;
    const times = this.chosen().reduce((sum, { times = 1 }) => sum + times, 0);
    this.node.replaceChildren(
      el("h2", { id: "group-title" }, n ? `Answered together with ${n} alike` : "Answered alone"),
      times > n ? el("p", { class: "hint" }, `They came ${times} times.`) : "",
      el("button", { type: "button", class: "small", "aria-expanded": String(this.open), "aria-keyshortcuts": "g", on: { click: () => this.toggle() } },
        this.open ? "Close the list" : "Go through them", el("kbd", { "aria-hidden": "true" }, "g")),
      this.open ? this.list() : "",
    );
    if (at >= 0) this.node.querySelectorAll("input")[at]?.focus();
  }

  list() {
    return el("ul", { class: "members" }, this.members.map((member) => {
      const box = el("input", {
        type: "checkbox", checked: member.ticked && member.fits, disabled: !member.fits,
        on: { change: () => { member.ticked = box.checked; this.draw(); } },
      });
      const marks = member.mine ?? member.entities ?? [];
      return el("li", {}, el("label", {}, box, el("span", { dir: "auto" }, member.text,
        member.times > 1 && el("span", { class: "hint" }, ` ×${member.times}`),
        marks.length > 0 && el("span", { class: "hint" }, ` ${marks.map((mark) => `${mark.value}: ${typeName(mark)}`).join("; ")}`),
        !member.fits && el("span", { class: "flag" }, "has other words: comes up by itself"))));
    }));
  }
}
