// The page's own buttons, as any page could have them: they use the element's public API.
"use strict";

const chat = () => document.querySelector("bot-chat");

for (const button of document.querySelectorAll("[data-open]")) {
  button.addEventListener("click", () => chat().open());
}

for (const button of document.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => {
    chat().open();
    chat().send(button.dataset.ask);
  });
}
