// Numbers and times as people read them.

export function percent(share, digits = 0) {
  if (share === null || share === undefined || Number.isNaN(share)) return "–";
  return `${(share * 100).toFixed(digits)}\u00a0%`; // number and sign stay on one line
}

export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return Number(value).toLocaleString("en-GB", { maximumFractionDigits: digits });
}

export function count(n, one, many = `${one}s`) {
  return `${number(n)} ${n === 1 ? one : many}`;
}

export function when(time) {
  if (!time) return "";
  const options = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
  return new Date(time * 1000).toLocaleString("en-GB", options);
}

export function day(name) {
  return new Date(`${name}T12:00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
}

/** Shorten a text for a line that only has to remind of it. */
export function brief(text, length = 48) {
  const points = Array.from(text);
  return points.length > length ? `${points.slice(0, length - 1).join("").trimEnd()}…` : text;
}

/** Give the hash of a view, without what is empty. */
export function link(view, params = {}) {
  const wanted = Object.entries(params).filter(([, value]) => value !== null && value !== undefined && value !== "");
  const query = new URLSearchParams(wanted).toString();
  return `#/${view}${query ? `?${query}` : ""}`;
}

/** Give an address of the API, without what is empty. */
export function path(base, params = {}) {
  const query = link("", params).slice(2);
  return base + query;
}
