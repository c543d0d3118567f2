// How far the work is, and who did what.

import { get } from "../api.js";
import { el, labelName, refill, table } from "../dom.js";
import { count, link, number, percent } from "../format.js";

export const title = "Progress";

export async function open(root, params, app) {
  const data = await get("api/progress");
  app.counts(data);
  const { agreement } = data;
  refill(root,
    el("dl", { class: "figures" },
      figure("Left", number(data.left), data.groups_left !== data.left && `${number(data.groups_left)} with near-duplicates as one`),
      figure("Done", number(data.done)),
      figure("Done today", number(data.done_today)),
      figure("A minute", number(data.per_minute, 1), "while you review"),
      figure("Disputed", el("a", { href: "#/disputed" }, number(data.disputed)))),
    el("section", { class: "panel" }, el("h2", {}, "Next step"),
      data.pending_export > 0
        ? [el("p", {}, `${count(data.pending_export, "annotation is", "annotations are")} not in the training data yet. Bring them in with:`), el("pre", { tabindex: "0", "aria-label": "Command" }, "bot export")]
        : el("p", {}, "All that is decided is in the training data.")),
    el("section", { class: "panel" }, el("h2", {}, "Agreement"), agree(agreement)),
    el("section", { class: "panel" }, el("h2", {}, "Reviewers"),
      table("Reviewers", ["Name", "Done", "Today"], data.reviewers.map(({ name, done, done_today: today }) =>
        [el("a", { href: link("done", { reviewer: name }) }, name), number(done), number(today)]), { hidden: true })),
    el("section", { class: "panel" }, el("h2", {}, "Accepted by intent"),
      table("Accepted by intent", ["Intent", "Accepted"], data.by_label.map(({ label, accepted }) => [labelName(label), number(accepted)]), { hidden: true })));
}

function figure(name, value, more = "") {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value), more && el("dd", { class: "hint" }, more));
}

function agree({ pairs, agreed, share, kappa }) {
  if (!pairs) return el("p", {}, "No message was answered by two reviewers yet.");
  return el("p", {}, `Two reviewers answered ${count(pairs, "message")} and agreed on ${number(agreed)}: ${percent(share, 1)}`,
    Number.isFinite(kappa) && `. Cohen's kappa, which takes chance out of it, is ${number(kappa, 2)}`, ".");
}
