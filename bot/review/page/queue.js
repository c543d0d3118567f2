// What comes next, fetched before it is asked for, so that an answer is instant.

import { get } from "./api.js";
import { path } from "./format.js";
import { fetchWarnings, question } from "./guards.js";

const AHEAD = 2;
const STALE = 90_000; // below the two minutes of a lease

/** Fetch what belongs to an item: its conversation, and the warnings on its suggestion. */
export async function prepare(item) {
  const label = item.annotation?.label ?? item.suggestion?.label;
  const entities = item.annotation?.entities ?? item.entities;
  const asked = question(item.id, item.text, label, entities);
  const [conversation, warnings] = await Promise.all([
    item.conversation ? get(path(`api/conversations/${item.conversation.id}`, { around: item.id })).catch(() => null) : null,
    label ? fetchWarnings(asked) : [],
  ]);
  return { item, conversation, known: new Map([[JSON.stringify(asked), warnings]]), at: Date.now() };
}

export async function fetchEntry(id) {
  const { item } = await get(`api/items/${id}`);
  return prepare(item);
}

/** The reviewer's own stretch of the queue. */
export class Queue {
  constructor(filter, onCounts) {
    this.filter = filter;
    this.onCounts = onCounts;
    this.ready = [];
    this.mine = new Set(); // on the screen, fetched or answered here: must not come twice
    this.cursor = null;
    this.filling = null;
    this.ended = false;
  }

  /** Give the next entry, or null where nothing is left. */
  async take() {
    if (this.ready.length === 0) {
      this.ended = false;
      await this.fill();
    }
    let entry = this.ready.shift() ?? null;
    if (entry && Date.now() - entry.at > STALE) {
      entry = await this.again(entry);
      if (entry?.item.status !== "open") return this.take();
    }
    this.fill().catch(() => {});
    return entry;
  }

  /** Fetch an entry whose lease may have run out; null where the message is gone. */
  async again(entry) {
    try {
      return await fetchEntry(entry.item.id);
    } catch (error) {
      if (!error.passes) return null;
      this.ready.unshift(entry);
      throw error;
    }
  }

  /** Let an entry come up again, before all others. */
  putBack(entry) {
    this.ready.unshift(entry);
  }

  /** Let an item come up again when the server gives it. */
  forget(id) {
    this.mine.delete(id);
  }

  fill() {
    this.filling ??= this.fetchSome().finally(() => { this.filling = null; });
    return this.filling;
  }

  async fetchSome() {
    let again = this.cursor !== null;
    while (this.ready.length < AHEAD && !this.ended) {
      const data = await get(path("api/next", { filter: this.filter, after: this.cursor }));
      this.onCounts(data);
      const { item } = data;
      const next = item ? data.cursor ?? item.cursor ?? item.id : this.cursor;
      if (item && !this.mine.has(item.id)) {
        this.mine.add(item.id);
        this.cursor = next;
        this.ready.push(await prepare(item));
      } else if (item && next !== this.cursor) {
        this.cursor = next; // answered here, and still on its way to the server
      } else if (again) {
        again = false; // what came into the queue meanwhile stands before the cursor
        this.cursor = null;
      } else {
        this.ended = true;
      }
    }
  }
}

/** Keep a message for this reviewer while it is on the screen. */
export function keepLease(id, lost) {
  const timer = setInterval(async () => {
    if (document.hidden) return;
    const answer = await get(`api/items/${id}`).catch(() => null);
    if (answer && answer.item.status !== "open") lost(answer.item);
  }, 60_000);
  return () => clearInterval(timer);
}
