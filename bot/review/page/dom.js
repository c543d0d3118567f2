// Builds elements. Whatever comes from the server gets in as text only, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [event, run] of Object.entries(value)) node.addEventListener(event, run);
    } else if (name === "value" || name === "checked" || name === "indeterminate") {
      node[name] = value;
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...flat(children));
  return node;
}

function flat(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Make an element: `on` holds listeners, the other properties are attributes. */
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** Make an element of a drawing. */
export function svg(tag, properties = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), properties, children);
}

/** Put other children in place of those a node has. */
export function refill(node, ...children) {
  node.replaceChildren(...flat(children));
  return node;
}

export const $ = (selector, root = document) => root.querySelector(selector);

/** Make a button that also says which key does the same. */
export function button(words, run, { key = "", ...properties } = {}) {
  return el(
    "button",
    { type: "button", "aria-keyshortcuts": shortcut(key), on: { click: run }, ...properties },
    el("span", {}, words),
    key && el("kbd", { "aria-hidden": "true" }, key),
  );
}

const NAMES = { "↵": "Enter", "↑": "ArrowUp", "↓": "ArrowDown", "␣": "Space" };

function shortcut(key) {
  return key ? (NAMES[key] ?? key) : null;
}

/** Make a label from whose parts a long name may break. */
export function labelName(label) {
  const parts = String(label ?? "").split(/(?<=[_/])/);
  return el("span", { class: "label" }, ...parts.flatMap((part, at) => (at ? [el("wbr"), part] : [part])));
}

/** Say that there is nothing here, and what to do next. */
export function nothing(words, ...more) {
  return el("div", { class: "nothing" }, el("p", { class: "nothing-words" }, words), ...more);
}

/** Make a table that has a caption, scrolls by itself and can be reached by key. */
export function table(caption, heads, rows, { hidden = false } = {}) {
  const grid = el(
    "table",
    {},
    el("caption", { class: hidden ? "quiet" : null }, caption),
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, rows.map(([first, ...rest]) =>
      el("tr", {}, el("th", { scope: "row" }, first), rest.map((cell) => el("td", {}, cell))))),
  );
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, grid);
}
