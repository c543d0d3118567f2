// @ts-check
/*
 * The chat widget: <bot-chat>, one custom element in a shadow root, without dependencies.
 *
 * Two parts that know little of each other: `Client` keeps the connection and the outbox
 * (docs/reference/web-protocol.md), `BotChat` draws. Text from the network only ever becomes text
 * nodes; addresses pass `safeUrl` first.
 */
(() => {
  "use strict";

  /** @typedef {{title: string, payload: string}} Button */
  /** @typedef {{title: string, payload?: string, url?: string}} Action */
  /** @typedef {{title: string, subtitle?: string, image?: string, url?: string,
   *   actions?: Action[]}} Card */
  /** @typedef {{id: string, time: number, text?: string, buttons?: Button[],
   *   quick_replies?: Button[], image?: string, attachment?: string, cards?: Card[],
   *   custom?: any, feedback?: "up" | "down"}} Reply */
  /** @typedef {{id: string | null, text?: string, time?: number, replies: Reply[]}} Turn */
  /** @typedef {{frame: any, title?: string, time: number, error?: {code: string, message: string}}}
   *   Item Something in the outbox. */
  /** @typedef {{path: string, text?: string,
   *   buttons?: {title: string, text?: string, payload?: string}[]}} Starter */

  const SCRIPT = /** @type {HTMLScriptElement | null} */ (document.currentScript);
  const PATH = "/webhooks/web";
  const PING_EVERY = 25_000;
  const ANSWER_WITHIN = 10_000;
  const LONGEST_DELAY = 30_000;
  const RESEND_AFTER = 60_000;
  const POLL_EVERY = 20_000;
  const SOCKET_TRIES = 3; // so many failures in a row, and REST is tried in turn with the socket
  const TURNS_SHOWN = 60; // older ones are drawn when somebody scrolls up to them
  const FULL_SCREEN = matchMedia("(max-width: 480px), (max-height: 480px)"); // as in widget.css

  // ------------------------------------------------------------------------------------ strings

  /** @type {Record<string, Record<string, string>>} */
  const STRINGS = {
    en: {
      title: "Chat",
      open: "Open chat",
      close: "Close chat",
      unread: "{n} unread",
      menu: "Menu",
      messages: "Conversation",
      placeholder: "Write a message…",
      input: "Message",
      send: "Send",
      you: "You",
      online: "Online",
      connecting: "Connecting…",
      reconnecting: "Reconnecting…",
      offline: "Offline. Your messages are sent as soon as there is a connection.",
      offline_short: "Offline",
      retry: "Try again",
      sending: "Sending…",
      waiting: "Waiting to be sent",
      edit: "Edit",
      remove: "Remove",
      typing: "{name} is typing",
      up: "Helpful",
      down: "Not helpful",
      why: "What was wrong? (optional)",
      skip: "Skip",
      thanks: "Thank you.",
      copy: "Copy conversation",
      copied: "Copied.",
      copy_failed: "Copying failed.",
      download: "Download conversation",
      restart: "Start again",
      restart_ask: "The conversation so far will be removed.",
      cancel: "Cancel",
      rate: "Rate this chat",
      rate_ask: "How was this chat?",
      stars: "{n} of 5",
      comment: "Comment (optional)",
      end: "End chat",
      end_ask: "The conversation will be removed from this browser.",
      earlier: "Earlier messages",
      newer: "New messages",
      image: "Picture from {name}",
      attachment: "Attachment",
      cards: "Cards",
      previous: "Previous",
      next: "Next",
      over: "{n} characters too many",
      new_tab: "opens in a new tab",
    },
    de: {
      open: "Chat öffnen",
      close: "Chat schließen",
      unread: "{n} ungelesen",
      menu: "Menü",
      messages: "Gespräch",
      placeholder: "Nachricht schreiben …",
      input: "Nachricht",
      send: "Senden",
      you: "Sie",
      online: "Online",
      connecting: "Verbindung wird aufgebaut …",
      reconnecting: "Verbindung wird wieder aufgebaut …",
      offline: "Offline. Ihre Nachrichten werden gesendet, sobald die Verbindung steht.",
      offline_short: "Offline",
      retry: "Erneut versuchen",
      sending: "Wird gesendet …",
      waiting: "Wartet auf Verbindung",
      edit: "Bearbeiten",
      remove: "Entfernen",
      typing: "{name} schreibt",
      up: "Hilfreich",
      down: "Nicht hilfreich",
      why: "Was war falsch? (freiwillig)",
      skip: "Überspringen",
      thanks: "Danke.",
      copy: "Gespräch kopieren",
      copied: "Kopiert.",
      copy_failed: "Kopieren ist fehlgeschlagen.",
      download: "Gespräch herunterladen",
      restart: "Neu beginnen",
      restart_ask: "Das bisherige Gespräch wird entfernt.",
      cancel: "Abbrechen",
      rate: "Chat bewerten",
      rate_ask: "Wie war dieser Chat?",
      stars: "{n} von 5",
      comment: "Kommentar (freiwillig)",
      end: "Chat beenden",
      end_ask: "Das Gespräch wird aus diesem Browser entfernt.",
      earlier: "Frühere Nachrichten",
      newer: "Neue Nachrichten",
      image: "Bild von {name}",
      attachment: "Anhang",
      cards: "Karten",
      previous: "Zurück",
      next: "Weiter",
      over: "{n} Zeichen zu viel",
      new_tab: "öffnet einen neuen Tab",
      error_too_long: "Die Nachricht ist zu lang.",
      error_slash_not_allowed: "Eine Nachricht darf nicht mit einem Schrägstrich beginnen.",
      error_payload_not_offered: "Diese Auswahl steht nicht mehr offen.",
    },
    ar: {
      title: "محادثة",
      open: "فتح المحادثة",
      close: "إغلاق المحادثة",
      unread: "{n} غير مقروءة",
      menu: "القائمة",
      messages: "المحادثة",
      placeholder: "اكتب رسالة…",
      input: "الرسالة",
      send: "إرسال",
      you: "أنت",
      online: "متصل",
      connecting: "جارٍ الاتصال…",
      reconnecting: "جارٍ إعادة الاتصال…",
      offline: "غير متصل. ستُرسل رسائلك عند عودة الاتصال.",
      offline_short: "غير متصل",
      retry: "حاول مجددًا",
      sending: "جارٍ الإرسال…",
      waiting: "بانتظار الإرسال",
      edit: "تعديل",
      remove: "إزالة",
      typing: "{name} يكتب",
      up: "مفيد",
      down: "غير مفيد",
      why: "ما الخطأ؟ (اختياري)",
      skip: "تخطٍّ",
      thanks: "شكرًا لك.",
      copy: "نسخ المحادثة",
      copied: "تم النسخ.",
      copy_failed: "تعذّر النسخ.",
      download: "تنزيل المحادثة",
      restart: "البدء من جديد",
      restart_ask: "ستُزال المحادثة الحالية.",
      cancel: "إلغاء",
      rate: "تقييم المحادثة",
      rate_ask: "كيف كانت هذه المحادثة؟",
      stars: "{n} من 5",
      comment: "تعليق (اختياري)",
      end: "إنهاء المحادثة",
      end_ask: "ستُزال المحادثة من هذا المتصفح.",
      earlier: "رسائل سابقة",
      newer: "رسائل جديدة",
      image: "صورة من {name}",
      attachment: "مرفق",
      cards: "بطاقات",
      previous: "السابق",
      next: "التالي",
      over: "{n} حرفًا زائدًا",
      new_tab: "يفتح في علامة تبويب جديدة",
      error_too_long: "الرسالة طويلة جدًا.",
      error_slash_not_allowed: "لا يمكن أن تبدأ الرسالة بشرطة مائلة.",
      error_payload_not_offered: "لم يعد هذا الخيار متاحًا.",
    },
  };

  // ------------------------------------------------------------------------------------ helpers

  /**
   * Make an element. Attributes that are null, undefined or false are left out; `onclick` and the
   * like become listeners, so that no handler ever stands in an attribute.
   * @param {string} tag
   * @param {Record<string, any>} [attributes]
   * @param {...(Node | string | null | undefined | false)} children
   * @returns {any}
   */
  function h(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === undefined || value === null || value === false) continue;
      if (typeof value === "function") node.addEventListener(name.slice(2), value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    node.append(.../** @type {(Node | string)[]} */ (children.filter(Boolean)));
    return node;
  }

  /** @type {Record<string, string>} */
  const ICONS = {
    chat: "M4 5h16v11H9l-5 4z",
    down: "m6 9 6 6 6-6",
    close: "M6 6l12 12M18 6L6 18",
    menu: "M5 12h.01M12 12h.01M19 12h.01",
    send: "M4 12l16-8-5 16-3-7z",
    up: "M7 11v9H4v-9zm0 0 4-8c2 0 3 1 2.5 3L13 9h5c2 0 2.5 1 2 3l-1.5 6c-.3 1.3-1 2-2.5 2H7",
    thumb: "M7 13V4H4v9zm0 0 4 8c2 0 3-1 2.5-3L13 15h5c2 0 2.5-1 2-3l-1.5-6c-.3-1.3-1-2-2.5-2H7",
    file: "M7 3h7l4 4v14H7zM14 3v4h4",
    star: "m12 3 2.8 5.8 6.2.8-4.6 4.4 1.2 6.300L12 17.2 6.4 20.300l1.2-6.300L3 9.600l6.2-.8z",
    before: "m15 6-6 6 6 6",
    after: "m9 6 6 6-6 6",
  };

  /** @param {string} name */
  function icon(name) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", `icon ${name}`);
    const path = document.createElementNS(ns, "path");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
  }

  /**
   * A random id. `crypto.randomUUID` is missing on pages that came over plain HTTP.
   * @param {string} prefix
   */
  function newId(prefix) {
    const bytes = crypto.getRandomValues(new Uint8Array(12));
    return prefix + Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /**
   * The address in its normal form, or null unless it is absolute and of one of the schemes.
   * @param {unknown} address
   * @param {string[]} schemes
   */
  function safeUrl(address, schemes = ["https:", "http:", "mailto:", "tel:"]) {
    try {
      const url = new URL(String(address));
      return schemes.includes(url.protocol) ? url.href : null;
    } catch {
      return null;
    }
  }

  /** @param {unknown} address */
  function safeImage(address) {
    const url = safeUrl(address, ["https:", "http:", "data:"]);
    return url && (!url.startsWith("data:") || /^data:image\//i.test(url)) ? url : null;
  }

  /**
   * @param {string} href one that passed `safeUrl`
   * @param {Record<string, any>} attributes
   * @param {...(Node | string)} children
   */
  function link(href, attributes, ...children) {
    const rel = "noopener noreferrer nofollow";
    return h("a", { href, target: "_blank", rel, ...attributes }, ...children);
  }

  /** @param {unknown} json */
  function parse(json) {
    try {
      return JSON.parse(String(json));
    } catch {
      return null;
    }
  }

  /** @param {any} value @returns {any[]} */
  const list = (value) => (Array.isArray(value) ? value.filter((v) => v && typeof v === "object") : []);

  /** @param {any} value */
  const string = (value) => (typeof value === "string" ? value : "");

  // ----------------------------------------------------------------------------------- markdown

  const INLINE = new RegExp(
    [
      /\\([\\`*_[\]()#+.!>-])/, // 1 escaped
      /`([^`\n]+)`/, // 2 code
      /\[([^\]\n]+)\]\(([^\s()]+(?:\([^\s()]*\)[^\s()]*)*)\)/, // 3, 4 link
      /\*\*(\S(?:[^\n]*?\S)?)\*\*/, // 5 bold
      /\*([^\s*](?:[^\n*]*[^\s*])?)\*/, // 6 italic
      /(?<![\p{L}\p{N}_])__(\S(?:[^\n]*?\S)?)__(?![\p{L}\p{N}_])/, // 7 bold
      /(?<![\p{L}\p{N}_])_([^\s_](?:[^\n_]*[^\s_])?)_(?![\p{L}\p{N}_])/, // 8 italic
      /(https?:\/\/[^\s<>"]*[^\s<>"'.,;:!?()[\]*_])/, // 9 address
      /(\n)/, // 10 line break
    ]
      .map((part) => part.source)
      .join("|"),
    "gu",
  );

  /**
   * @param {string} text
   * @param {boolean} links whether links may be made here; none inside a link
   * @param {number} depth
   * @returns {(Node | string)[]}
   */
  function inline(text, links = true, depth = 0) {
    /** @type {(Node | string)[]} */
    const nodes = [];
    let end = 0;
    // What nests deeper than anybody means stays as it is written.
    for (const m of depth < 5 ? text.matchAll(INLINE) : []) {
      nodes.push(text.slice(end, m.index));
      end = m.index + m[0].length;
      nodes.push(inlineNode(m, links, depth));
    }
    return [...nodes, text.slice(end)];
  }

  /** @param {RegExpMatchArray} m @param {boolean} links @param {number} depth */
  function inlineNode(m, links, depth) {
    if (m[1]) return m[1];
    if (m[2]) return h("code", {}, m[2]);
    if (m[10]) return h("br");
    const bold = m[5] || m[7];
    if (bold) return h("strong", {}, ...inline(bold, links, depth + 1));
    const italic = m[6] || m[8];
    if (italic) return h("em", {}, ...inline(italic, links, depth + 1));
    const href = links && safeUrl(m[4] || m[9]);
    if (!href) return m[0];
    return link(href, {}, ...(m[3] ? inline(m[3], false, depth + 1) : [m[9]]));
  }

  /**
   * Draw Markdown: paragraphs, line breaks, bold, italic, code, lists, links. The rest is literal.
   * @param {string} text
   * @returns {DocumentFragment}
   */
  function markdown(text) {
    const result = document.createDocumentFragment();
    const block = /```[^\n]*\n([\s\S]*?)\n?```|((?:^[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+.*(?:\n|$))+)/gm;
    let end = 0;
    for (const m of text.matchAll(block)) {
      result.append(...paragraphs(text.slice(end, m.index)));
      end = m.index + m[0].length;
      result.append(m[2] ? bullets(m[2]) : h("pre", {}, h("code", {}, m[1])));
    }
    result.append(...paragraphs(text.slice(end)));
    return result;
  }

  /** @param {string} text */
  function paragraphs(text) {
    const parts = text.split(/\n[ \t]*\n/).map((part) => part.trim());
    return parts.filter(Boolean).map((part) => h("p", {}, ...inline(part)));
  }

  /** @param {string} text lines that all begin with a bullet or a number */
  function bullets(text) {
    const number = /^\s*(\d+)/.exec(text);
    const lines = text.trim().split("\n");
    const items = lines.map((line) => line.replace(/^\s*([-*+]|\d+[.)])\s+/, ""));
    return h(
      number ? "ol" : "ul",
      { start: number?.[1] },
      ...items.map((item) => h("li", {}, ...inline(item))),
    );
  }

  // -------------------------------------------------------------------------------------- store

  /** localStorage under one prefix; memory alone where that is blocked or full. */
  class Store {
    /** @param {string} prefix */
    constructor(prefix) {
      this.prefix = prefix;
      /** What could not be written. @type {Map<string, any>} */
      this.kept = new Map();
    }

    /** @param {string} name */
    get(name) {
      if (this.kept.has(name)) return this.kept.get(name);
      try {
        return parse(localStorage.getItem(this.prefix + name));
      } catch {
        return null;
      }
    }

    /** @param {string} name @param {any} value null removes it */
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

  // ------------------------------------------------------------------------------------- client

  /**
   * The connection to one server. What is to be sent stays in the outbox, which all tabs share,
   * until the server says that it has it; sending twice under the same id is safe.
   */
  class Client {
    /**
     * @param {string} base address of the channel, without a slash at its end
     * @param {Store} store
     * @param {() => any} login gives what the page set as login: the JWT or a function
     * @param {Record<string, (...args: any[]) => void>} on status, welcome, turn, typing, saved,
     *   refused, outbox
     */
    constructor(base, store, login, on) {
      this.base = base;
      this.store = store;
      this.login = login;
      this.on = on;
      this.status = "idle";
      /** @type {{code: string, message: string} | null} Why there will be no further attempt. */
      this.fatal = null;
      /** @type {WebSocket | null} */
      this.socket = null;
      this.rest = false;
      this.posting = false;
      this.attempt = 0; // numbers the attempts, so that a late answer to an earlier one is known
      this.failures = 0;
      this.leastDelay = 0;
      this.welcomed = false;
      this.freshLogin = false;
      this.alive = 0;
      this.pausedUntil = 0;
      /** When each id was sent over the connection that is open now. @type {Map<string, number>} */
      this.sent = new Map();
      /** @type {Item[]} */
      this.outbox = list(store.get("outbox"));
      /** @type {Record<string, any>} */
      this.timers = {};
      this.wake = this.wake.bind(this);
      this.stored = this.stored.bind(this);
      this.cut = this.cut.bind(this);
    }

    /** Connect, and stay connected. */
    start() {
      if (this.status !== "idle") return;
      addEventListener("online", this.wake);
      addEventListener("offline", this.cut);
      addEventListener("storage", this.stored);
      addEventListener("pageshow", this.wake);
      document.addEventListener("visibilitychange", this.wake);
      this.connect();
    }

    stop() {
      removeEventListener("online", this.wake);
      removeEventListener("offline", this.cut);
      removeEventListener("storage", this.stored);
      removeEventListener("pageshow", this.wake);
      document.removeEventListener("visibilitychange", this.wake);
      this.drop();
      this.setStatus("idle");
    }

    /** Forget the session; the next connection begins a new one. */
    forget() {
      this.store.set("session", null);
      this.setOutbox([]);
      this.welcomed = false;
    }

    /** Connect now, whatever happened before. */
    retry() {
      this.fatal = null;
      this.freshLogin = false;
      if (this.status === "idle") this.start();
      else this.connect();
    }

    /** @param {string} name @param {() => void} call @param {number} delay */
    later(name, call, delay) {
      clearTimeout(this.timers[name]);
      this.timers[name] = setTimeout(call, delay);
    }

    /** @param {string} status */
    setStatus(status) {
      if (status === this.status) return;
      this.status = status;
      this.on.status(status);
    }

    /** Leave the connection, without a word to anybody. */
    drop() {
      this.attempt += 1;
      for (const timer of Object.values(this.timers)) clearTimeout(timer);
      const socket = this.socket;
      this.socket = null;
      this.rest = this.posting = false;
      this.sent.clear();
      socket?.close();
      this.on.typing(false);
    }

    async connect() {
      this.drop();
      const attempt = this.attempt;
      this.setStatus(this.welcomed || this.failures ? "reconnecting" : "connecting");
      // A proxy that lets no WebSocket through looks like a server that is down: try both.
      const rest = this.failures >= SOCKET_TRIES && (this.failures - SOCKET_TRIES) % 2 === 0;
      this.later("welcome", () => this.lost(), ANSWER_WITHIN);
      try {
        const login = await this.token();
        if (attempt !== this.attempt) return;
        if (rest) await this.openRest(attempt, login);
        else this.openSocket(login);
      } catch {
        if (attempt === this.attempt) this.lost();
      }
    }

    async token() {
      const login = this.login();
      return (typeof login === "function" ? await login() : login) || undefined;
    }

    /** @param {string | undefined} login */
    openSocket(login) {
      const socket = new WebSocket(this.base.replace(/^http/, "ws") + "/ws");
      const session = this.store.get("session")?.token;
      this.socket = socket;
      socket.onopen = () =>
        socket.send(JSON.stringify({ type: "hello", protocol: 1, session, login }));
      socket.onmessage = (event) => {
        if (socket !== this.socket) return;
        this.alive = Date.now();
        const frame = parse(event.data);
        if (frame) this.receive(frame);
      };
      socket.onclose = (event) => {
        if (socket === this.socket) this.lost(event.code);
      };
    }

    /**
     * The connection is gone, or never came: try again, later each time.
     * @param {number} [code]
     */
    lost(code) {
      this.drop();
      const refused = this.fatal || (code === 4403 && { code: "origin_refused", message: "" });
      if (refused && !this.renewLogin(refused.code)) {
        this.fatal = refused;
        this.setStatus("offline");
        return;
      }
      const delay = Math.min(LONGEST_DELAY, 1000 * 2 ** this.failures) * (0.5 + Math.random() / 2);
      this.failures += 1;
      this.setStatus(this.failures > SOCKET_TRIES ? "offline" : "reconnecting");
      const least = Math.max(this.leastDelay, code === 4429 ? 15_000 : 0);
      this.leastDelay = 0;
      this.later("connect", () => this.connect(), Math.max(delay, least));
    }

    /** A login may merely have grown too old: ask the page for another, once. @param {string} code */
    renewLogin(code) {
      if (code !== "bad_login" || this.freshLogin || typeof this.login() !== "function") return false;
      this.freshLogin = true;
      this.fatal = null;
      return true;
    }

    /** The network or the tab is back. */
    wake() {
      if (document.visibilityState === "hidden" || this.fatal) return;
      if (this.status !== "online") {
        this.failures = Math.min(this.failures, SOCKET_TRIES);
        if (!this.socket) this.connect();
      } else if (Date.now() - this.alive > PING_EVERY) this.ping();
    }

    /** The network is gone, which a socket notices only much later. */
    cut() {
      if (this.fatal) return;
      this.lost();
      this.setStatus("offline");
    }

    ping() {
      if (this.rest) return this.poll();
      this.socket?.send('{"type":"ping"}');
      this.later("pong", () => this.lost(), ANSWER_WITHIN);
      this.later("ping", () => this.ping(), PING_EVERY);
      // Alive, and yet no answer for so long: sending again is safe.
      for (const [id, time] of this.sent) if (Date.now() - time > RESEND_AFTER) this.sent.delete(id);
      this.flush();
    }

    /** @param {any} frame */
    receive(frame) {
      clearTimeout(this.timers.pong);
      if (frame.type === "welcome") this.welcome(frame);
      else if (frame.type === "turn") {
        if (frame.id) this.take(frame.id);
        this.on.turn(frame);
      } else if (frame.type === "saved") this.on.saved(frame, this.take(frame.id));
      else if (frame.type === "typing") this.on.typing(frame.on);
      else if (frame.type === "error") this.error(frame);
    }

    /** @param {any} frame */
    welcome(frame) {
      clearTimeout(this.timers.welcome);
      const known = this.store.get("session");
      // Tokens are renewed all the time; the epoch tells other tabs that the conversation changed.
      const epoch = (!frame.new && known?.epoch) || newId("e-");
      this.epoch = epoch;
      this.store.set("session", { token: frame.session, epoch });
      this.failures = 0;
      this.freshLogin = false;
      const done = new Set(list(frame.history).map((turn) => turn.id));
      if (this.outbox.some((item) => done.has(item.frame.id))) {
        this.setOutbox(this.outbox.filter((item) => !done.has(item.frame.id)));
      }
      this.on.welcome(frame, this.welcomed && !frame.new);
      this.welcomed = true;
      this.setStatus("online");
      this.later("ping", () => this.ping(), this.rest ? POLL_EVERY : PING_EVERY);
      this.flush();
    }

    /** @param {any} frame */
    error(frame) {
      const item = this.outbox.find((one) => one.frame.id === frame.id);
      if (frame.code === "bad_session") {
        this.store.set("session", null);
        this.connect();
      } else if (["bad_login", "origin_refused"].includes(frame.code)) {
        this.fatal = frame;
        if (this.rest) this.lost();
      } else if (frame.retry) this.pause(frame);
      else if (item?.frame.type === "message") {
        item.error = { code: frame.code, message: frame.message };
        this.setOutbox(this.outbox);
      } else if (item) this.take(frame.id);
      this.on.refused(frame, item);
    }

    /** Send nothing for a while; then again what was refused. @param {any} frame */
    pause(frame) {
      if (frame.id) this.sent.delete(frame.id);
      else this.sent.clear();
      this.patience = frame.retry_after ? 0 : Math.min((this.patience || 1) * 2, 30);
      const seconds = frame.retry_after || this.patience;
      if (this.status !== "online") this.leastDelay = seconds * 1000;
      this.pausedUntil = Math.max(this.pausedUntil, Date.now() + seconds * 1000);
      this.on.outbox();
      this.flush();
    }

    // ------------------------------------------------------------------------------ the outbox

    /** @param {Item[]} items */
    setOutbox(items) {
      this.outbox = items;
      this.store.set("outbox", items.length ? items : null);
      this.on.outbox();
    }

    /** Take out of the outbox what is done. @param {string} id @returns {Item | undefined} */
    take(id) {
      const item = this.outbox.find((one) => one.frame.id === id);
      this.sent.delete(id);
      if (item) this.setOutbox(this.latest().filter((one) => one.frame.id !== id));
      return item;
    }

    /** The outbox as the other tabs left it, with what of it failed here. */
    latest() {
      return /** @type {Item[]} */ (list(this.store.get("outbox")));
    }

    /** @param {any} frame @param {string} [title] what a payload is shown as */
    add(frame, title) {
      this.setOutbox([...this.latest(), { frame, title, time: Date.now() / 1000 }]);
      if (this.status === "idle") this.start();
      else this.flush();
    }

    /** Send what was not sent over this connection, in order. */
    flush() {
      if (this.status !== "online") return;
      const wait = this.pausedUntil - Date.now();
      if (wait > 0) return this.later("flush", () => this.flush(), wait + 10);
      for (const item of this.outbox) {
        if (item.error || this.sent.has(item.frame.id)) continue;
        if (this.rest) return void this.post(item);
        this.sent.set(item.frame.id, Date.now());
        this.socket?.send(JSON.stringify(item.frame));
      }
      this.on.outbox();
    }

    /** Another tab wrote. @param {StorageEvent} event */
    stored(event) {
      if (event.key === this.store.prefix + "outbox") {
        const items = this.latest();
        // The other tab sends what it added; this one only if that never got an answer.
        for (const { frame } of items) {
          if (!this.outbox.some((one) => one.frame.id === frame.id)) {
            this.sent.set(frame.id, Date.now());
          }
        }
        this.outbox = items;
        this.on.outbox();
      } else if (event.key === this.store.prefix + "session") {
        const epoch = this.store.get("session")?.epoch;
        if (this.welcomed && epoch !== this.epoch) this.connect();
      }
    }

    /** Tell the other tabs that the conversation began anew. */
    renewEpoch() {
      const session = this.store.get("session");
      this.epoch = newId("e-");
      if (session) this.store.set("session", { ...session, epoch: this.epoch });
    }

    // ------------------------------------------------------------------------------------ REST

    /** @param {number} attempt @param {string} [login] */
    async openRest(attempt, login) {
      const known = this.store.get("session");
      let frame = known && (await this.call("GET", "history"));
      if (!frame || frame.code === "bad_session") {
        this.store.set("session", null);
        frame = await this.call("POST", "sessions", login ? { login } : {});
      }
      if (attempt !== this.attempt) return;
      this.rest = true;
      this.receive(frame);
      if (frame.type !== "welcome" && attempt === this.attempt) this.lost();
    }

    /** @param {string} method @param {string} path @param {any} [body] */
    async call(method, path, body) {
      /** @type {Record<string, string>} */
      const headers = {};
      const session = this.store.get("session")?.token;
      const login = await this.token();
      if (session) headers.Authorization = `Bearer ${session}`;
      if (login) headers["X-Login"] = login;
      if (body) headers["Content-Type"] = "application/json";
      const options = { method, headers, body: body && JSON.stringify(body) };
      return (await fetch(`${this.base}/${path}`, options)).json();
    }

    /** @param {Item} item */
    async post(item) {
      if (this.posting) return;
      const attempt = this.attempt;
      const { type, ...body } = item.frame;
      this.posting = true;
      this.sent.set(body.id, Date.now());
      this.on.outbox();
      this.on.typing(type === "message");
      try {
        const frame = await this.call("POST", type === "message" ? "messages" : type, body);
        if (attempt !== this.attempt) return;
        this.posting = false;
        this.on.typing(false);
        this.receive(frame.type === "error" ? { id: body.id, ...frame } : frame);
        this.flush();
      } catch {
        if (attempt === this.attempt) this.lost();
      }
    }

    /** Without a socket the server cannot speak first: ask it. */
    async poll() {
      const attempt = this.attempt;
      try {
        const frame = document.hidden ? null : await this.call("GET", "history");
        if (attempt !== this.attempt) return;
        if (frame) this.receive(frame);
        this.later("ping", () => this.ping(), POLL_EVERY);
      } catch {
        if (attempt === this.attempt) this.lost();
      }
    }
  }

  // ------------------------------------------------------------------------------------ element

  const RTL = /^(ar|dv|fa|he|ks|ps|sd|ug|ur|yi)\b/i;
  const FOCUSABLE = "button:not(:disabled), a[href], input, textarea, [tabindex='0']";
  const REBUILD = ["title", "subtitle", "avatar", "greeting", "lang", "dir", "placeholder"];
  const LOOK = ["position", "color-scheme", "rating", "feedback", "starters"];

  /**
   * `<bot-chat>`: the launcher and the window of the chat.
   * @fires bot-chat:ready @fires bot-chat:open @fires bot-chat:close @fires bot-chat:message
   * @fires bot-chat:reply @fires bot-chat:feedback @fires bot-chat:rating @fires bot-chat:error
   * @fires bot-chat:status
   */
  class BotChat extends HTMLElement {
    static observedAttributes = ["open", ...REBUILD, ...LOOK];

    constructor() {
      super();
      this.attachShadow({ mode: "open" });
      /** @type {any} the elements that are needed again, by name */
      this.ui = {};
      /** @type {Turn[]} */
      this.turns = [];
      /** Ids of turns and replies that are drawn or can be. @type {Set<string>} */
      this.known = new Set();
      /** Replies since the person last said something: their buttons work. @type {any[]} */
      this.fresh = [];
      /** Outbox messages by id. @type {Map<string, any>} */
      this.pending = new Map();
      this.firstShown = 0;
      this.isOpen = false;
      this.unreadCount = 0;
      this.seen = 0;
      this.limit = Infinity;
      this.heading = "";
      /** @type {number | undefined} */
      this.ratingValue = undefined;
      /** @type {Record<string, string>} */
      this.ownStrings = {};
      /** @type {any} */
      this.ownLogin = undefined;
      /** @type {any} */
      this.ownMetadata = undefined;
      this.fitViewport = this.fitViewport.bind(this);
      this.pageChanged = this.pageChanged.bind(this);
      this.otherTab = this.otherTab.bind(this);
    }

    connectedCallback() {
      if (this.client) return void (this.welcomedOnce && this.client.start());
      for (const name of ["login", "strings", "metadata"]) this.upgrade(name);
      const base = serverOf(this.getAttribute("server"));
      this.store = new Store(`bot-chat:${base}:`);
      const saved = this.store.get("ui") || {};
      this.seen = Number(saved.seen) || 0;
      this.unreadCount = Number(saved.unread) || 0;
      this.client = new Client(base, this.store, () => this.login, {
        status: (status) => this.onStatus(status),
        welcome: (frame, again) => this.onWelcome(frame, again),
        turn: (frame) => this.onTurn(frame),
        typing: (on) => this.onTyping(on),
        saved: (frame, item) => this.onSaved(frame, item),
        refused: (frame, item) => this.onRefused(frame, item),
        outbox: () => this.drawPending(),
      });
      this.load();
      this.build();
      FULL_SCREEN.addEventListener("change", this.fitViewport);
      addEventListener("popstate", this.pageChanged);
      addEventListener("hashchange", this.pageChanged);
      addEventListener("storage", this.otherTab);
      visualViewport?.addEventListener("resize", this.fitViewport);
      visualViewport?.addEventListener("scroll", this.fitViewport);
      if (this.wasOpen(saved)) this.show(false);
      // Nobody is connected to who never opened the chat.
      if (this.store.get("session") || this.client.outbox.length) this.client.start();
      this.emit("ready", {});
    }

    disconnectedCallback() {
      this.client?.stop();
      this.welcomedOnce = true;
      document.documentElement.style.removeProperty("overflow");
    }

    /** @param {string} name @param {string | null} _old @param {string | null} value */
    attributeChangedCallback(name, _old, value) {
      if (name === "title") {
        // On an element this attribute is also a tooltip, over the whole chat: keep its value only.
        if (value === null) return;
        this.heading = value;
        this.removeAttribute("title");
      }
      if (!this.client) return;
      if (name === "open") {
        if ((value !== null) !== this.isOpen) this.toggle();
      } else if (LOOK.includes(name) && name !== "starters") this.applyLook();
      else this.build();
    }

    /** A property that was set before the element was defined. @param {string} name */
    upgrade(name) {
      if (!Object.hasOwn(this, name)) return;
      const self = /** @type {any} */ (this);
      const value = self[name];
      delete self[name];
      self[name] = value;
    }

    // ---------------------------------------------------------------------------- public API

    /** Open the window and put the focus into the message field. */
    open() {
      if (!this.isOpen) this.show(true);
    }

    /** Close the window; the focus goes back to the launcher if it was inside. */
    close() {
      if (!this.isOpen) return;
      const inside = this.shadowRoot?.activeElement;
      this.isOpen = false;
      this.removeAttribute("open");
      this.closeSheet();
      this.closeMenu();
      this.ui.panel.hidden = true;
      this.applyLook();
      this.fitViewport();
      this.saveUi({ open: false });
      if (inside) this.ui.launcher.focus();
      this.emit("close", {});
    }

    /** Open the window if it is closed, close it if it is open. */
    toggle() {
      if (this.isOpen) this.close();
      else this.open();
    }

    /**
     * Say something as the visitor. It is kept and sent later while there is no connection.
     * @param {string} text
     * @returns {string | null} the id of the message; null if the text is empty
     */
    send(text) {
      return String(text).trim() ? this.say({ text: String(text).trim() }) : null;
    }

    /**
     * Send a payload, as a button does. The server takes only payloads that the bot offered or that
     * credentials.yml lists.
     * @param {string} payload
     * @param {string} [title] what the conversation shows
     * @returns {string} the id of the message
     */
    sendPayload(payload, title = payload) {
      return this.say({ payload: String(payload) }, String(title));
    }

    /** Forget the conversation so far and begin anew, without asking. */
    restart() {
      const client = this.client;
      if (!client) return;
      client.setOutbox([]);
      client.add({ type: "restart", id: newId("s-") });
    }

    /** "idle" (nobody opened the chat yet), "connecting", "online", "reconnecting", "offline". */
    get status() {
      return this.client ? this.client.status : "idle";
    }

    /** How many replies came while the window was closed. */
    get unread() {
      return this.unreadCount;
    }

    /** What every message carries: a flat object, added to the page's path and language. */
    get metadata() {
      return this.ownMetadata ?? parse(this.getAttribute("metadata")) ?? {};
    }

    set metadata(value) {
      this.ownMetadata = value;
    }

    /** The site's JWT for the person who is logged in, or a function that returns or promises it. */
    get login() {
      return this.ownLogin;
    }

    set login(value) {
      this.ownLogin = value;
      if (this.client && this.client.status !== "idle") this.client.retry();
    }

    /** Words of the widget; what is set here goes before the built-in languages. */
    get strings() {
      const lang = this.language().split("-")[0].toLowerCase();
      return { ...STRINGS.en, ...STRINGS[lang], ...this.ownStrings };
    }

    set strings(value) {
      this.ownStrings = { ...value };
      if (this.client) this.build();
    }

    // ------------------------------------------------------------------------------- helpers

    /**
     * A string in the language of the visitor.
     * @param {string} key @param {Record<string, any>} [values] for the places in braces
     */
    t(key, values = {}) {
      const text = this.words[key] ?? key;
      return text.replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
    }

    language() {
      const near = this.getAttribute("lang") || document.documentElement.lang;
      return near || navigator.language || "en";
    }

    direction() {
      const own = this.getAttribute("dir");
      if (own === "rtl" || own === "ltr") return own;
      if (RTL.test(this.language())) return "rtl";
      return getComputedStyle(document.documentElement).direction;
    }

    /** @param {string} name @param {any} detail */
    emit(name, detail) {
      const options = { detail, bubbles: true, composed: true };
      this.dispatchEvent(new CustomEvent(`bot-chat:${name}`, options));
    }

    /** @param {string} name @param {boolean} fallback */
    flag(name, fallback) {
      const value = this.getAttribute(name);
      return value === null ? fallback : !["off", "false", "no", "0"].includes(value);
    }

    /** @param {any} changes */
    saveUi(changes) {
      this.store?.set("ui", { ...this.store.get("ui"), ...changes });
    }

    /**
     * A full screen that comes back in a new tab would hide the page that somebody just asked for.
     * @param {any} saved
     */
    wasOpen(saved) {
      if (saved.open === undefined) return this.hasAttribute("open");
      let sameTab = false;
      try {
        sameTab = Boolean(sessionStorage.getItem("bot-chat:open"));
      } catch {
        // Blocked: then no tab is known.
      }
      return saved.open && (sameTab || !FULL_SCREEN.matches);
    }

    // ------------------------------------------------------------------------- the skeleton

    /** Load the style sheet; nothing is shown before it is there. */
    load() {
      const href = new URL("widget.css", SCRIPT?.src || `${this.client?.base}/`).href;
      const sheet = h("link", { rel: "stylesheet", href });
      this.ui.root = h("div", { class: "root", hidden: true });
      const show = () => {
        this.ui.root.hidden = false;
        this.toEnd(true);
      };
      sheet.addEventListener("load", show);
      sheet.addEventListener("error", show);
      this.shadowRoot?.append(sheet, this.ui.root);
    }

    /** Draw everything anew: at the start, and when words or language change. */
    build() {
      const { root } = this.ui;
      this.words = this.strings;
      this.name = this.heading || this.t("title");
      this.ui = { root };
      this.pending.clear();
      const launcher = this.buildLauncher();
      const panel = this.buildPanel();
      // Apart from the conversation, so that only what is new is read out, and never the history.
      this.ui.announcer = h("div", { class: "quiet", role: "log", "aria-live": "polite" });
      this.ui.announcer.setAttribute("aria-label", this.t("newer"));
      root.replaceChildren(panel, launcher, this.ui.announcer);
      root.lang = this.language();
      root.dir = this.direction();
      this.applyLook();
      this.drawAll();
      this.onStatus(this.status, false);
      this.fitViewport();
    }

    buildLauncher() {
      const ui = this.ui;
      ui.badge = h("span", { class: "badge", part: "badge", "aria-hidden": "true", hidden: true });
      ui.launcher = h(
        "button",
        {
          type: "button",
          class: "launcher",
          part: "launcher",
          "aria-haspopup": "dialog",
          onclick: () => this.toggle(),
        },
        icon("chat"),
        icon("down"),
        ui.badge,
      );
      return ui.launcher;
    }

    buildPanel() {
      const ui = this.ui;
      ui.panel = h(
        "section",
        {
          class: "panel",
          part: "panel",
          role: "dialog",
          "aria-labelledby": "name",
          hidden: !this.isOpen,
          onkeydown: (/** @type {KeyboardEvent} */ event) => this.onKey(event),
        },
        this.buildHeader(),
        this.buildBanner(),
        this.buildLog(),
        this.buildComposer(),
      );
      return ui.panel;
    }

    buildHeader() {
      const ui = this.ui;
      const picture = safeImage(
        this.hasAttribute("avatar") && new URL(this.getAttribute("avatar") || "", document.baseURI),
      );
      const subtitle = this.getAttribute("subtitle");
      ui.short = h("span", {});
      ui.menuButton = this.iconButton("menu", "menu", () => this.toggleMenu());
      ui.menuButton.setAttribute("aria-haspopup", "menu");
      ui.menu = this.buildMenu();
      const mark = picture ? h("img", { src: picture, alt: "" }) : Array.from(this.name)[0];
      ui.header = h(
        "header",
        { class: "header", part: "header" },
        h("div", { class: "avatar", part: "avatar", "aria-hidden": "true" }, mark),
        h(
          "div",
          { class: "names" },
          h("h2", { id: "name", class: "name", part: "title", dir: "auto" }, this.name),
          h(
            "p",
            { class: "state", part: "status" },
            h("span", { class: "dot" }),
            ui.short,
            subtitle && h("span", { class: "subtitle", dir: "auto" }, subtitle),
          ),
        ),
        h("div", { class: "menu-place" }, ui.menuButton, ui.menu),
        this.iconButton("close", "close", () => this.close()),
      );
      return ui.header;
    }

    /** @param {string} symbol @param {string} label @param {(event: any) => void} onclick */
    iconButton(symbol, label, onclick) {
      const attributes = { type: "button", class: "icon-button", onclick };
      return h("button", { ...attributes, "aria-label": this.t(label) }, icon(symbol));
    }

    /** @param {string} label @param {() => void} onclick @param {string} [look] */
    textButton(label, onclick, look = "text-button") {
      return h("button", { type: "button", class: look, onclick }, this.t(label));
    }

    buildBanner() {
      const ui = this.ui;
      ui.statusText = h("p", { role: "status" });
      ui.retry = this.textButton("retry", () => this.client?.retry());
      ui.banner = h("div", { class: "banner" }, ui.statusText, ui.retry);
      return ui.banner;
    }

    buildLog() {
      const ui = this.ui;
      ui.earlier = this.textButton("earlier", () => this.showEarlier(), "earlier");
      ui.log = h("ol", { class: "messages" });
      ui.typing = h(
        "div",
        { class: "typing", hidden: true },
        h("span", { class: "quiet" }, this.t("typing", { name: this.name })),
        ...[1, 2, 3].map(() => h("span", { class: "tick", "aria-hidden": "true" })),
      );
      ui.newer = this.textButton("newer", () => this.toEnd(true), "newer");
      ui.newer.hidden = true;
      ui.scroller = h(
        "div",
        {
          class: "scroller",
          part: "messages",
          role: "region",
          tabindex: "0",
          "aria-label": this.t("messages"),
          onscroll: () => this.onScroll(),
        },
        ui.earlier,
        ui.log,
        ui.typing,
      );
      ui.body = h("div", { class: "body" }, ui.scroller, ui.newer);
      return ui.body;
    }

    buildComposer() {
      const ui = this.ui;
      ui.counter = h("p", { class: "counter", id: "counter", role: "status" });
      ui.input = h("textarea", {
        class: "input",
        part: "input",
        rows: 1,
        dir: "auto",
        enterkeyhint: "send",
        placeholder: this.getAttribute("placeholder") || this.t("placeholder"),
        "aria-label": this.t("input"),
        "aria-describedby": "counter",
        oninput: () => this.onInput(),
        onkeydown: (/** @type {KeyboardEvent} */ event) => {
          // While a word is being composed (Chinese, Japanese), Enter ends the word.
          if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
          event.preventDefault();
          this.submit();
        },
      });
      ui.input.value = string(this.store?.get("ui")?.draft);
      ui.send = this.iconButton("send", "send", () => this.submit());
      ui.send.classList.add("send");
      ui.send.part = "send";
      ui.composer = h(
        "footer",
        { class: "composer", part: "composer" },
        ui.counter,
        h("div", { class: "field" }, ui.input, ui.send),
      );
      return ui.composer;
    }

    // -------------------------------------------------------------------------------- states

    /** What depends on attributes and on open or closed, without drawing anew. */
    applyLook() {
      const { root, launcher, badge, panel } = this.ui;
      const scheme = this.getAttribute("color-scheme") || "auto";
      root.className = `root ${scheme === "light" || scheme === "dark" ? scheme : "auto"}`;
      root.classList.toggle("start", this.getAttribute("position") === "start");
      root.classList.toggle("open", this.isOpen);
      root.classList.toggle("no-feedback", !this.flag("feedback", true) || this.noFeedback);
      const count = this.unreadCount;
      badge.hidden = !count || this.isOpen;
      badge.textContent = count > 99 ? "99+" : String(count);
      const label = this.t(this.isOpen ? "close" : "open");
      const unread = badge.hidden ? "" : `, ${this.t("unread", { n: count })}`;
      launcher.setAttribute("aria-label", label + unread);
      launcher.setAttribute("aria-expanded", String(this.isOpen));
      panel.setAttribute("aria-modal", String(FULL_SCREEN.matches));
      this.ui.menu.replaceChildren(...this.menuItems());
    }

    /** @param {boolean} focus */
    show(focus) {
      this.isOpen = true;
      this.ui.panel.hidden = false;
      this.toggleAttribute("open", true);
      this.pageChanged();
      this.markRead();
      this.saveUi({ open: true });
      try {
        sessionStorage.setItem("bot-chat:open", "1");
      } catch {
        // Blocked: then a phone shows the chat closed after a reload.
      }
      this.fitViewport();
      this.onInput(false);
      this.toEnd(true);
      if (focus) this.ui.input.focus();
      this.client?.start();
      this.emit("open", {});
    }

    /** Full screen: fill what the keyboard leaves, and keep the page behind from scrolling. */
    fitViewport() {
      if (!this.ui.panel) return;
      const full = FULL_SCREEN.matches && this.isOpen;
      const style = this.ui.panel.style;
      const view = visualViewport;
      // A view that is zoomed in is smaller too, and must not squeeze the chat.
      if (full && view && view.scale === 1) {
        style.setProperty("--view-height", `${view.height}px`);
        style.setProperty("--view-top", `${view.offsetTop}px`);
      } else {
        style.removeProperty("--view-height");
        style.removeProperty("--view-top");
      }
      this.ui.panel.setAttribute("aria-modal", String(FULL_SCREEN.matches));
      if (full) document.documentElement.style.setProperty("overflow", "hidden");
      else document.documentElement.style.removeProperty("overflow");
      if (this.isOpen) this.toEnd(false);
    }

    /** @param {KeyboardEvent} event */
    onKey(event) {
      if (event.key === "Escape" && !event.isComposing) {
        event.stopPropagation();
        if (!this.ui.menu.hidden) this.closeMenu(true);
        else if (this.ui.sheet) this.closeSheet();
        else this.close();
      } else if (event.key === "Tab") {
        if (this.ui.sheet) this.trap(event, this.ui.sheet);
        else if (FULL_SCREEN.matches) this.trap(event, this.ui.panel);
      }
    }

    /** @param {KeyboardEvent} event @param {HTMLElement} within */
    trap(event, within) {
      const all = /** @type {HTMLElement[]} */ ([...within.querySelectorAll(FOCUSABLE)]);
      const nodes = all.filter((node) => node.getClientRects().length && !node.closest("[inert]"));
      const active = this.shadowRoot?.activeElement;
      const edge = event.shiftKey ? nodes[0] : nodes[nodes.length - 1];
      if (active !== edge && active && within.contains(active)) return;
      event.preventDefault();
      (event.shiftKey ? nodes[nodes.length - 1] : nodes[0])?.focus();
    }

    markRead() {
      const times = this.turns.flatMap((turn) => turn.replies.map((reply) => reply.time || 0));
      this.seen = times.reduce((a, b) => Math.max(a, b), this.seen);
      this.countUnread();
    }

    countUnread() {
      const replies = this.turns.flatMap((turn) => turn.replies);
      const count = this.isOpen ? 0 : replies.filter((reply) => reply.time > this.seen).length;
      this.unreadCount = count;
      this.saveUi({ seen: this.seen, unread: count });
      this.applyLook();
    }

    /** What was read in another tab is read here too. @param {StorageEvent} event */
    otherTab(event) {
      if (event.key !== `${this.store?.prefix}ui`) return;
      const seen = Number(parse(event.newValue)?.seen) || 0;
      if (seen <= this.seen) return;
      this.seen = seen;
      this.countUnread();
    }

    /** @param {string} status @param {boolean} [tell] */
    onStatus(status, tell = true) {
      const { root, banner, short, statusText, retry } = this.ui;
      const { fatal } = this.client || {};
      const words = status === "offline" ? "offline_short" : status;
      root.dataset.status = status;
      short.textContent = status === "idle" ? "" : this.t(words);
      banner.classList.toggle("quiet", status !== "offline" && status !== "reconnecting");
      const text = fatal ? this.errorText(fatal) || this.t("offline_short") : this.t(status);
      statusText.textContent = status === "idle" ? "" : text;
      retry.hidden = status !== "offline";
      this.drawPending();
      if (tell) this.emit("status", { status });
    }

    /** @param {{code: string, message: string}} error */
    errorText(error) {
      return this.words[`error_${error.code}`] || error.message;
    }

    // -------------------------------------------------------------------------------- frames

    /** @param {any} frame @param {boolean} again whether the same conversation went on */
    onWelcome(frame, again) {
      this.limit = frame.limits?.message_characters || Infinity;
      this.ratingValue = frame.rating;
      /** @type {Turn[]} */
      const history = list(frame.history).map((turn) => ({ ...turn, replies: list(turn.replies) }));
      const ids = new Set(history.flatMap(idsOf));
      const goesOn = again && [...this.known].every((id) => ids.has(id));
      if (goesOn) {
        for (const turn of history) this.addTurn(turn);
      } else {
        this.turns = history;
        this.known = ids;
        this.drawAll();
      }
      if (this.isOpen) this.markRead();
      else this.countUnread();
      this.onInput(false);
    }

    /** @param {any} frame */
    onTurn(frame) {
      this.onTyping(false);
      this.addTurn({ ...frame, replies: list(frame.replies) });
      if (this.isOpen) this.markRead();
      else this.countUnread();
    }

    /** Show of a turn what is not shown yet. @param {Turn} turn */
    addTurn(turn) {
      const said = turn.id !== null && !this.known.has(turn.id);
      const replies = turn.replies.filter((reply) => !this.known.has(reply.id));
      if (!said && !replies.length) return;
      for (const id of idsOf(turn)) this.known.add(id);
      const news = { ...turn, id: said ? turn.id : null, replies };
      this.turns.push(news);
      this.drawTurn(news);
      this.drawPending();
      if (replies.length) this.announce(replies);
      for (const reply of replies) this.emit("reply", reply);
    }

    /** @param {Reply[]} replies */
    announce(replies) {
      const text = replies.map(plain).filter(Boolean).join(" ");
      const node = h("p", { dir: "auto" }, `${this.name}: ${text}`);
      this.ui.announcer.append(node);
      // Read out by then; who reads the page as a text shall not meet it twice.
      setTimeout(() => node.remove(), 10_000);
    }

    /** @param {boolean} on */
    onTyping(on) {
      if (!this.ui.typing) return;
      this.ui.typing.hidden = !on;
      if (on) this.toEnd(false);
    }

    /** @param {any} frame @param {Item | undefined} item */
    onSaved(frame, item) {
      const sent = item?.frame || {};
      if (frame.of === "restart" || sent.type === "restart") this.beginAnew();
      else if (sent.type === "rating") this.emit("rating", sent);
      else if (sent.type === "feedback") this.emit("feedback", sent);
    }

    beginAnew() {
      this.client?.renewEpoch();
      this.turns = [];
      this.known.clear();
      this.ratingValue = undefined;
      this.drawAll();
      this.countUnread();
    }

    /** @param {any} frame @param {Item | undefined} item */
    onRefused(frame, item) {
      if (item?.frame.type === "feedback") {
        if (frame.code === "not_supported") this.noFeedback = true;
        this.setThumb(item.frame.reply, undefined);
        this.applyLook();
      }
      if (item && item.frame.type !== "message" && !frame.retry) this.tell(this.errorText(frame));
      this.onStatus(this.status, false);
      this.emit("error", frame);
    }

    /** Say something in passing. @param {string} text */
    tell(text) {
      const toast = h("p", { class: "toast", role: "status" });
      this.ui.panel.append(toast);
      // A live region is heeded only if it was there before its text.
      setTimeout(() => toast.append(text), 50);
      setTimeout(() => toast.remove(), 4000);
    }

    // ------------------------------------------------------------------------------- drawing

    /** Draw the conversation anew; of a long one the end. */
    drawAll() {
      const { log } = this.ui;
      if (!log) return;
      this.fresh = [];
      this.pending.clear();
      this.lastDay = "";
      this.firstShown = Math.max(0, this.turns.length - TURNS_SHOWN);
      const nodes = this.turns.slice(this.firstShown).flatMap((turn) => this.turnNodes(turn));
      log.replaceChildren(...this.startNodes(), ...nodes);
      this.ui.earlier.hidden = !this.firstShown;
      this.drawPending();
      this.toEnd(true);
    }

    /** @param {Turn} turn */
    drawTurn(turn) {
      const near = this.nearEnd();
      const pending = this.pending.values().next().value ?? null;
      for (const node of this.turnNodes(turn)) this.ui.log.insertBefore(node, pending);
      if (near) this.toEnd(true);
      else this.ui.newer.hidden = !turn.replies.length;
    }

    showEarlier() {
      const { scroller, log, earlier } = this.ui;
      const [fresh, lastDay, height] = [this.fresh, this.lastDay, scroller.scrollHeight];
      const from = Math.max(0, this.firstShown - TURNS_SHOWN);
      const [first] = log.children;
      this.lastDay = "";
      const turns = this.turns.slice(from, this.firstShown);
      const nodes = turns.flatMap((turn) => this.turnNodes(turn));
      if (first?.dataset.day === this.lastDay) first.remove();
      this.firstShown = from;
      log.prepend(...(from ? [] : this.startNodes()), ...nodes);
      for (const node of this.fresh) this.settle(node);
      Object.assign(this, { fresh, lastDay });
      earlier.hidden = !from;
      scroller.scrollTop += scroller.scrollHeight - height;
    }

    /** What the page itself says first: the starter for this address, or the greeting. */
    startNodes() {
      if (this.firstShown) return [];
      const empty = !this.turns.length;
      const starter = empty ? this.starter() : undefined;
      const text = string(starter?.text) || this.getAttribute("greeting") || "";
      const buttons = list(starter?.buttons);
      if (!text && !buttons.length) return [];
      const node = h("li", { class: "message bot start" });
      if (text) node.append(h("div", { class: "bubble", part: "bubble bot-bubble", dir: "auto" }, markdown(text)));
      if (buttons.length) {
        node.append(h("div", { class: "quick" }, ...buttons.map((button) => this.starterButton(button))));
        this.fresh.push(node);
      }
      return [node];
    }

    /** @param {{title: string, text?: string, payload?: string}} button */
    starterButton(button) {
      const title = string(button.title) || string(button.text);
      const say = () =>
        button.payload ? this.sendPayload(button.payload, title) : this.send(button.text || title);
      return this.chip(title, say, "quick-reply");
    }

    /** The first starter whose pattern fits the address of the page. */
    starter() {
      const inside = this.querySelector('script[type="application/json"]')?.textContent;
      const starters = /** @type {Starter[]} */ (list(parse(this.getAttribute("starters") || inside)));
      return starters.find(({ path }) => matches(string(path) || "*"));
    }

    /** @param {Turn} turn */
    turnNodes(turn) {
      const nodes = [];
      if (turn.id !== null && string(turn.text)) {
        for (const node of this.fresh) this.settle(node);
        this.fresh = [];
        nodes.push(...this.day(turn.time), this.userNode(string(turn.text), turn.time));
      }
      for (const [index, reply] of turn.replies.entries()) {
        const node = this.replyNode(reply, index === 0);
        this.fresh.push(node);
        nodes.push(...this.day(reply.time), node);
      }
      return nodes;
    }

    /** A divider, if the day is another than before. @param {number | undefined} time */
    day(time) {
      if (!time) return [];
      const date = new Date(time * 1000);
      const day = date.toDateString();
      if (day === this.lastDay) return [];
      this.lastDay = day;
      return [h("li", { class: "day", "data-day": day }, h("time", {}, this.dayName(date)))];
    }

    /** @param {Date} date */
    dayName(date) {
      const language = locale(this.language());
      const midnight = (/** @type {Date} */ d) => new Date(d.getFullYear(), d.getMonth(), d.getDate());
      const days = Math.round((+midnight(date) - +midnight(new Date())) / 86_400_000);
      if (days === 0 || days === -1) {
        return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
      }
      const year = date.getFullYear() === new Date().getFullYear() ? undefined : "numeric";
      return date.toLocaleDateString(language, { weekday: "long", day: "numeric", month: "long", year });
    }

    /** @param {number | undefined} time */
    timeNode(time) {
      if (!time) return null;
      const date = new Date(time * 1000);
      const text = date.toLocaleTimeString(locale(this.language()), { timeStyle: "short" });
      return h("time", { datetime: date.toISOString() }, text);
    }

    /** @param {string} text @param {number} [time] */
    userNode(text, time) {
      return h(
        "li",
        { class: "message user", part: "message" },
        h("span", { class: "quiet" }, `${this.t("you")}:`),
        h("div", { class: "bubble", part: "bubble user-bubble", dir: "auto" }, text),
        h("div", { class: "meta" }, this.timeNode(time)),
      );
    }

    /** @param {Reply} reply @param {boolean} first whether it is the first of its turn */
    replyNode(reply, first) {
      const text = string(reply.text);
      const node = h("li", { class: "message bot", part: "message", "data-reply": reply.id });
      if (first) node.append(h("span", { class: "quiet" }, `${this.name}:`));
      if (text) {
        node.append(h("div", { class: "bubble", part: "bubble bot-bubble", dir: "auto" }, markdown(text)));
      }
      node.append(
        ...this.imageNodes(reply),
        ...this.attachmentNodes(reply),
        ...this.cardNodes(reply),
        ...this.buttonNodes(reply.buttons, "buttons", "button"),
        ...this.buttonNodes(reply.quick_replies, "quick", "quick-reply"),
        this.metaNode(reply),
      );
      return node;
    }

    /** @param {Reply} reply */
    imageNodes(reply) {
      const src = safeImage(reply.image);
      if (!src) return [];
      const alt = string(reply.custom?.alt) || this.t("image", { name: this.name });
      const image = h("img", {
        class: "image",
        part: "image",
        src,
        alt,
        onload: () => this.toEnd(false),
        onerror: () => image.replaceWith(h("p", { class: "bubble broken" }, alt)),
      });
      return [image];
    }

    /** @param {Reply} reply */
    attachmentNodes(reply) {
      const href = safeUrl(reply.attachment, ["https:", "http:"]);
      if (!href) return [];
      const last = new URL(href).pathname.split("/").pop() || "";
      const label = readable(last) || this.t("attachment");
      return [link(href, { class: "attachment", part: "attachment" }, icon("file"), label)];
    }

    /** @param {any} buttons @param {string} place @param {string} part */
    buttonNodes(buttons, place, part) {
      const all = list(buttons).filter((button) => string(button.title));
      if (!all.length) return [];
      const say = (/** @type {Button} */ button) => () => this.sendPayload(button.payload, button.title);
      return [h("div", { class: place }, ...all.map((one) => this.chip(one.title, say(one), part)))];
    }

    /** @param {string} title @param {() => void} onclick @param {string} part */
    chip(title, onclick, part) {
      const press = () => {
        onclick();
        this.ui.input.focus({ preventScroll: true }); // the pressed button is disabled or gone now
      };
      return h("button", { type: "button", class: "chip", part, dir: "auto", onclick: press }, title);
    }

    /** @param {Reply} reply */
    cardNodes(reply) {
      const cards = list(reply.cards).filter((card) => string(card.title));
      if (!cards.length) return [];
      const items = cards.map((card) => this.cardNode(card));
      if (cards.length === 1) return [h("div", { class: "cards" }, h("div", { class: "card", part: "card" }, ...items[0]))];
      const track = h(
        "ul",
        { class: "track", tabindex: "0", "aria-label": this.t("cards") },
        ...items.map((item) => h("li", { class: "card", part: "card" }, ...item)),
      );
      const step = (/** @type {number} */ sign) => () => {
        const left = track.firstChild.offsetWidth * sign * (this.ui.root.dir === "rtl" ? -1 : 1);
        track.scrollBy({ left, behavior: calm() ? "instant" : "smooth" });
      };
      const before = this.iconButton("before", "previous", step(-1));
      const after = this.iconButton("after", "next", step(1));
      const edges = () => {
        const at = Math.abs(track.scrollLeft);
        dim(before, at < 4);
        dim(after, at + track.clientWidth > track.scrollWidth - 4);
      };
      track.addEventListener("scroll", edges);
      new ResizeObserver(edges).observe(track);
      return [h("div", { class: "cards carousel" }, track, h("div", { class: "steps" }, before, after))];
    }

    /** @param {Card} card */
    cardNode(card) {
      const image = safeImage(card.image);
      const href = safeUrl(card.url);
      const title = href ? link(href, {}, card.title) : card.title;
      const actions = list(card.actions).map((action) => this.actionNode(action));
      return [
        image && h("img", { src: image, alt: "", loading: "lazy" }),
        h("p", { class: "card-title", dir: "auto" }, title),
        string(card.subtitle) && h("p", { class: "card-text", dir: "auto" }, card.subtitle),
        actions.some(Boolean) && h("div", { class: "actions" }, ...actions),
      ];
    }

    /** @param {Action} action */
    actionNode(action) {
      const { title, payload } = action;
      if (!string(title)) return null;
      if (string(payload)) return this.chip(title, () => this.sendPayload(string(payload), title), "button");
      const href = safeUrl(action.url);
      return href && link(href, { class: "chip", part: "button", dir: "auto" }, title);
    }

    /** Time and thumbs. @param {Reply} reply */
    metaNode(reply) {
      const thumb = (/** @type {"up" | "down"} */ value, /** @type {string} */ symbol) => {
        const button = this.iconButton(symbol, value, () => this.pressThumb(reply, value));
        button.setAttribute("aria-pressed", String(reply.feedback === value));
        button.dataset.thumb = value;
        return button;
      };
      const thumbs = h("span", { class: "thumbs" }, thumb("up", "up"), thumb("down", "thumb"));
      return h("div", { class: "meta" }, this.timeNode(reply.time), thumbs);
    }

    /** The person has said something: buttons before it rest, quick replies go. @param {any} node */
    settle(node) {
      node.querySelector(".quick")?.remove();
      for (const chip of node.querySelectorAll("button.chip")) chip.disabled = true;
    }

    /** Messages that the server has not acknowledged yet. */
    drawPending() {
      if (!this.ui.log || !this.client) return;
      const all = this.client.outbox.filter((item) => item.frame.type === "message");
      const items = all.filter((item) => !this.known.has(item.frame.id));
      const ids = new Set(items.map((item) => item.frame.id));
      for (const [id, node] of this.pending) {
        if (ids.has(id)) continue;
        node.remove();
        this.pending.delete(id);
      }
      for (const item of items) this.drawPendingItem(item);
      const busy = items.some((item) => !item.error);
      for (const node of this.fresh) {
        for (const chip of node.querySelectorAll("button.chip")) chip.disabled = busy;
        node.querySelector(".quick")?.toggleAttribute("hidden", busy);
      }
    }

    /** @param {Item} item */
    drawPendingItem(item) {
      const { id, text, payload } = item.frame;
      let node = this.pending.get(id);
      if (!node) {
        node = this.userNode(text ?? item.title ?? payload, item.time);
        node.classList.add("pending");
        this.pending.set(id, node);
        this.ui.log.append(node);
      }
      const sent = this.client?.sent.has(id) && this.client.status === "online";
      const state = item.error ? "failed" : sent ? "sending" : "waiting";
      if (node.dataset.state === state) return;
      node.dataset.state = state;
      const note = item.error ? this.errorText(item.error) : this.t(state);
      node.lastChild.replaceChildren(h("span", { class: "note", role: item.error && "alert" }, note));
      if (item.error) node.lastChild.append(...this.mendButtons(item));
    }

    /** @param {Item} item */
    mendButtons(item) {
      const { id, text } = item.frame;
      const remove = () => {
        this.client?.take(id);
        this.ui.input.focus();
      };
      const edit = () => {
        this.ui.input.value = [text, this.ui.input.value].filter(Boolean).join("\n");
        remove();
        this.onInput();
      };
      return [text && this.textButton("edit", edit), this.textButton("remove", remove)].filter(Boolean);
    }

    // ----------------------------------------------------------------------------- scrolling

    nearEnd() {
      const { scroller } = this.ui;
      return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 120;
    }

    /** Show the end. @param {boolean} always also if somebody reads further up */
    toEnd(always) {
      const { scroller, newer } = this.ui;
      if (!scroller || !(always || this.nearEnd())) return;
      scroller.scrollTop = scroller.scrollHeight;
      newer.hidden = true;
    }

    onScroll() {
      const { scroller, newer, earlier } = this.ui;
      if (this.nearEnd()) newer.hidden = true;
      if (scroller.scrollTop < 40 && !earlier.hidden && scroller.clientHeight) this.showEarlier();
    }

    // ------------------------------------------------------------------------------- writing

    /** @param {boolean} [save] */
    onInput(save = true) {
      const { input, counter, send } = this.ui;
      const length = [...input.value.trim()].length;
      const over = length - this.limit;
      input.style.setProperty("height", "auto");
      if (input.scrollHeight) input.style.setProperty("height", `${Math.min(input.scrollHeight + 2, 140)}px`);
      counter.textContent = over > 0 ? this.t("over", { n: over }) : "";
      input.setAttribute("aria-invalid", String(over > 0));
      dim(send, !length || over > 0);
      if (save) this.saveUi({ draft: input.value });
    }

    submit() {
      const { input } = this.ui;
      const text = input.value.trim();
      if (!text || [...text].length > this.limit) return;
      input.value = "";
      this.onInput();
      this.send(text);
      input.focus();
    }

    /** @param {{text?: string, payload?: string}} content @param {string} [title] */
    say(content, title) {
      const id = newId("m-");
      const metadata = flat({ page: location.pathname, locale: this.language(), ...this.metadata });
      this.client?.add({ type: "message", id, ...content, metadata }, title);
      this.emit("message", { id, ...content, title });
      this.toEnd(true);
      return id;
    }

    // ---------------------------------------------------------------------- feedback, rating

    /** @param {Reply} reply @param {"up" | "down"} pressed */
    pressThumb(reply, pressed) {
      const value = reply.feedback === pressed ? null : pressed;
      this.sendFeedback(reply.id, value);
      const node = this.setThumb(reply.id, value ?? undefined);
      node?.querySelector(".why")?.remove();
      if (value === "down") node?.append(this.whyForm(reply.id));
      this.toEnd(false);
      node?.querySelector(".why textarea")?.focus();
    }

    /** @param {string} reply @param {"up" | "down" | null} value @param {string} [comment] */
    sendFeedback(reply, value, comment) {
      this.client?.add({ type: "feedback", id: newId("f-"), reply, value, comment });
    }

    /** @param {string} id @param {"up" | "down" | undefined} value */
    setThumb(id, value) {
      for (const { replies } of this.turns) {
        for (const reply of replies) if (reply.id === id) reply.feedback = value;
      }
      const node = this.ui.log.querySelector(`[data-reply="${CSS.escape(id)}"]`);
      for (const thumb of node?.querySelectorAll("[data-thumb]") || []) {
        thumb.setAttribute("aria-pressed", String(thumb.dataset.thumb === value));
      }
      return node;
    }

    /** @param {string} reply */
    whyForm(reply) {
      const text = h("textarea", { class: "input", rows: 2, maxlength: 1000, dir: "auto" });
      const done = () => {
        form.remove();
        this.ui.input.focus();
      };
      const send = () => {
        if (text.value.trim()) this.sendFeedback(reply, "down", text.value.trim());
        done();
        this.tell(this.t("thanks"));
      };
      const form = h(
        "div",
        { class: "why" },
        h("label", {}, h("span", {}, this.t("why")), text),
        this.textButton("send", send, "solid-button"),
        this.textButton("skip", done),
      );
      return form;
    }

    /** Ask for a rating; `end` says whether the chat ends with it. @param {boolean} end */
    askRating(end) {
      const rating = this.flag("rating", true);
      const comment = h("textarea", { class: "input", rows: 2, maxlength: 1000, dir: "auto" });
      const finish = () => {
        const chosen = this.ui.sheet.querySelector("input:checked");
        if (chosen) this.sendRating(Number(chosen.value), comment.value.trim());
        this.closeSheet();
        if (end) this.end();
        else if (chosen) this.tell(this.t("thanks"));
      };
      const fields = [this.stars(), h("label", {}, h("span", {}, this.t("comment")), comment)];
      this.openSheet(
        this.t(end ? "end" : "rate"),
        [end && h("p", {}, this.t("end_ask")), ...(rating ? fields : [])],
        [this.textButton(end ? "end" : "send", finish, "solid-button")],
      );
    }

    stars() {
      const radio = (/** @type {number} */ n) =>
        h(
          "label",
          { class: "star" },
          h("input", { type: "radio", name: "stars", value: n, checked: this.ratingValue === n }),
          icon("star"),
          h("span", { class: "quiet" }, this.t("stars", { n })),
        );
      const all = [1, 2, 3, 4, 5].map(radio);
      return h("fieldset", { class: "stars" }, h("legend", {}, this.t("rate_ask")), ...all);
    }

    /** @param {number} value @param {string} comment */
    sendRating(value, comment) {
      this.ratingValue = value;
      const frame = { type: "rating", id: newId("r-"), value, comment: comment || undefined };
      this.client?.add(frame);
    }

    /** Close, and forget the conversation here once what is left to send is sent. */
    end() {
      const client = this.client;
      this.close();
      const forget = () => {
        client?.stop();
        client?.forget();
        this.beginAnew();
      };
      const wait = (/** @type {number} */ tries) => {
        if (!tries || !client?.outbox.some((item) => item.frame.type === "rating")) forget();
        else setTimeout(wait, 250, tries - 1);
      };
      wait(20);
    }

    // --------------------------------------------------------------------------- menu, sheet

    buildMenu() {
      const keys = (/** @type {KeyboardEvent} */ event) => {
        const items = [...this.ui.menu.children];
        const at = items.indexOf(this.shadowRoot?.activeElement);
        const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
        if (event.key === "Tab") this.closeMenu();
        if (next === undefined) return;
        event.preventDefault();
        items.at(next % items.length)?.focus();
      };
      const leave = (/** @type {FocusEvent} */ event) => {
        const to = /** @type {Node | null} */ (event.relatedTarget);
        if (!this.ui.menu.parentNode.contains(to)) this.closeMenu();
      };
      const label = this.t("menu");
      return h("div", {
        class: "menu",
        part: "menu",
        role: "menu",
        "aria-label": label,
        hidden: true,
        onkeydown: keys,
        onfocusout: leave,
      });
    }

    menuItems() {
      const rating = this.flag("rating", true);
      const actions = {
        copy: () => this.copy(),
        download: () => this.download(),
        restart: () => this.askRestart(),
        ...(rating ? { rate: () => this.askRating(false) } : {}),
        end: () => this.askRating(true),
      };
      return Object.entries(actions).map(([name, act]) => {
        const onclick = () => {
          this.closeMenu(true);
          act();
        };
        return h("button", { type: "button", role: "menuitem", tabindex: "-1", onclick }, this.t(name));
      });
    }

    toggleMenu() {
      const { menu, menuButton } = this.ui;
      if (!menu.hidden) return this.closeMenu(true);
      menu.hidden = false;
      menuButton.setAttribute("aria-expanded", "true");
      menu.firstChild.focus();
    }

    /** @param {boolean} [focus] */
    closeMenu(focus) {
      const { menu, menuButton } = this.ui;
      if (menu.hidden) return;
      if (focus) menuButton.focus();
      menu.hidden = true;
      menuButton.setAttribute("aria-expanded", "false");
    }

    /**
     * A small dialog over the conversation, which cannot be reached meanwhile.
     * @param {string} title @param {any[]} content @param {Node[]} buttons
     */
    openSheet(title, content, buttons) {
      this.closeSheet();
      const { header, body, composer, banner, panel } = this.ui;
      const cancel = this.textButton("cancel", () => this.closeSheet());
      const sheet = h(
        "div",
        { class: "sheet", part: "sheet", role: "dialog", "aria-modal": "true", "aria-labelledby": "sheet" },
        h("h3", { id: "sheet" }, title),
        ...content,
        h("div", { class: "row" }, ...buttons, cancel),
      );
      this.ui.sheet = sheet;
      this.ui.shade = h("div", { class: "shade", onclick: () => this.closeSheet() });
      for (const node of [header, body, composer, banner]) node.inert = true;
      panel.append(this.ui.shade, sheet);
      (sheet.querySelector("input:checked") || sheet.querySelector(FOCUSABLE)).focus();
    }

    closeSheet() {
      const { header, body, composer, banner, sheet, shade, menuButton } = this.ui;
      if (!sheet) return;
      for (const node of [header, body, composer, banner]) node.inert = false;
      sheet.remove();
      shade.remove();
      this.ui.sheet = null;
      menuButton.focus();
    }

    askRestart() {
      const yes = () => {
        this.closeSheet();
        this.restart();
        this.ui.input.focus();
      };
      const button = this.textButton("restart", yes, "solid-button");
      this.openSheet(this.t("restart"), [h("p", {}, this.t("restart_ask"))], [button]);
    }

    /** The conversation as text. */
    transcript() {
      const language = locale(this.language());
      /** @type {string[]} */
      const lines = [];
      const line = (/** @type {number | undefined} */ time, /** @type {string} */ who, /** @type {string} */ text) => {
        const when = time ? `[${new Date(time * 1000).toLocaleString(language)}] ` : "";
        if (text) lines.push(`${when}${who}: ${text}`);
      };
      for (const turn of this.turns) {
        if (turn.id !== null) line(turn.time, this.t("you"), string(turn.text));
        for (const reply of turn.replies) line(reply.time, this.name, plain(reply));
      }
      return `${lines.join("\n")}\n`;
    }

    async copy() {
      try {
        await navigator.clipboard.writeText(this.transcript());
        this.tell(this.t("copied"));
      } catch {
        this.tell(this.t("copy_failed"));
      }
    }

    download() {
      const href = URL.createObjectURL(new Blob([this.transcript()], { type: "text/plain" }));
      const day = new Date().toISOString().slice(0, 10);
      h("a", { href, download: `${this.name}-${day}.txt` }).click();
      setTimeout(() => URL.revokeObjectURL(href), 10_000);
    }

    pageChanged() {
      if (this.ui.log && !this.turns.length) this.drawAll();
    }
  }

  // ----------------------------------------------------------------------- what needs no element

  /** @param {Turn} turn */
  function idsOf(turn) {
    const ids = turn.replies.map((reply) => reply.id);
    return turn.id === null ? ids : [turn.id, ...ids];
  }

  /** A reply as plain text. @param {Reply} reply */
  function plain(reply) {
    const cards = list(reply.cards).flatMap((card) => [string(card.title), string(card.subtitle)]);
    const buttons = [...list(reply.buttons), ...list(reply.quick_replies)].map((b) => string(b.title));
    const blocks = Array.from(markdown(string(reply.text)).childNodes, (node) => node.textContent);
    const rest = [string(reply.custom?.alt), safeUrl(reply.attachment), ...cards];
    const offered = buttons.length ? `[${buttons.join("] [")}]` : "";
    return [...blocks, ...rest, offered].filter(Boolean).join(" ");
  }

  /** Only what the protocol takes as metadata. @param {any} metadata */
  function flat(metadata) {
    const good = Object.entries(metadata).filter(
      ([name, value]) => /^[\w.-]{1,64}$/.test(name) && (value === null || typeof value !== "object"),
    );
    const cut = good.map(([name, v]) => [name, typeof v === "string" ? v.slice(0, 2000) : v]);
    return Object.fromEntries(cut.slice(0, 20));
  }

  /** Disabled for everybody, but able to keep the focus. @param {any} button @param {boolean} off */
  function dim(button, off) {
    button.setAttribute("aria-disabled", String(off));
  }

  function calm() {
    return matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  /** The language, or the browser's own if it is none. @param {string} language */
  function locale(language) {
    try {
      return Intl.getCanonicalLocales(language)[0];
    } catch {
      return undefined;
    }
  }

  /** @param {string} name of a file, as it stands in an address */
  function readable(name) {
    try {
      return decodeURIComponent(name);
    } catch {
      return name;
    }
  }

  /** Whether the page's address fits a pattern, in which * stands for anything. @param {string} pattern */
  function matches(pattern) {
    const whole = /[?#]/.test(pattern);
    const address = location.pathname + (whole ? location.search + location.hash : "");
    const parts = pattern.split("*").map((part) => part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"));
    return new RegExp(`^${parts.join(".*")}$`, "u").test(address);
  }

  /** Where the channel is: as told, or beside this script. @param {string | null} told */
  function serverOf(told) {
    const base = new URL(told || new URL(".", SCRIPT?.src || location.href), location.href);
    const path = base.pathname.replace(/\/+$/, "");
    return base.origin + (told && !path.endsWith(PATH) ? path + PATH : path);
  }

  /** Add the element that the script tag describes, unless the page has one. */
  function add() {
    const { auto, ...settings } = SCRIPT?.dataset || {};
    if (auto === "false" || document.querySelector("bot-chat")) return;
    const chat = document.createElement("bot-chat");
    for (const [name, value] of Object.entries(settings)) {
      const attribute = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      chat.setAttribute(attribute, String(value));
    }
    document.body.append(chat);
  }

  if (customElements.get("bot-chat")) return;
  customElements.define("bot-chat", BotChat);
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", add);
  else add();
})();
