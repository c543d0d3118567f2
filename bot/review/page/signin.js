// Signing in with a token: from the link that `bot review` prints, or typed.

import { signIn } from "./api.js";
import { el } from "./dom.js";

const NAME = "bot-review-name";

/** Take the token out of the address, so that it stays in no history and no bookmark. */
export function takeToken() {
  const found = /^#token=(.+)$/.exec(location.hash);
  if (!found) return "";
  history.replaceState(null, "", `${location.pathname}${location.search}#/review`);
  return decodeURIComponent(found[1]);
}

/** Show the form until the server has taken a token. */
export function askToSignIn(token = "") {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const told = el("p", { class: "flag", role: "alert", id: "sign-in-told" });
    const field = el("input", { id: "token", type: "password", required: true, autocomplete: "current-password", spellcheck: "false", value: token });
    const name = el("input", { id: "reviewer", autocomplete: "username", maxlength: "80", value: localStorage.getItem(NAME) ?? "" });
    const go = el("button", { class: "primary", type: "submit" }, "Sign in");
    const form = el(
      "form",
      { class: "sign-in" },
      el("h2", { id: "sign-in-title" }, "Sign in"),
      el("p", { class: "hint" }, "The command ", el("code", {}, "bot review"), " prints a link that fills in the token."),
      el("label", { for: "reviewer" }, "Your name, as colleagues know you"),
      name,
      el("label", { for: "token" }, "Token"),
      field,
      told,
      go,
    );
    const box = el("dialog", { id: "sign-in", "aria-labelledby": "sign-in-title" }, form);
    box.addEventListener("cancel", (event) => event.preventDefault());
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      told.textContent = "";
      try {
        const { reviewer } = await signIn(field.value.trim(), name.value.trim());
        localStorage.setItem(NAME, reviewer);
        box.close();
        box.remove();
        if (before?.isConnected) before.focus();
        resolve();
      } catch (error) {
        told.textContent = error.message;
        go.disabled = false;
        field.focus();
      }
    });
    document.body.append(box);
    box.showModal();
    const first = [name, field].find((input) => !input.value) ?? go;
    first.focus();
  });
}

