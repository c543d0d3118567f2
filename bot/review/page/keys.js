// Single keys. Off while somebody types, while a dialog is open, and where the reviewer has
// switched them off (WCAG 2.1.4); Enter, Escape and arrows stay, as they are no characters.

const TYPED = "textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox])";
const NATIVE_ENTER = "a[href], button, summary, select, textarea, [role=option]";

let scopes = [];
let on = localStorage.getItem("bot-review-keys") !== "off";

export const keysOn = () => on;

export function switchKeys(value) {
  on = value;
  localStorage.setItem("bot-review-keys", value ? "on" : "off");
  document.documentElement.toggleAttribute("data-no-keys", !value);
}

/**
 * Listen to keys until the scope is closed.
 * bindings: [{key: "a" or ["a", "b"], words, run(event)}]; `when` says whether the scope counts now.
 * raw(event) sees each key first and says whether it took it; exclusive scopes hide those below.
 */
export function listen({ bindings = [], raw = null, exclusive = false, when = () => true }) {
  const scope = { bindings, raw, exclusive, when };
  scopes.push(scope);
  return () => {
    scopes = scopes.filter((other) => other !== scope);
  };
}

/** Give what the keys of the view do, for the cheat sheet. */
export function cheatSheet() {
  return scopes.filter((scope) => scope.when()).flatMap((scope) => scope.bindings).filter((binding) => binding.words);
}

const isCharacter = (key) => Array.from(key).length === 1 && key !== " ";

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("dialog[open]")) return;
  if (event.target.closest?.(TYPED)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (!on && isCharacter(event.key)) return;
  if (event.key === "Enter" && event.target.closest?.(NATIVE_ENTER)) return;
  for (const scope of scopes.filter(({ when }) => when()).reverse()) {
    if (take(scope, event)) {
      event.preventDefault();
      return;
    }
    if (scope.exclusive && event.key !== "?") return;
  }
}

function take(scope, event) {
  if (scope.raw?.(event)) return true;
  const found = scope.bindings.find(({ key }) => [key].flat().includes(event.key));
  if (!found || event.repeat && !found.repeats) return Boolean(found);
  return found.run(event) !== false;
}

window.addEventListener("keydown", onKey);
switchKeys(on);
