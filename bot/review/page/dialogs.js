// Dialogs: the browser's own, so focus goes in, stays in, and comes back.

import { button, el } from "./dom.js";

let numbered = 0;

/** Open a dialog with a title; `build(close)` gives its children. Resolves to what it closed with. */
export function dialog(title, build, { className = "" } = {}) {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const name = `dialog-${(numbered += 1)}`;
    let open = true;
    // At once, and not when the browser gets round to its event: the next key is for the page.
    const close = (value = null) => {
      if (!open) return;
      open = false;
      box.close();
      box.remove();
      if (before?.isConnected) before.focus({ preventScroll: true });
      resolve(value);
    };
    const box = el(
      "dialog",
      { class: className, "aria-labelledby": name },
      el(
        "div",
        { class: "dialog-head" },
        el("h2", { id: name }, title),
        button("Close", () => close(), { class: "plain", key: "Esc" }),
      ),
      build(close),
    );
    box.addEventListener("click", (event) => event.target === box && close());
    box.addEventListener("close", () => close());
    document.body.append(box);
    box.showModal();
    box.querySelector("[data-first]")?.focus();
  });
}

/** Ask for a text of some lines; null where it was called off. */
export function askText(title, { label, value = "", save = "Keep", hint = "" }) {
  return dialog(title, (close) => {
    const field = el("textarea", { id: "ask-text", rows: "4", maxlength: "2000", value, "data-first": true });
    const done = () => close(field.value.trim());
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        done();
      }
    });
    return [
      el("label", { for: "ask-text" }, label),
      field,
      el("p", { class: "hint" }, hint || "Enter keeps it, Shift+Enter begins a new line, Escape leaves."),
      el("div", { class: "row" }, button(save, done, { class: "primary" })),
    ];
  });
}

/** Ask for the name and meaning of a new intent; null where it was called off. */
export function askIntent(name = "") {
  return dialog("New intent", (close) => {
    const field = el("input", {
      id: "intent-name", value: identifier(name), required: true, maxlength: "80",
      autocomplete: "off", spellcheck: "false", "data-first": true,
    });
    const meaning = el("input", { id: "intent-meaning", maxlength: "300", autocomplete: "off" });
    field.addEventListener("change", () => { field.value = identifier(field.value); });
    const form = el(
      "form",
      {},
      el("label", { for: "intent-name" }, "Name"),
      field,
      el("label", { for: "intent-meaning" }, "What people want who say this (optional)"),
      meaning,
      el("p", { class: "hint" }, "Reviewers can choose it at once. It gets into the domain when its examples are exported."),
      el("div", { class: "row" }, el("button", { class: "primary", type: "submit" }, "Propose it")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      close({ name: identifier(field.value), description: meaning.value.trim() });
    });
    return form;
  });
}

/** Make a name as Rasa likes them. */
export function identifier(text) {
  return text.trim().toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}/]+/gu, "_").replace(/^_+|_+$/g, "");
}
