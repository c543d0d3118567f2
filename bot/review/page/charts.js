// Small charts. Each stands above a table with the same numbers and the links to the messages.

import { el, svg } from "./dom.js";
import { day as dayName } from "./format.js";

const WIDE = 640;
const HIGH = 160;
const LEFT = 44;
const BOTTOM = 20;

const scale = (most) => (value) => (most ? (value / most) * (HIGH - BOTTOM - 8) : 0);

function frame(words, most, days, marks, show) {
  const lines = [0, 0.5, 1].map((share) => {
    const y = HIGH - BOTTOM - scale(1)(share);
    return [svg("line", { class: "grid", x1: LEFT, x2: WIDE, y1: y, y2: y }), svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, show(most * share))];
  });
  const shown = days.length > 1 ? [days[0], days.at(-1)] : days;
  const ends = shown.map((day, at) => svg("text", { x: at ? WIDE : LEFT, y: HIGH - 4, "text-anchor": at ? "end" : "start" }, dayName(day)));
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": words }, lines, ends, marks);
}

/** Bars a day, the lower part of each in another colour: rows [{day, value, part, href}]. */
export function bars(words, rows, show) {
  const most = Math.max(1, ...rows.map(({ value }) => value));
  const step = (WIDE - LEFT) / Math.max(rows.length, 1);
  const high = scale(most);
  const marks = rows.map(({ day, value, part, href }, at) => {
    const [x, width] = [LEFT + at * step, Math.max(1, Math.min(step * 0.8, 32))];
    const bar = (name, size) => svg("rect", { class: name, x, width, y: HIGH - BOTTOM - high(size), height: high(size) });
    return svg("g", { on: { click: () => { location.hash = href; } } }, svg("title", {}, `${dayName(day)}: ${value}, ${part}`), bar("whole", value), bar("part", part));
  });
  return frame(words, most, rows.map(({ day }) => day), marks, show);
}

/** Lines over days: series [{name, points: [{day, value}]}]; at most four, each with its own dashes. */
export function lines(words, series, show, most = null) {
  const days = [...new Set(series.flatMap(({ points }) => points.map(({ day }) => day)))].sort();
  const top = most ?? (Math.max(...series.flatMap(({ points }) => points.map(({ value }) => value)), 0) || 1);
  const high = scale(top);
  const x = (day) => LEFT + (days.indexOf(day) / Math.max(1, days.length - 1)) * (WIDE - LEFT - 4);
  const y = (value) => HIGH - BOTTOM - high(value);
  const marks = series.slice(0, 4).map(({ points }, at) => [
    svg("polyline", { class: `line line-${at}`, points: points.map(({ day, value }) => `${x(day)},${y(value)}`).join(" ") }),
    points.length < 3 && points.map(({ day, value }) => svg("circle", { class: `dot line-${at}`, cx: x(day), cy: y(value), r: 3 })),
  ]);
  const legend = el("ul", { class: "legend", "aria-hidden": "true" }, series.slice(0, 4).map(({ name }, at) => el("li", {}, sample(at), name)));
  return [frame(words, top, days, marks, show), legend];
}

function sample(at) {
  return svg("svg", { viewBox: "0 0 24 8", width: 24, height: 8 }, svg("line", { class: `line line-${at}`, x1: 0, x2: 24, y1: 4, y2: 4 }));
}
