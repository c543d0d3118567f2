// @ts-check
// The chat widget: `Client` keeps connection and outbox (docs/reference/web-protocol.md), `BotChat`
// draws. What comes from the network becomes text nodes only; addresses pass `safeUrl`.
(() => {
"use strict";

const SCRIPT = /** @type {HTMLScriptElement} */ (document.currentScript);
const PATH = "/webhooks/web";
const PING_EVERY = 25_000;
const ANSWER_WITHIN = 10_000;
const RESEND_AFTER = 60_000;
const SOCKET_TRIES = 3; // so many failures in a row, and REST is tried in turn with the socket
const TURNS_SHOWN = 60; // the older ones are drawn when somebody scrolls up to them
const FULL_SCREEN = matchMedia("(max-width: 480px), (max-height: 480px)"); // as in widget.css
const RTL = /^(ar|fa|he|ps|ur|yi)\b/i;
const FOCUSABLE = "button:not(:disabled), a[href], input, textarea, [tabindex='0']";

const STRINGS = {
  en: {
    title: "Chat",
    open: "Open chat",
    close: "Close chat",
    unread: "{n} unread",
    menu: "Menu",
    placeholder: "Write a message…",
    send: "Send",
    you: "You",
    online: "Online",
    connecting: "Connecting…",
    reconnecting: "Reconnecting…",
    offline: "Offline",
    retry: "Try again",
    waiting: "Waiting to be sent",
    edit: "Edit",
    remove: "Remove",
    typing: "{name} is typing",
    up: "Helpful",
    down: "Not helpful",
    thanks: "Thank you.",
    copy: "Copy conversation",
    download: "Download conversation",
    restart: "Start again",
    copied: "Copied.",
    cancel: "Cancel",
    rate: "Rate this chat",
    rate_ask: "How was this chat?",
    stars: "{n} of 5",
    comment: "What could be better? (optional)",
    end: "End chat",
    clear: "The conversation so far will be removed.",
    earlier: "Earlier messages",
    newer: "New messages",
    image: "Picture from {name}",
    cards: "Cards",
    previous: "Previous",
    next: "Next",
    over: "{n} characters too many",
  },
  de: {
    open: "Chat öffnen",
    close: "Chat schließen",
    unread: "{n} ungelesen",
    menu: "Menü",
    placeholder: "Nachricht schreiben …",
    send: "Senden",
    you: "Sie",
    connecting: "Verbinden …",
    reconnecting: "Neu verbinden …",
    retry: "Erneut versuchen",
    waiting: "Wartet auf Verbindung",
    edit: "Bearbeiten",
    remove: "Entfernen",
    typing: "{name} schreibt",
    up: "Hilfreich",
    down: "Nicht hilfreich",
    thanks: "Danke.",
    copy: "Gespräch kopieren",
    download: "Gespräch herunterladen",
    restart: "Neu beginnen",
    copied: "Kopiert.",
    cancel: "Abbrechen",
    rate: "Chat bewerten",
    rate_ask: "Wie war dieser Chat?",
    stars: "{n} von 5",
    comment: "Was können wir besser machen? (freiwillig)",
    end: "Chat beenden",
    clear: "Das bisherige Gespräch wird entfernt.",
    earlier: "Frühere Nachrichten",
    newer: "Neue Nachrichten",
    image: "Bild von {name}",
    cards: "Karten",
    previous: "Zurück",
    next: "Weiter",
    over: "{n} Zeichen zu viel",
  },
  ar: {
    title: "محادثة",
    open: "فتح المحادثة",
    close: "إغلاق المحادثة",
    unread: "{n} غير مقروءة",
    menu: "القائمة",
    placeholder: "اكتب رسالة…",
    send: "إرسال",
    you: "أنت",
    online: "متصل",
    connecting: "جارٍ الاتصال…",
    reconnecting: "جارٍ إعادة الاتصال…",
    offline: "غير متصل",
    retry: "حاول مجددًا",
    waiting: "بانتظار الإرسال",
    edit: "تعديل",
    remove: "إزالة",
    typing: "{name} يكتب",
    up: "مفيد",
    down: "غير مفيد",
    thanks: "شكرًا لك.",
    copy: "نسخ المحادثة",
    download: "تنزيل المحادثة",
    restart: "البدء من جديد",
    copied: "تم النسخ.",
    cancel: "إلغاء",
    rate: "تقييم المحادثة",
    rate_ask: "كيف كانت هذه المحادثة؟",
    stars: "{n} من 5",
    comment: "ما الذي يمكن تحسينه؟ (اختياري)",
    end: "إنهاء المحادثة",
    clear: "ستُزال المحادثة الحالية.",
    earlier: "رسائل سابقة",
    newer: "رسائل جديدة",
    image: "صورة من {name}",
    cards: "بطاقات",
    previous: "السابق",
    next: "التالي",
    over: "{n} حرفًا زائدًا",
  },
};

const ICONS = {
  chat: "M4 5h16v11H9l-5 4z",
  down: "m6 9 6 6 6-6",
  close: "M6 6l12 12M18 6 6 18",
  menu: "M5 12h0M12 12h0M19 12h0",
  send: "M4 12l16-8-5 16-3-7z",
  thumb: "M7 11v9H4v-9zl4-8c2 0 3 1 2.5 3L13 9h5c2 0 2.5 1 2 3l-1.5 6c-.3 1-1 2-2.5 2H7",
  star: "m12 3 2.8 6 6.2.8-4.6 4.2 1.2 6.3-5.6-3-5.6 3 1.2-6.3L3 9.8 9.2 9z",
};

/** Make an element: h("div.name") has the class and the part `name`. */
function h(kind, attributes = {}, ...children) {
  const [tag, names] = kind.split(".");
  const node = document.createElement(tag);
  if (names) {
    node.className = names;
    node.part = names;
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(Boolean));
  return node;
}

function icon(name) {
  const make = (tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const svg = make("svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon i-${name}`);
  svg.append(make("path"));
  svg.firstChild.setAttribute("d", ICONS[name]);
  return svg;
}

/** As crypto.randomUUID, which plain HTTP lacks. */
function newId(prefix) {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The address, or null unless it is absolute and of one of the schemes. */
function safeUrl(address, schemes = /^(https?|mailto|tel):/) {
  const url = URL.parse(string(address))?.href;
  return url && schemes.test(url) ? url : null;
}

const safeImage = (address) => safeUrl(address, /^(https?:|data:image\/)/);

function link(href, kind, ...children) {
  return h(kind, { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

function parse(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

const list = (value) => (Array.isArray(value) ? value.filter((one) => one instanceof Object) : []);

const string = (value) => (typeof value === "string" ? value : "");

/** Disabled for everybody, but able to keep the focus. */
const dim = (button, off) => button.setAttribute("aria-disabled", off);

const INLINE = new RegExp(
  [
    /\\([\\`*_[\]()#+.!>-])/, // 1 escaped
    /`([^`\n]+)`/, // 2 code
    /\[([^\]\n]+)\]\(([^\s()]+)\)/, // 3, 4 link
    /\*\*(\S(?:[^\n]*?\S)?)\*\*/, // 5 bold
    /\*([^\s*](?:[^\n*]*[^\s*])?)\*/, // 6 italic
    /\b_([^\s_](?:[^\n_]*[^\s_])?)_\b/, // 7 italic
    /(https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?()[\]*_])/, // 8 address
    /(\n)/, // 9 line break
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

/** What nests deeper than anybody means stays as it is written. */
function inline(text, links = true, depth = 0) {
  const nodes = [];
  let end = 0;
  for (const match of depth < 5 ? text.matchAll(INLINE) : []) {
    nodes.push(text.slice(end, match.index), inlineNode(match, links, depth + 1));
    end = match.index + match[0].length;
  }
  return [...nodes, text.slice(end)];
}

function inlineNode(m, links, depth) {
  const [whole, escaped, code, label, address, bold, italic, italic2, url, newline] = m;
  if (escaped) return escaped;
  if (code) return h("code", {}, code);
  if (newline) return h("br");
  if (bold) return h("strong", {}, ...inline(bold, links, depth));
  if (italic || italic2) return h("em", {}, ...inline(italic || italic2, links, depth));
  const href = links && safeUrl(address || url);
  return href ? link(href, "a", ...inline(label || url, false, label ? depth : 9)) : whole;
}

function markdown(text) {
  const result = document.createDocumentFragment();
  const parts = text.split(/((?:^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+.*(?:\n|$))+)/m);
  for (const [place, part] of parts.entries()) {
    result.append(...(place % 2 ? [bullets(part)] : paragraphs(part)));
  }
  return result;
}

function paragraphs(text) {
  const parts = text.split(/\n[ \t]*\n/).map((part) => part.trim());
  return parts.filter(Boolean).map((part) => h("p", {}, ...inline(part)));
}

function bullets(text) {
  const start = /^\s*(\d+)/.exec(text)?.[1];
  const lines = text.trim().split("\n");
  const items = lines.map((line) => line.replace(/^\s*([-*+]|\d+[.)])\s+/, ""));
  return h(start ? "ol" : "ul", { start }, ...items.map((item) => h("li", {}, ...inline(item))));
}

/** localStorage under one prefix; memory where that is blocked or full. */
class Store {
  kept = new Map();

  constructor(prefix) {
    this.prefix = prefix;
  }

  get(name) {
    if (this.kept.has(name)) return this.kept.get(name);
    try {
      return parse(localStorage.getItem(this.prefix + name));
    } catch {
      return null;
    }
  }

  set(name, value) {
    try {
      if (value === null) localStorage.removeItem(this.prefix + name);
      else localStorage.setItem(this.prefix + name, JSON.stringify(value));
      this.kept.delete(name);
    } catch {
      this.kept.set(name, value);
    }
  }
}

/** What is to be sent stays in the outbox, which all tabs share, until the server has it. */
class Client {
  status = "idle";
  fatal = null; // the error after which there is no further attempt
  socket = null;
  rest = false;
  attempt = 0; // numbers the attempts, so that a late answer to an earlier one is known
  failures = 0;
  alive = 0;
  pausedUntil = 0;
  sent = new Map(); // when each id was sent over this connection
  timers = {};

  constructor(base, store, view) {
    this.base = base;
    this.store = store;
    this.view = view;
    this.outbox = list(store.get("outbox"));
  }

  start() {
    if (this.status !== "idle") return;
    this.listeners = new AbortController();
    const options = { signal: this.listeners.signal };
    addEventListener("online", () => this.wake(), options);
    document.addEventListener("visibilitychange", () => this.wake(), options);
    addEventListener("offline", () => this.cut(), options);
    addEventListener("storage", (event) => this.stored(event.key), options);
    this.connect();
  }

  stop() {
    this.listeners?.abort();
    this.drop();
    this.setStatus("idle");
  }

  retry() {
    this.fatal = this.renewed = null;
    if (this.status === "idle") this.start();
    else this.connect();
  }

  later(name, call, delay) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(call, delay);
  }

  setStatus(status) {
    if (status === this.status) return;
    this.status = status;
    this.view.onStatus();
    this.view.emit("status", { status });
  }

  drop() {
    const { socket } = this;
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    this.attempt += 1;
    this.socket = null;
    this.rest = this.posting = false;
    this.sent.clear();
    socket?.close();
    this.view.onTyping(false);
  }

  async connect() {
    this.drop();
    const { attempt, failures } = this;
    this.setStatus(this.welcomed || failures ? "reconnecting" : "connecting");
    this.later("welcome", () => this.lost(), ANSWER_WITHIN);
    try {
      const login = await this.token();
      if (attempt !== this.attempt) return;
      // A proxy that lets no WebSocket through looks like a server that is down: try both.
      const rest = failures >= SOCKET_TRIES && (failures - SOCKET_TRIES) % 2 === 0;
      if (rest) await this.openRest(attempt, login);
      else this.openSocket(login);
    } catch {
      if (attempt === this.attempt) this.lost();
    }
  }

  async token() {
    const { login } = this.view;
    return (typeof login === "function" ? await login() : login) || undefined;
  }

  openSocket(login) {
    const socket = new WebSocket(this.base.replace("http", "ws") + "/ws");
    const session = this.store.get("session")?.token;
    this.socket = socket;
    socket.onopen = () => this.write({ type: "hello", protocol: 1, session, login });
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.alive = Date.now();
      this.receive(parse(event.data));
    };
    socket.onclose = (event) => socket === this.socket && this.lost(event.code);
  }

  write(frame) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  /** The connection is gone, or never came: try again, later each time. */
  lost(code = 0) {
    this.drop();
    if (code === 4403) this.fatal ??= { code: "origin_refused" };
    if (this.fatal && !this.renewLogin()) return this.setStatus("offline");
    const delay = Math.min(30_000, 1000 * 2 ** this.failures) * (0.5 + Math.random() / 2);
    const least = code === 4429 ? 15_000 : this.pausedUntil - Date.now();
    this.failures += 1;
    this.setStatus(this.failures > SOCKET_TRIES ? "offline" : "reconnecting");
    this.later("connect", () => this.connect(), Math.max(delay, least));
  }

  /** A login may merely be too old: ask the page for another, once. */
  renewLogin() {
    if (this.fatal.code !== "bad_login" || this.renewed || !this.view.login?.call) return false;
    this.renewed = true;
    this.fatal = null;
    return true;
  }

  wake() {
    if (document.hidden || this.fatal) return;
    if (this.status === "online") {
      if (Date.now() - this.alive > PING_EVERY) this.ping();
    } else if (!this.socket) this.connect();
  }

  /** The network is gone, which a socket notices only much later. */
  cut() {
    this.lost();
    this.setStatus("offline");
  }

  ping() {
    if (this.rest) return this.poll();
    this.write({ type: "ping" });
    this.later("pong", () => this.lost(), ANSWER_WITHIN);
    this.later("ping", () => this.ping(), PING_EVERY);
    // No answer for so long: send again, which is safe.
    for (const [id, time] of this.sent) if (Date.now() - time > RESEND_AFTER) this.sent.delete(id);
    this.flush();
  }

  receive(frame) {
    clearTimeout(this.timers.pong);
    const { type, id } = frame ?? {};
    if (type === "welcome") this.welcome(frame);
    else if (type === "turn") {
      if (id) this.take(id);
      this.view.onTurn(frame);
    } else if (type === "saved") this.view.onSaved(frame, this.take(id));
    else if (type === "typing") this.view.onTyping(frame.on);
    else if (type === "error") this.refused(frame);
  }

  welcome(frame) {
    clearTimeout(this.timers.welcome);
    const again = this.welcomed && !frame.new;
    this.failures = 0;
    this.welcomed = true;
    this.renewed = null;
    // Tokens change all the time; the epoch says that the conversation is another.
    this.epoch = (!frame.new && this.store.get("session")?.epoch) || newId("e-");
    this.store.set("session", { token: frame.session, epoch: this.epoch });
    for (const turn of list(frame.history)) this.take(turn.id);
    this.view.onWelcome(frame, again);
    this.setStatus("online");
    this.later("ping", () => this.ping(), PING_EVERY);
    this.flush();
  }

  refused(frame) {
    const item = this.find(frame.id);
    if (frame.code === "bad_session") {
      this.store.set("session", null);
      this.connect();
    } else if (/^(bad_login|origin_refused)$/.test(frame.code)) {
      this.fatal = frame;
      if (!this.socket) this.lost();
    } else if (frame.retry) this.pause(frame);
    else if (item?.frame.type === "message") {
      item.error = frame;
      this.setOutbox(this.outbox);
    } else this.take(frame.id);
    this.view.onRefused(frame, item);
  }

  pause({ id, retry_after: seconds = 3 }) {
    if (id) this.sent.delete(id);
    else this.sent.clear();
    this.pausedUntil = Math.max(this.pausedUntil, Date.now() + seconds * 1000);
    this.flush();
  }

  find(id) {
    return this.outbox.find((item) => item.frame.id === id);
  }

  setOutbox(items) {
    this.outbox = items;
    this.store.set("outbox", items.length ? items : null);
    this.view.drawPending();
  }

  take(id) {
    const item = this.find(id);
    this.sent.delete(id);
    if (item) this.setOutbox(this.latest().filter((one) => one.frame.id !== id));
    return item;
  }

  latest() {
    return list(this.store.get("outbox"));
  }

  add(frame, title = "") {
    this.setOutbox([...this.latest(), { frame, title, time: Date.now() / 1000 }]);
    if (this.status === "idle") this.start();
    else this.flush();
  }

  flush() {
    if (this.status !== "online" || this.posting) return;
    const wait = this.pausedUntil - Date.now();
    if (wait > 0) this.later("flush", () => this.flush(), wait + 10);
    for (const item of wait > 0 ? [] : this.outbox) {
      const { id } = item.frame;
      if (item.error || this.sent.has(id)) continue;
      this.sent.set(id, Date.now());
      if (this.rest) {
        this.post(item.frame);
        break;
      }
      this.write(item.frame);
    }
    this.view.drawPending();
  }

  stored(key) {
    if (key === this.store.prefix + "outbox") {
      const known = this.outbox;
      this.outbox = this.latest();
      // The other tab sends what it added; this one only what never gets an answer.
      for (const { frame } of this.outbox) {
        if (!known.some((item) => item.frame.id === frame.id)) this.sent.set(frame.id, Date.now());
      }
      this.view.drawPending();
    } else if (key === this.store.prefix + "session" && this.welcomed) {
      if (this.store.get("session")?.epoch !== this.epoch) this.connect();
    }
  }

  renewEpoch() {
    const session = this.store.get("session");
    this.epoch = newId("e-");
    if (session) this.store.set("session", { ...session, epoch: this.epoch });
  }

  // REST, where no WebSocket gets through

  async openRest(attempt, login) {
    let frame = this.store.get("session") && (await this.call("history"));
    if (!frame || frame.code === "bad_session") {
      this.store.set("session", null);
      frame = await this.call("sessions", login ? { login } : {});
    }
    if (attempt !== this.attempt) return;
    this.rest = frame.type === "welcome";
    this.receive(frame);
    if (!this.rest && attempt === this.attempt) this.lost();
  }

  async call(path, body = null) {
    const headers = { "Content-Type": "application/json" };
    const session = this.store.get("session")?.token;
    const login = await this.token();
    if (session) headers.Authorization = `Bearer ${session}`;
    if (login) headers["X-Login"] = login;
    const method = body ? "POST" : "GET";
    const signal = AbortSignal.timeout(RESEND_AFTER);
    const options = { method, headers, signal, body: body && JSON.stringify(body) };
    return (await fetch(`${this.base}/${path}`, options)).json();
  }

  async post({ type, ...body }) {
    const message = type === "message";
    this.posting = true;
    this.view.onTyping(message);
    await this.exchange(message ? "messages" : type, body);
    if (!this.posting) return;
    this.posting = false;
    this.flush();
  }

  /** Without a socket the server cannot speak first: ask it. */
  async poll() {
    if (!document.hidden) await this.exchange("history");
    if (this.rest) this.later("ping", () => this.ping(), PING_EVERY);
  }

  async exchange(path, body = null) {
    const { attempt } = this;
    try {
      const frame = await this.call(path, body);
      if (attempt !== this.attempt) return;
      this.view.onTyping(false);
      this.receive({ id: body?.id, ...frame });
    } catch {
      if (attempt === this.attempt) this.lost();
    }
  }
}

/** Events and attributes: docs/how-to/embed-the-widget.md. */
class BotChat extends HTMLElement {
  static observedAttributes = `open title subtitle avatar greeting lang dir placeholder position
    color-scheme rating feedback starters`.split(/\s+/);

  ui = /** @type {any} */ ({}); // the elements that are needed again, by name
  turns = /** @type {any[]} */ ([]);
  known = new Set(); // ids of turns and replies
  fresh = []; // replies since the person last said something: their buttons work
  pending = new Map(); // drawn messages of the outbox, by id
  isOpen = false;
  limit = Infinity;
  own = /** @type {any} */ ({}); // what was set as a property

  connectedCallback() {
    if (this.client) return this.client.start();
    for (const name of ["login", "strings", "metadata"]) {
      // A property that was set before the element was defined hides ours.
      const value = Object.hasOwn(this, name) && this[name];
      delete this[name];
      if (value) this[name] = value;
    }
    const base = serverOf(this.getAttribute("server"));
    this.store = new Store(`bot-chat:${base}:`);
    this.client = new Client(base, this.store, this);
    const { seen = 0, unread = 0, open = this.hasAttribute("open") } = this.store.get("ui") ?? {};
    Object.assign(this, { seen, unreadCount: unread });
    this.load();
    this.build();
    FULL_SCREEN.addEventListener("change", () => this.fit());
    visualViewport.addEventListener("resize", () => this.fit());
    visualViewport.addEventListener("scroll", () => this.fit());
    addEventListener("popstate", () => this.drawStart());
    addEventListener("hashchange", () => this.drawStart());
    addEventListener("storage", (event) => this.stored(event));
    // A full screen would hide the page that somebody just went to.
    if (open && !FULL_SCREEN.matches) this.show();
    // Who never opened the chat is not connected.
    if (this.store.get("session") || this.client.outbox.length) this.client.start();
    this.emit("ready");
  }

  disconnectedCallback() {
    this.close();
    this.client.stop();
  }

  attributeChangedCallback(name, _old, value) {
    if (name === "title" && value !== null) {
      // As an attribute it is also a tooltip over the whole chat.
      this.heading = value;
      this.removeAttribute(name);
    } else if (name === "open") {
      if (this.client && (value !== null) !== this.isOpen) this.toggle();
    } else if (this.client) this.build();
  }

// public API

  /** Open the window and put the focus into the message field. */
  open() {
    if (!this.isOpen) this.show();
    this.ui.input.focus();
  }

  /** Close the window; the focus goes back to the launcher if it was inside. */
  close() {
    if (!this.isOpen) return;
    const inside = this.shadowRoot.activeElement;
    this.closeSheet();
    this.setOpen(false);
    if (inside) this.ui.launcher.focus();
  }

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  }

  /**
   * Say something as the visitor; without a connection it is sent later.
   * @param {string} text
   * @returns {string} the id of the message; empty if the text is
   */
  send(text) {
    return String(text).trim() && this.say({ text: String(text).trim() });
  }

  /**
   * Send a payload, as a button does.
   * @param {string} payload
   * @param {string} [title] what the conversation shows
   * @returns {string} the id of the message
   */
  sendPayload(payload, title = payload) {
    return this.say({ payload: String(payload) }, String(title));
  }

  /** Forget the conversation so far and begin anew, without asking. */
  restart() {
    this.client.setOutbox([]);
    this.client.add({ type: "restart", id: newId("s-") });
  }

  /** @returns {string} idle, connecting, online, reconnecting or offline */
  get status() {
    return this.client?.status ?? "idle";
  }

  /** @returns {number} how many replies came while the window was closed */
  get unread() {
    return this.unreadCount ?? 0;
  }

  /** @returns {object} what messages carry */
  get metadata() {
    return this.own.metadata ?? parse(this.getAttribute("metadata")) ?? {};
  }

  set metadata(value) {
    this.own.metadata = value;
  }

  /** @returns {any} the site's JWT, or a function that gives or promises it */
  get login() {
    return this.own.login;
  }

  set login(value) {
    this.own.login = value;
    if (this.client && this.status !== "idle") this.client.retry();
  }

  /** @returns {Record<string, string>} the words of the widget */
  get strings() {
    const language = STRINGS[this.language.split("-")[0].toLowerCase()];
    return { ...STRINGS.en, ...language, ...this.own.strings };
  }

  set strings(value) {
    this.own.strings = value;
    if (this.client) this.build();
  }

  t(key, values = {}) {
    return this.words[key].replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  }

  get language() {
    return this.getAttribute("lang") || document.documentElement.lang || navigator.language;
  }

  get locale() {
    try {
      return Intl.getCanonicalLocales(this.language)[0];
    } catch {
      return undefined;
    }
  }

  emit(name, detail = {}) {
    const options = { detail, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent(`bot-chat:${name}`, options));
  }

  has(name) {
    return !/^(off|false|no|0)$/.test(this.getAttribute(name) ?? "");
  }

  save(changes) {
    this.store.set("ui", { ...this.store.get("ui"), ...changes });
  }

  textButton(label, onclick, kind = "button.text-button") {
    return h(kind, { type: "button", onclick }, this.t(label));
  }

  iconButton(symbol, label, onclick, kind = "button.icon-button") {
    return h(kind, { type: "button", onclick, "aria-label": this.t(label) }, icon(symbol));
  }

  textarea(attributes) {
    return h("textarea.input", { rows: 1, ...attributes });
  }

  quiet(text) {
    return h("span.quiet", {}, text);
  }

  /** Load the style sheet; nothing is shown before it is there. */
  load() {
    const href = new URL("widget.css", SCRIPT?.src || `${this.client.base}/`).href;
    const show = () => {
      root.hidden = false;
      this.toEnd();
    };
    const root = h("div.root", { hidden: true });
    const sheet = h("link", { rel: "stylesheet", href, onload: show, onerror: show });
    this.attachShadow({ mode: "open" }).append(sheet, root);
    this.ui.root = root;
  }

  build() {
    const { root } = this.ui;
    const direction = getComputedStyle(document.documentElement).direction;
    this.ui = { root };
    this.words = this.strings;
    this.name = this.heading || this.t("title");
    root.lang = this.language;
    root.dir = this.getAttribute("dir") || (RTL.test(this.language) ? "rtl" : direction);
    // Apart from the conversation, so that the history is never read out.
    const live = { role: "log", "aria-live": "polite", "aria-label": this.t("newer") };
    this.ui.announcer = h("div.quiet", live);
    root.replaceChildren(this.buildPanel(), this.buildLauncher(), this.ui.announcer);
    this.look();
    this.drawAll();
    this.onStatus();
    this.onInput(false);
    this.fit();
  }

  buildLauncher() {
    const onclick = () => this.toggle();
    this.ui.badge = h("span.badge", { "aria-hidden": "true" });
    this.ui.launcher = h(
      "button.launcher",
      { type: "button", "aria-haspopup": "dialog", onclick },
      icon("chat"),
      icon("down"),
      this.ui.badge,
    );
    return this.ui.launcher;
  }

  buildPanel() {
    const onkeydown = (event) => this.onKey(event);
    const parts = [this.buildHeader(), this.buildBanner(), this.buildBody(), this.buildComposer()];
    const attributes = { role: "dialog", "aria-labelledby": "name", onkeydown };
    this.ui.parts = parts;
    this.ui.panel = h("section.panel", { hidden: !this.isOpen, ...attributes }, ...parts);
    return this.ui.panel;
  }

  buildHeader() {
    const avatar = this.getAttribute("avatar");
    const picture = avatar && safeImage(URL.parse(avatar, document.baseURI)?.href);
    const face = picture ? h("img", { src: picture, alt: "" }) : Array.from(this.name)[0];
    const subtitle = this.getAttribute("subtitle");
    this.ui.menu = this.iconButton("menu", "menu", () => this.openMenu());
    this.ui.menu.ariaHasPopup = "dialog";
    this.ui.state = h("span");
    const about = subtitle && h("span", {}, subtitle);
    const status = h("p.status", {}, h("span.dot"), this.ui.state, about);
    return h(
      "div.header",
      {},
      h("div.avatar", { "aria-hidden": "true" }, face),
      h("div.names", {}, h("h2.title", { id: "name", dir: "auto" }, this.name), status),
      this.ui.menu,
      this.iconButton("close", "close", () => this.close()),
    );
  }

  buildBanner() {
    this.ui.statusText = h("p", { role: "status" });
    this.ui.retry = this.textButton("retry", () => this.client.retry());
    this.ui.banner = h("div.banner", {}, this.ui.statusText, this.ui.retry);
    return this.ui.banner;
  }

  buildBody() {
    const ui = this.ui;
    const ticks = [1, 2, 3].map(() => h("span.tick"));
    ui.earlier = this.textButton("earlier", () => this.showEarlier(), "button.earlier");
    ui.log = h("ol.list");
    ui.typing = h("div.typing", { hidden: true }, this.quiet(this.t("typing", this)), ...ticks);
    ui.newer = this.textButton("newer", () => this.toEnd(), "button.newer");
    ui.newer.hidden = true;
    ui.scroller = h(
      "div.messages",
      { role: "region", tabindex: 0, "aria-label": this.name, onscroll: () => this.onScroll() },
      ui.earlier,
      ui.log,
      ui.typing,
    );
    return h("div.body", {}, ui.scroller, ui.newer);
  }

  buildComposer() {
    const ui = this.ui;
    ui.counter = h("p.counter", { role: "status" });
    ui.input = this.textarea({
      enterkeyhint: "send",
      placeholder: this.getAttribute("placeholder") || this.t("placeholder"),
      "aria-label": this.t("placeholder"),
      oninput: () => this.onInput(),
      onkeydown: (event) => {
        // While a word is composed, as in Chinese, Enter ends the word.
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        this.submit();
      },
    });
    ui.input.value = string(this.store.get("ui")?.draft);
    ui.send = this.iconButton("send", "send", () => this.submit(), "button.icon-button send");
    return h("div.composer", {}, ui.counter, h("div.field", {}, ui.input, ui.send));
  }

  setOpen(open) {
    this.isOpen = open;
    this.toggleAttribute("open", open);
    this.ui.panel.hidden = !open;
    this.save({ open });
    this.markRead();
    this.fit();
    this.emit(open ? "open" : "close");
  }

  show() {
    this.setOpen(true);
    this.drawStart();
    this.onInput(false);
    this.toEnd();
    this.client.start();
  }

  look() {
    const { root, launcher, badge } = this.ui;
    const count = this.isOpen ? 0 : this.unread;
    const label = this.t(this.isOpen ? "close" : "open");
    root.className = `root ${this.getAttribute("color-scheme")} ${this.getAttribute("position")}`;
    root.classList.toggle("open", this.isOpen);
    root.classList.toggle("no-feedback", Boolean(this.noFeedback) || !this.has("feedback"));
    badge.hidden = !count;
    badge.textContent = count > 99 ? "99+" : count;
    launcher.ariaLabel = count ? `${label}, ${this.t("unread", { n: count })}` : label;
    launcher.ariaExpanded = String(this.isOpen);
  }

  fit() {
    const { panel } = this.ui;
    const { style } = document.documentElement;
    const full = this.isOpen && FULL_SCREEN.matches;
    const { height, offsetTop, scale } = visualViewport;
    panel.ariaModal = String(full);
    // A view that is zoomed in is smaller too, and must not squeeze the chat.
    if (scale === 1) {
      panel.style.setProperty("--view-height", `${height}px`);
      panel.style.setProperty("--view-top", `${offsetTop}px`);
    }
    if (full !== Boolean(this.locked)) style.setProperty("overflow", full ? "hidden" : "");
    this.locked = full;
    if (this.isOpen && this.nearEnd()) this.toEnd();
  }

  onKey(event) {
    const { sheet, panel } = this.ui;
    if (event.key === "Escape" && !event.isComposing) {
      event.stopPropagation();
      if (sheet) this.closeSheet();
      else this.close();
    } else if (event.key === "Tab") {
      if (sheet || FULL_SCREEN.matches) this.trap(event, sheet || panel);
    }
  }

  trap(event, within) {
    const nodes = [...within.querySelectorAll(FOCUSABLE)].filter((node) => node.checkVisibility());
    if (event.shiftKey) nodes.reverse();
    const active = this.shadowRoot.activeElement;
    if (active !== nodes.at(-1) && within.contains(active)) return;
    event.preventDefault();
    nodes[0]?.focus();
  }

  markRead() {
    const times = this.turns.flatMap((turn) => turn.replies.map((reply) => reply.time || 0));
    if (this.isOpen) for (const time of times) this.seen = Math.max(this.seen, time);
    this.unreadCount = times.filter((time) => time > this.seen).length;
    this.save({ seen: this.seen, unread: this.unreadCount });
    this.look();
  }

  stored({ key, newValue }) {
    const seen = key === `${this.store.prefix}ui` ? parse(newValue)?.seen : 0;
    if (!(seen > this.seen)) return;
    this.seen = seen;
    this.markRead();
  }

  onStatus() {
    const { root, banner, state, statusText, retry } = this.ui;
    const { status, fatal } = this.client;
    const words = status === "idle" ? "" : this.t(status);
    const offline = status === "offline";
    root.dataset.status = status;
    state.textContent = words;
    statusText.textContent = offline ? fatal?.message || words : words;
    banner.classList.toggle("quiet", !offline && status !== "reconnecting");
    retry.hidden = !offline;
    this.drawPending();
  }

  /** `again`: it is the conversation that was shown before. */
  onWelcome(frame, again) {
    const history = list(frame.history).map((turn) => ({ ...turn, replies: list(turn.replies) }));
    const ids = new Set(history.flatMap(idsOf));
    this.limit = frame.limits?.message_characters ?? Infinity;
    this.stars = frame.rating;
    if (again && [...this.known].every((id) => ids.has(id))) {
      for (const turn of history) this.addTurn(turn);
    } else {
      this.turns = history;
      this.known = ids;
      this.drawAll();
    }
    this.markRead();
  }

  onTurn(frame) {
    this.onTyping(false);
    this.addTurn({ ...frame, replies: list(frame.replies) });
    this.markRead();
  }

  addTurn(turn) {
    const id = this.known.has(turn.id) ? null : turn.id;
    const replies = turn.replies.filter((reply) => !this.known.has(reply.id));
    if (id === null && !replies.length) return;
    for (const one of idsOf(turn)) this.known.add(one);
    this.turns.push({ ...turn, id, replies });
    this.drawTurn(this.turns.at(-1));
    this.drawPending();
    this.announce(replies);
    for (const reply of replies) this.emit("reply", reply);
  }

  plain(reply) {
    const node = this.replyNode(reply);
    const parts = node.querySelectorAll("p, .bubble li, .attachment, .chip, .image");
    return Array.from(parts, (part) => part.alt ?? part.textContent).join(" ");
  }

  announce(replies) {
    const text = replies.map((reply) => this.plain(reply)).join(" ");
    const node = h("p", { dir: "auto" }, text && `${this.name}: ${text}`);
    this.ui.announcer.append(node);
    // It is read out by then, and nobody shall meet it twice.
    setTimeout(() => node.remove(), 10_000);
  }

  onTyping(on) {
    const near = this.nearEnd();
    this.ui.typing.hidden = !on;
    if (on && near) this.toEnd();
  }

  onSaved(frame, item) {
    const sent = item?.frame ?? frame;
    if (frame.of === "restart" || sent.type === "restart") this.beginAnew();
    else this.emit(sent.type, sent);
  }

  beginAnew() {
    this.client.renewEpoch();
    this.turns = [];
    this.known.clear();
    this.stars = undefined;
    this.drawAll();
    this.markRead();
  }

  onRefused(frame, item) {
    const { type, reply } = item?.frame ?? {};
    if (type === "feedback" && !frame.retry) {
      this.noFeedback = frame.code === "not_supported";
      this.setThumb(reply, undefined);
      this.look();
    }
    if (type && type !== "message" && !frame.retry) this.tell(frame.message);
    this.onStatus();
    this.emit("error", frame);
  }

  tell(text) {
    const toast = h("p.toast", { role: "status" });
    this.ui.panel.append(toast);
    // A live region is heeded only if it was there before its text.
    setTimeout(() => toast.append(text), 50);
    setTimeout(() => toast.remove(), 4000);
  }

  drawAll(from = Math.max(0, this.turns.length - TURNS_SHOWN)) {
    const { log, earlier } = this.ui;
    this.fresh = [];
    this.pending.clear();
    this.day = "";
    earlier.hidden = !from;
    const start = from ? [] : this.startNodes();
    const nodes = this.turns.slice(from).flatMap((turn) => this.turnNodes(turn));
    log.replaceChildren(...start, ...nodes);
    this.drawPending();
    this.toEnd();
  }

  showEarlier() {
    const { scroller } = this.ui;
    const below = scroller.scrollHeight - scroller.scrollTop;
    this.drawAll(0);
    scroller.scrollTop = scroller.scrollHeight - below;
    scroller.focus(); // the pressed button is gone
  }

  drawTurn(turn) {
    const near = this.nearEnd();
    const [first] = this.pending.values();
    for (const node of this.turnNodes(turn)) this.ui.log.insertBefore(node, first ?? null);
    if (near) this.toEnd();
    else this.ui.newer.hidden = false;
  }

  /** The page's address may be another now, and so the starter. */
  drawStart() {
    if (!this.turns.length) this.drawAll();
  }

  startNodes() {
    const inside = this.querySelector('script[type="application/json"]')?.textContent;
    const starters = list(parse(this.getAttribute("starters") || inside));
    const starter = !this.turns.length && starters.find(({ path }) => matches(string(path) || "*"));
    const text = string(starter?.text) || this.getAttribute("greeting");
    const node = h("li.message bot start", {}, text && this.bubble(markdown(text)));
    const buttons = list(starter?.buttons).map((one) => ({ text: one.title, ...one }));
    node.append(...this.chips(buttons, "quick"));
    if (buttons.length) this.fresh.push(node);
    return node.hasChildNodes() ? [node] : [];
  }

  bubble(...content) {
    return h("div.bubble", { dir: "auto" }, ...content);
  }

  turnNodes({ id, text, time, replies }) {
    const nodes = [];
    if (id !== null && string(text)) {
      for (const node of this.fresh) settle(node);
      this.fresh = [];
      nodes.push(...this.dayNodes(time), this.userNode(text, time));
    }
    for (const reply of replies) {
      nodes.push(...this.dayNodes(reply.time), this.replyNode(reply));
      this.fresh.push(nodes.at(-1));
    }
    return nodes;
  }

  dayNodes(time) {
    const date = new Date(time * 1000);
    const day = date.toDateString();
    if (!time || day === this.day) return [];
    this.day = day;
    const days = Math.round((Date.parse(day) - Date.parse(new Date().toDateString())) / 86_400_000);
    const near = new Intl.RelativeTimeFormat(this.locale, { numeric: "auto" });
    const far = date.toLocaleDateString(this.locale, { dateStyle: "full" });
    return [h("li.day", {}, days < -1 ? far : near.format(days, "day"))];
  }

  timeNode(time) {
    const date = new Date(time * 1000);
    const text = date.toLocaleTimeString(this.locale, { timeStyle: "short" });
    return h("time", { datetime: date.toISOString() }, text);
  }

  userNode(text, time) {
    const meta = h("div.meta", {}, time && this.timeNode(time));
    return h("li.message user", {}, this.quiet(`${this.t("you")}:`), this.bubble(text), meta);
  }

  replyNode(reply) {
    const text = string(reply.text);
    return h(
      "li.message bot",
      { "data-reply": reply.id },
      this.quiet(`${this.name}:`),
      text && this.bubble(markdown(text)),
      ...this.imageNodes(reply),
      ...this.attachmentNodes(reply),
      ...this.cardNodes(reply),
      ...this.chips(reply.buttons, "buttons"),
      ...this.chips(reply.quick_replies, "quick"),
      this.metaNode(reply),
    );
  }

  imageNodes({ image, custom }) {
    const src = safeImage(image);
    const alt = string(custom?.alt) || this.t("image", this);
    const onload = () => this.nearEnd(400) && this.toEnd();
    const onerror = () => node.replaceWith(this.bubble(alt));
    const node = h("img.image", { src, alt, onload, onerror });
    return src ? [node] : [];
  }

  attachmentNodes({ attachment }) {
    const href = safeUrl(attachment, /^https?:/);
    const file = href?.split(/[?#]/)[0].split("/").slice(3).pop();
    return href ? [link(href, "a.attachment", file || href)] : [];
  }

  chips(buttons, place) {
    const chips = list(buttons).map((button) => string(button.title) && this.chip(button));
    return chips.some(Boolean) ? [h(`div.${place}`, {}, ...chips)] : [];
  }

  chip({ title, text, payload, url }) {
    const href = !payload && safeUrl(url);
    if (href) return link(href, "a.chip", title);
    const onclick = () => {
      if (payload) this.sendPayload(payload, title);
      else this.send(text);
      this.ui.input.focus({ preventScroll: true }); // the pressed button is disabled or gone now
    };
    return (payload || text) && h("button.chip", { type: "button", dir: "auto", onclick }, title);
  }

  cardNodes(reply) {
    const cards = list(reply.cards).map((card) => this.cardNode(card));
    if (!cards.length) return [];
    const attributes = { tabindex: 0, role: "list", "aria-label": this.t("cards") };
    const track = h("ul.track", attributes, ...cards);
    if (!cards[1]) return [track];
    const step = (sign) => () => {
      const left = cards[0].offsetWidth * sign * (this.ui.root.dir === "rtl" ? -1 : 1);
      track.scrollBy({ left });
    };
    const before = this.iconButton("down", "previous", step(-1), "button.icon-button before");
    const after = this.iconButton("down", "next", step(1), "button.icon-button after");
    track.onscroll = () => {
      const at = Math.abs(track.scrollLeft);
      dim(before, at < 4);
      dim(after, at + track.clientWidth > track.scrollWidth - 4);
    };
    dim(before, true);
    return [track, h("div.steps", {}, before, after)];
  }

  cardNode({ title, subtitle, image, url, actions }) {
    const src = safeImage(image);
    const href = safeUrl(url);
    return h(
      "li.card",
      { dir: "auto" },
      src && h("img", { src, alt: "" }),
      h("p.card-title", {}, href ? link(href, "a", string(title)) : string(title)),
      h("p.card-text", {}, string(subtitle)),
      ...this.chips(actions, "actions"),
    );
  }

  metaNode(reply) {
    const thumb = (value) => {
      const button = this.iconButton("thumb", value, () => this.pressThumb(reply, value));
      button.ariaPressed = String(reply.feedback === value);
      button.dataset.thumb = value;
      return button;
    };
    const thumbs = h("span.thumbs", {}, thumb("up"), thumb("down"));
    return h("div.meta", {}, reply.time && this.timeNode(reply.time), thumbs);
  }

  drawPending() {
    const messages = this.client.outbox.filter(({ frame }) => frame.type === "message");
    for (const [id, node] of this.pending) {
      if (messages.some(({ frame }) => frame.id === id)) continue;
      node.remove();
      this.pending.delete(id);
    }
    for (const item of messages) this.drawWaiting(item);
    const busy = messages.some((item) => !item.error);
    for (const node of this.fresh) {
      for (const chip of node.querySelectorAll("button.chip")) chip.disabled = busy;
      node.querySelector(".quick")?.toggleAttribute("hidden", busy);
    }
  }

  drawWaiting({ frame, title, time, error }) {
    const { id, text } = frame;
    const node = this.pending.get(id) ?? this.userNode(text ?? title, time);
    const state = error ? "failed" : this.client.sent.has(id) ? "sent" : "waiting";
    if (!this.pending.has(id)) this.ui.log.append(node);
    this.pending.set(id, node);
    if (node.dataset.state === state) return;
    node.dataset.state = state;
    const words = error ? error.message : state === "waiting" && this.t(state);
    const note = h("span.note", { role: error && "alert" }, words);
    node.lastChild.replaceChildren(note, ...(error ? this.mendButtons(id, text) : []));
  }

  mendButtons(id, text) {
    const { input } = this.ui;
    const remove = () => {
      this.client.take(id);
      input.focus();
    };
    const edit = () => {
      input.value = `${text}\n${input.value}`.trim();
      remove();
      this.onInput();
    };
    const buttons = [this.textButton("edit", edit), this.textButton("remove", remove)];
    return text ? buttons : [buttons[1]];
  }

  nearEnd(margin = 120) {
    const { scrollHeight, scrollTop, clientHeight } = this.ui.scroller;
    return scrollHeight - scrollTop - clientHeight < margin;
  }

  toEnd() {
    const { scroller, newer } = this.ui;
    scroller.scrollTop = scroller.scrollHeight;
    newer.hidden = true;
  }

  onScroll() {
    if (this.nearEnd()) this.ui.newer.hidden = true;
  }

  onInput(save = true) {
    const { input, counter, send } = this.ui;
    const length = [...input.value.trim()].length;
    const over = length - this.limit;
    input.style.height = "auto";
    if (input.scrollHeight) input.style.height = `${Math.min(input.scrollHeight + 2, 140)}px`;
    counter.textContent = over > 0 ? this.t("over", { n: over }) : "";
    input.setAttribute("aria-invalid", over > 0);
    dim(send, !length || over > 0);
    if (save) this.save({ draft: input.value });
  }

  submit() {
    const { input, send } = this.ui;
    if (send.ariaDisabled === "true") return;
    const text = input.value;
    input.value = "";
    this.onInput();
    this.send(text);
    input.focus();
  }

  say(content, title = "") {
    const id = newId("m-");
    const metadata = flat({ page: location.pathname, locale: this.language, ...this.metadata });
    this.client.add({ type: "message", id, ...content, metadata }, title);
    this.emit("message", { id, ...content, title });
    this.toEnd();
    return id;
  }

  pressThumb(reply, pressed) {
    const value = reply.feedback === pressed ? null : pressed;
    this.setThumb(reply.id, value ?? undefined);
    this.sendFeedback(reply.id, value);
    if (value === "down") this.askComment(reply.id);
  }

  sendFeedback(reply, value, comment = undefined) {
    this.client.add({ type: "feedback", id: newId("f-"), reply, value, comment });
  }

  setThumb(id, value) {
    for (const { replies } of this.turns) {
      for (const reply of replies) if (reply.id === id) reply.feedback = value;
    }
    const thumbs = this.ui.log.querySelectorAll(`[data-reply="${CSS.escape(id)}"] [data-thumb]`);
    for (const thumb of thumbs) thumb.ariaPressed = String(thumb.dataset.thumb === value);
  }

  commentField() {
    return h("label", {}, this.t("comment"), this.textarea({ rows: 2, maxlength: 1000 }));
  }

  askComment(reply) {
    const field = this.commentField();
    const send = () => {
      const comment = field.lastChild.value.trim();
      this.closeSheet();
      if (comment) this.sendFeedback(reply, "down", comment);
      this.tell(this.t("thanks"));
    };
    this.openSheet("down", [field], "send", send);
  }

  askRating(end) {
    const field = this.commentField();
    const finish = () => {
      const value = Number(this.ui.sheet.querySelector(":checked")?.value);
      this.closeSheet();
      if (value) this.sendRating(value, field.lastChild.value.trim());
      if (end) this.end();
      else if (value) this.tell(this.t("thanks"));
    };
    const fields = this.has("rating") ? [this.starsField(), field] : [];
    const content = [end && h("p", {}, this.t("clear")), ...fields];
    this.openSheet(end ? "end" : "rate", content, end ? "end" : "send", finish);
  }

  starsField() {
    const star = (value) => {
      const checked = this.stars === value;
      const radio = h("input", { type: "radio", name: "stars", value, checked });
      return h("label.star", {}, radio, icon("star"), this.quiet(this.t("stars", { n: value })));
    };
    return h("fieldset", {}, h("legend", {}, this.t("rate_ask")), ...[1, 2, 3, 4, 5].map(star));
  }

  sendRating(value, comment) {
    this.stars = value;
    this.client.add({ type: "rating", id: newId("r-"), value, comment: comment || undefined });
  }

  end(patience = 20) {
    this.close();
    if (patience && this.client.outbox.some(({ frame }) => frame.type === "rating")) {
      return void setTimeout(() => this.end(patience - 1), 250);
    }
    this.client.stop();
    this.client.setOutbox([]);
    this.store.set("session", null);
    this.beginAnew();
  }

  openMenu() {
    const actions = {
      copy: () => this.copy(),
      download: () => this.download(),
      restart: () => this.askRestart(),
      rate: () => this.askRating(false),
      end: () => this.askRating(true),
    };
    if (!this.has("rating")) delete actions.rate;
    const items = Object.entries(actions).map(([name, act]) => {
      const onclick = () => {
        this.closeSheet();
        act();
      };
      return this.textButton(name, onclick, "button.chip");
    });
    this.openSheet("menu", items);
  }

  openSheet(title, content, label = "", act = undefined) {
    const cancel = () => this.closeSheet();
    const button = label && this.textButton(label, act, "button.solid-button");
    const sheet = h(
      "div.sheet",
      { role: "dialog", "aria-modal": "true", "aria-labelledby": "sheet" },
      h("h2", { id: "sheet" }, this.t(title)),
      ...content,
      h("div.row", {}, button, this.textButton("cancel", cancel)),
    );
    this.ui.back = this.shadowRoot.activeElement;
    this.ui.sheet = sheet;
    this.ui.shade = h("div.shade", { onclick: cancel });
    for (const node of this.ui.parts) node.inert = true;
    this.ui.panel.append(this.ui.shade, sheet);
    (sheet.querySelector(":checked") || sheet.querySelector(FOCUSABLE)).focus();
  }

  closeSheet() {
    const { parts, sheet, shade, back } = this.ui;
    if (!sheet) return;
    for (const node of parts) node.inert = false;
    sheet.remove();
    shade.remove();
    this.ui.sheet = null;
    back?.focus();
  }

  askRestart() {
    const yes = () => {
      this.closeSheet();
      this.restart();
      this.ui.input.focus();
    };
    this.openSheet("restart", [h("p", {}, this.t("clear"))], "restart", yes);
  }

  transcript() {
    const line = (time, who, text) =>
      text && `[${new Date(time * 1000).toLocaleString(this.locale)}] ${who}: ${text}\n`;
    const lines = this.turns.flatMap(({ id, time, text, replies }) => [
      id !== null && line(time, this.t("you"), string(text)),
      ...replies.map((reply) => line(reply.time, this.name, this.plain(reply))),
    ]);
    return lines.filter(Boolean).join("");
  }

  async copy() {
    try {
      await navigator.clipboard.writeText(this.transcript());
      this.tell(this.t("copied"));
    } catch {
      this.download(); // the page may not write to the clipboard
    }
  }

  download() {
    const href = URL.createObjectURL(new Blob([this.transcript()], { type: "text/plain" }));
    h("a", { href, download: `${this.name}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }
}

function idsOf({ id, replies }) {
  const ids = replies.map((reply) => reply.id);
  return id === null ? ids : [id, ...ids];
}

/** Once something is said, buttons rest and quick replies go. */
function settle(node) {
  node.querySelector(".quick")?.remove();
  for (const chip of node.querySelectorAll("button.chip")) chip.disabled = true;
}

/** A page's mistake in the metadata must not cost the message. */
function flat(metadata) {
  const names = /^(?!(assistant_id|is_external|model_id)$)[\w.-]{1,64}$/; // three are Rasa's
  const good = Object.entries(metadata).filter(
    ([name, value]) => names.test(name) && !(value instanceof Object),
  );
  return Object.fromEntries(
    good.slice(0, 20).map(([name, value]) => [name, value?.slice ? value.slice(0, 2000) : value]),
  );
}

/** Whether the page's address fits; * stands for anything. */
function matches(pattern) {
  const address = location.pathname + (/[?#]/.test(pattern) ? location.search + location.hash : "");
  const parts = pattern.split("*").map((part) => part.replace(/[\\^$.+?()[\]{}|]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(address);
}

function serverOf(told) {
  const { origin, pathname } = new URL(told || ".", told ? location.href : SCRIPT?.src);
  const path = pathname.replace(/\/+$/, "");
  return origin + (told && !path.endsWith(PATH) ? path + PATH : path);
}

function add() {
  const { auto, ...settings } = SCRIPT?.dataset ?? {};
  if (auto === "false" || document.querySelector("bot-chat")) return;
  const chat = document.createElement("bot-chat");
  for (const [name, value] of Object.entries(settings)) {
    chat.setAttribute(name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), value);
  }
  document.body.append(chat);
}

if (customElements.get("bot-chat")) return;
customElements.define("bot-chat", BotChat);
if (document.readyState === "loading") addEventListener("DOMContentLoaded", add);
else add();
})();
