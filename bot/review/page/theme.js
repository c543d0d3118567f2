// Light or dark: as the system says, or as the reviewer chose.

const KEPT = "bot-review-theme";
const WORDS = { auto: "Theme: auto", light: "Theme: light", dark: "Theme: dark" };
const NEXT = { auto: "light", light: "dark", dark: "auto" };

/** Let a button switch the theme. */
export function startTheme(button) {
  let theme = localStorage.getItem(KEPT) in NEXT ? localStorage.getItem(KEPT) : "auto";
  const draw = () => {
    document.documentElement.dataset.theme = theme;
    button.textContent = WORDS[theme];
  };
  button.addEventListener("click", () => {
    theme = NEXT[theme];
    localStorage.setItem(KEPT, theme);
    draw();
  });
  draw();
}
