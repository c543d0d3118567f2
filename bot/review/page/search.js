// The search box for intents, actions and whatever else can be chosen by name.

import { dialog } from "./dialogs.js";
import { el, labelName, refill } from "./dom.js";

const SHOWN = 40;

/** Say how well a name fits: higher is better, 0 not at all. Letters must come in order. */
export function fit(query, name) {
  const wanted = query.toLowerCase().replace(/[\s_/-]+/g, " ").trim();
  const text = name.toLowerCase().replace(/[\s_/-]+/g, " ");
  if (!wanted) return 1;
  if (text === wanted) return 100;
  if (text.startsWith(wanted)) return 90 - text.length / 100;
  const inside = text.indexOf(wanted);
  if (inside >= 0) return (text[inside - 1] === " " ? 80 : 60) - text.length / 100;
  const parts = wanted.split(" ");
  if (parts.length > 1 && parts.every((part) => text.includes(part))) return 50 - text.length / 100;
  return inOrder(wanted.replaceAll(" ", ""), text);
}

function inOrder(wanted, text) {
  let at = -1;
  let score = 30;
  for (const letter of wanted) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return 0;
    if (at >= 0 && text[next - 1] !== " ") score -= Math.min(3, next - at - 1);
    at = next;
  }
  return Math.max(1, score - text.length / 100);
}

/** Give the choices that fit, best first; examples count for less than names. */
export function rank(query, choices) {
  return choices
    .map((choice) => {
      const byHint = query.length > 2 && (choice.hint ?? "").toLowerCase().includes(query.toLowerCase().trim());
      return { choice, score: Math.max(fit(query, choice.name), byHint ? 20 : 0) };
    })
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ choice }) => choice);
}

function option(choice, id, chosen, choose) {
  const about = [choice.kind, choice.proposed && "proposed", Number.isInteger(choice.examples) && `${choice.examples} examples`];
  return el(
    "li",
    { id, role: "option", "aria-selected": String(chosen), class: choice.create ? "create" : null,
      on: { mousedown: (event) => event.preventDefault(), click: () => choose(choice) } },
    choice.create ? el("span", { class: "label" }, choice.name) : labelName(choice.name),
    el("span", { class: "about" }, about.filter(Boolean).join(" · ")),
    choice.hint && el("span", { class: "example" }, choice.create ? choice.hint : `“${choice.hint}”`),
  );
}

/**
 * Let somebody choose by name; resolves to the choice, or null.
 * choices: [{name, hint, examples, kind, proposed}], those wanted first when nothing is typed.
 * create(query) gives the choice to offer below the others, or null.
 */
export function search(title, choices, { create = null, label = "Search by name or example" } = {}) {
  return dialog(title, (close) => {
    let shown = [];
    let at = 0;
    const field = el("input", {
      type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "found", "aria-autocomplete": "list",
      "aria-label": label, placeholder: label, autocomplete: "off", spellcheck: "false", "data-first": true,
    });
    const list = el("ul", { id: "found", role: "listbox", "aria-label": title });
    const told = el("p", { class: "hint", role: "status" });
    const mark = () => {
      [...list.children].forEach((node, place) => node.setAttribute("aria-selected", String(place === at)));
      if (shown.length) field.setAttribute("aria-activedescendant", `found-${at}`);
      else field.removeAttribute("aria-activedescendant");
      list.children[at]?.scrollIntoView({ block: "nearest" });
    };
    const update = () => {
      const query = field.value.trim();
      const found = rank(query, choices);
      const extra = query && !choices.some(({ name }) => name === query) ? create?.(query) : null;
      shown = [...found.slice(0, SHOWN), ...(extra ? [extra] : [])];
      at = 0;
      refill(list, shown.map((choice, place) => option(choice, `found-${place}`, place === at, close)));
      list.hidden = shown.length === 0;
      field.setAttribute("aria-expanded", String(shown.length > 0));
      told.textContent = found.length ? `${found.length} found` : "Nothing fits.";
      mark();
    };
    field.addEventListener("input", update);
    field.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
      if (step) {
        at = Math.min(Math.max(at + step, 0), shown.length - 1);
        mark();
      } else if (event.key === "Enter" && shown[at]) close(shown[at]);
      else return;
      event.preventDefault();
    });
    update();
    return [field, list, told];
  }, { className: "search" });
}
