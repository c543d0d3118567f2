"use strict";
// Sorting, opening what a link leads to, and looking through all messages. Texts of people are
// only ever set as text.

const MOST = 100;
const items = JSON.parse(document.getElementById("items").textContent);

/** Make an element with a class and a text. */
function element(name, kind, text) {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Give what a cell is sorted by. */
function valueOf(row, column) {
  const cell = row.cells[column];
  const value = cell.dataset.value ?? cell.textContent.trim();
  return value !== "" && !Number.isNaN(Number(value)) ? Number(value) : value.toLowerCase();
}

/** Order two values, numbers before words. */
function order(one, other) {
  if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Sort a table by a column; a second time the other way round. */
function sortBy(table, head, column) {
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => order(valueOf(a, column), valueOf(b, column)) * (down ? -1 : 1));
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = element("button", "", head.textContent);
    button.type = "button";
    button.addEventListener("click", () => sortBy(table, head, column));
    head.replaceChildren(button);
  });
}

/** Open what the address names, and bring the keyboard there. */
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.querySelector("summary").focus();
    target.scrollIntoView();
  }
}
addEventListener("hashchange", openTarget);
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#pair-"]');
  if (link && link.hash === location.hash) openTarget(); // the same cell once more
});
openTarget();

const list = document.getElementById("f-list");
const fields = ["text", "intent", "kind"].map((name) => document.getElementById(`f-${name}`));

/** Say whether two models, or a person and a model, mark the same. */
function sameSpans(one, other) {
  const keys = (spans) => spans.map((span) => span.join()).sort().join(";");
  return keys(one) === keys(other);
}

const KINDS = {
  "": () => true,
  wrong: (item) => item.label !== item.intent,
  again: (item) => item.again,
  entities: (item) => !sameSpans(item.spans, item.found),
};

/** Give a text with the entities that a person marked; of two that overlap, the first. */
function marked(item) {
  const said = element("span", "said");
  const letters = [...item.text];
  let done = 0;
  for (const [start, end, entity, role] of [...item.spans].sort((a, b) => a[0] - b[0])) {
    if (start < done) continue;
    said.append(letters.slice(done, start).join(""));
    const mark = element("mark", "", letters.slice(start, end).join(""));
    mark.title = role ? `${entity} ${role}` : entity;
    said.append(mark);
    done = end;
  }
  said.append(letters.slice(done).join(""));
  return said;
}

/** Give one message as an entry of the list. */
function entry(item) {
  const made = element("li");
  const right = item.label === item.intent;
  const verdict = element("span", `verdict ${right ? "right" : "wrong"}`);
  const sure = `${Math.round(item.sure * 100)} %${item.again ? ", asks again" : ""}`;
  verdict.append(element("b", "", "model: "), `${item.label || "nothing"} ${sure}`);
  made.append(marked(item), element("span", "truth", item.intent), verdict);
  if (!sameSpans(item.spans, item.found)) {
    const letters = [...item.text];
    const found = item.found.map(
      ([start, end, entity, role]) =>
        `${role ? `${entity} ${role}` : entity}: ${letters.slice(start, end).join("")}`,
    );
    made.append(element("span", "verdict wrong", `entities: ${found.join(", ") || "none"}`));
  }
  made.append(element("span", "where", item.where));
  return made;
}

/** List the messages that the filters leave. */
function draw() {
  const [text, intent, kind] = fields.map((field) => field.value);
  const wanted = text.trim().toLowerCase();
  const found = items.filter(
    (item) =>
      item.text.toLowerCase().includes(wanted) &&
      (!intent || item.intent === intent || item.label === intent) &&
      KINDS[kind](item),
  );
  list.replaceChildren(...found.slice(0, MOST).map(entry));
  const rest = found.length > MOST ? `, the first ${MOST} shown` : "";
  const noun = found.length === 1 ? "message" : "messages";
  document.getElementById("f-count").textContent = `${found.length} ${noun}${rest}`;
}

if (list) {
  const form = document.querySelector(".filters");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const field of fields) field.addEventListener("input", draw);
  for (const link of document.querySelectorAll("a[data-intent]")) {
    link.addEventListener("click", () => {
      fields[0].value = "";
      fields[1].value = link.dataset.intent;
      fields[2].value = "";
      if (fields[1].value !== link.dataset.intent) fields[1].value = ""; // predicted, never true
      draw();
    });
  }
  draw();
}
