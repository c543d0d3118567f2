// Sends decisions in their order, and keeps each until the server has it: across failures, a
// reload, and a server that was away. The browser's storage is the queue.

import { post } from "./api.js";

const LONGEST_WAIT = 8000;

/** Events: `sent` {entry, answer}, `refused` {entry, error}, `change`. */
export class Outbox extends EventTarget {
  constructor(reviewer, storage = window.localStorage) {
    super();
    this.prefix = `bot-review:${reviewer}:`;
    this.storage = storage;
    this.failures = 0;
    this.timer = 0;
    this.last = 0;
    this.working = null;
    this.sending = "";
    this.closed = false;
  }

  /** Give the keys of what waits, oldest first. */
  keys() {
    return Object.keys(this.storage).filter((key) => key.startsWith(this.prefix)).sort();
  }

  get waiting() {
    return this.keys().length;
  }

  /** Say whether sending failed and is tried again. */
  get stuck() {
    return this.failures > 0 && this.waiting > 0;
  }

  /** Queue a decision; `about` is what to call it should it be refused. */
  add(path, body, about) {
    this.last = Math.max(Date.now(), this.last + 1);
    const key = `${this.prefix}${String(this.last).padStart(15, "0")}`;
    this.storage.setItem(key, JSON.stringify({ path, body, about }));
    this.announce("change");
    if (!this.stuck) this.send();
    return key;
  }

  /** Take back what was not sent yet; null where it is on its way or gone. */
  takeBack(key) {
    const kept = key === this.sending ? null : this.storage.getItem(key);
    if (kept === null) return null;
    this.storage.removeItem(key);
    this.announce("change");
    return JSON.parse(kept);
  }

  /** Send what waits. Gives a promise that ends when nothing more can be sent now. */
  send() {
    clearTimeout(this.timer);
    if (!this.closed) this.working ??= this.alone(() => this.drain()).finally(() => { this.working = null; });
    return this.working;
  }

  /** Stop sending; what waits stays. */
  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }

  // Two tabs of one reviewer share the queue: one of them sends at a time.
  alone(run) {
    return navigator.locks ? navigator.locks.request(this.prefix, run) : run();
  }

  async drain() {
    let key;
    while (!this.closed && (key = this.keys()[0])) {
      const entry = JSON.parse(this.storage.getItem(key));
      this.sending = key;
      try {
        const answer = await post(entry.path, entry.body);
        this.storage.removeItem(key);
        this.failures = 0;
        this.announce("sent", { key, entry, answer });
      } catch (error) {
        if (error.passes) {
          this.retry();
          return;
        }
        this.storage.removeItem(key);
        this.announce("refused", { key, entry, error });
      } finally {
        this.sending = "";
      }
      this.announce("change");
    }
  }

  retry() {
    this.failures += 1;
    const pause = Math.min(LONGEST_WAIT, 500 * 2 ** (this.failures - 1));
    this.timer = setTimeout(() => this.send(), pause);
    this.announce("change");
  }

  announce(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
