// Lists that come page by page, and the line of a list that the keys act on.

import { get } from "./api.js";
import { button, el, refill } from "./dom.js";
import { path } from "./format.js";

/** A list of items from the API. `row(item)` makes a line, `empty` is shown where there is none. */
export class Pages {
  constructor(base, params, row, empty) {
    Object.assign(this, { base, params, row, empty, items: [], next: null });
    this.list = el("ul", { class: "list" });
    this.foot = el("div", { class: "row" });
    this.node = el("div", {}, this.list, this.foot);
  }

  async more() {
    const data = await get(path(this.base, { ...this.params, after: this.next }));
    const focus = this.items.length > 0;
    this.next = data.next ?? null;
    this.items.push(...data.items);
    const rows = data.items.map((item) => this.row(item));
    this.list.append(...rows);
    this.list.hidden = this.items.length === 0;
    refill(this.foot, this.items.length === 0 ? this.empty : this.next !== null && button("Show more", () => this.more()));
    if (focus) (rows[0]?.querySelector("a, button, input") ?? this.foot.querySelector("button"))?.focus();
  }
}

/** Move through lines with the arrows or j and k; the one that has the focus is the current one. */
export class Lines {
  constructor(list) {
    this.list = list;
  }

  rows() {
    return [...this.list.children].filter((row) => !row.hidden);
  }

  get current() {
    return this.rows().find((row) => row.contains(document.activeElement)) ?? null;
  }

  focus(row) {
    if (!row) return;
    for (const other of this.rows()) other.tabIndex = other === row ? 0 : -1;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  onKey(event) {
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
    if (!step || event.shiftKey) return false;
    const rows = this.rows();
    const at = rows.indexOf(this.current);
    this.focus(rows[at < 0 ? 0 : Math.min(Math.max(at + step, 0), rows.length - 1)]);
    return true;
  }
}

/** Make a labelled choice that changes the address. */
export function chooser(id, words, options, value, go) {
  const select = el("select", { id, on: { change: () => go(select.value) } },
    options.map(([name, told]) => el("option", { value: name, selected: name === (value ?? "") }, told)));
  return el("span", { class: "row" }, el("label", { for: id }, words), select);
}
