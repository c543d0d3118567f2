// Entities as stretches of a text. Offsets count code points, as the server does, and not the
// UTF-16 units of JavaScript: an emoji is one.

const WORD = /\[[A-Z]+_\d+\]|[\p{L}\p{N}£$€%]+(?:['’.,:@/-][\p{L}\p{N}]+)*|[^\s]/gu;

export const points = (text) => Array.from(text);

/** Give the words of a text as [{start, end}]; a mask is one word. */
export function words(text) {
  return Array.from(text.matchAll(WORD), (match) => {
    const start = points(text.slice(0, match.index)).length;
    return { start, end: start + points(match[0]).length };
  });
}

export const cut = (text, start, end) => points(text).slice(start, end).join("");

/** Give the entities in order with one more; it takes the place of those it touches. */
export function assign(entities, span) {
  const free = entities.filter((other) => other.end <= span.start || other.start >= span.end);
  return [...free, span].sort((a, b) => a.start - b.start);
}

/** Make an entity of a stretch of the text. */
export function entityOf(text, start, end, type) {
  const value = cut(text, start, end);
  return { start, end, entity: type, role: null, group: null, value };
}

/** Give the entity as the server takes it. */
export function plain({ start, end, entity, role, group, value }) {
  return { start, end, entity, role: role ?? null, group: group ?? null, value };
}

export function same(some, others) {
  const line = (entities) => JSON.stringify(entities.map(plain).map(({ value, ...span }) => span));
  return line(some) === line(others);
}

/** Give the first and last word that an entity covers, or null. */
export function wordsOf(entity, list) {
  const first = list.findIndex((word) => word.end > entity.start);
  const last = list.findLastIndex((word) => word.start < entity.end);
  return first < 0 || last < first ? null : [first, last];
}

/**
 * Carry the entities of one text over to a near-duplicate, word by word.
 * Gives null where the texts do not have the same number of words: then nobody knows.
 */
export function carry(entities, from, to) {
  const here = words(from);
  const there = words(to);
  if (entities.length === 0) return [];
  if (here.length !== there.length) return null;
  const carried = [];
  for (const entity of entities) {
    const range = wordsOf(entity, here);
    if (!range || here[range[0]].start !== entity.start || here[range[1]].end !== entity.end) return null;
    const made = entityOf(to, there[range[0]].start, there[range[1]].end, entity.entity);
    carried.push({ ...made, role: entity.role ?? null, group: entity.group ?? null });
  }
  return carried;
}

/** Choose a key for each name: its first letter that is free, else a number. */
export function letters(names, taken = []) {
  const used = new Set(taken);
  return names.map((name, at) => {
    const key = [...name.toLowerCase()].find((c) => /[a-z]/.test(c) && !used.has(c)) ?? String(at + 1);
    used.add(key);
    return key;
  });
}
