// Puts a Holdfast chat on a page of somebody else's: a button in the corner that opens it, or a frame in this place. The
// page names this file in a script element, whose data attributes say with whom (docs/embedding.md).
//
// All it adds lies in a shadow root with a style sheet made here, so that the page's styles do not reach in and a strict
// policy has nothing to object to. What is in the frame stays there: both sides tell each other states, never content.

(() => {
  "use strict";

  /** The form of the messages between page and frame. */
  const VERSION = 1;
  /** A frame that has been in sight for this time, in milliseconds, and has not started gets a link beside it. */
  const PATIENCE = 12_000;
  /** How high a frame in the page may be made by what is in it, in pixels. */
  const HEIGHTS = [320, 720];
  /** More unread messages are shown as this many. */
  const MANY = 99;
  const WORDS = {
    en: { label: "Chat with us", unread: "New messages", tab: "Open the chat in a tab" },
    de: { label: "Schreib uns", unread: "Neue Nachrichten", tab: "Chat in einem Tab öffnen" },
    ru: { label: "Напишите нам", unread: "Новых сообщений", tab: "Открыть чат во вкладке" },
    ar: { label: "راسلنا", unread: "رسائل جديدة", tab: "افتح المحادثة في تبويب" },
  };
  const STYLE = `
    :host {
      --tone: oklch(0.53 0.105 178); --on-tone: oklch(0.99 0.003 178); --ground: oklch(0.99 0.003 190);
      --text: oklch(0.24 0.015 200); --line: oklch(0.9 0.008 190); --alert: oklch(0.53 0.19 27);
      --shadow: 0 1px 2px oklch(0.2 0.02 200 / 0.1), 0 8px 28px oklch(0.2 0.02 200 / 0.22);
    }
    @media (prefers-color-scheme: dark) {
      :host {
        --tone: oklch(0.74 0.105 178); --on-tone: oklch(0.19 0.03 180); --ground: oklch(0.19 0.01 200);
        --text: oklch(0.94 0.006 190); --line: oklch(0.31 0.012 200); --alert: oklch(0.74 0.145 25);
      }
    }
    *, ::before { box-sizing: border-box; }
    .frame, .button { font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
    iframe { display: block; position: relative; inline-size: 100%; block-size: 100%; border: 0; background: var(--ground); }
    .late { position: absolute; inset-block-start: 0; inset-inline: 0; z-index: 1; padding: 12px 16px; background: var(--ground); }
    .late a { color: inherit; }
    .unseen { position: absolute; inline-size: 1px; block-size: 1px; margin: -1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
    :focus-visible { outline: 2px solid var(--tone); outline-offset: 3px; }

    :host(.frame) { display: block; inline-size: 100%; max-inline-size: 30rem; }
    .frame .panel { position: relative; block-size: 480px; overflow: hidden; border: 1px solid var(--line); border-radius: 14px; background: var(--ground); color: var(--text); }

    :host(.button) { all: initial; position: fixed; inset-block-end: 0; inset-inline-end: 0; z-index: 2147483000; }
    .button .panel {
      position: fixed; inset-block-end: calc(88px + env(safe-area-inset-bottom)); inset-inline-end: 20px;
      inline-size: 380px; block-size: min(600px, 100dvh - 108px); overflow: hidden; border: 1px solid var(--line);
      border-radius: 14px; background: var(--ground); color: var(--text); box-shadow: var(--shadow);
      visibility: hidden; opacity: 0; translate: 0 8px;
    }
    .button.open .panel { visibility: visible; opacity: 1; translate: none; }
    .launcher {
      position: fixed; inset-block-end: calc(20px + env(safe-area-inset-bottom)); inset-inline-end: 20px;
      display: inline-flex; align-items: center; gap: 10px; min-block-size: 52px; max-inline-size: calc(100vw - 40px);
      padding-block: 8px; padding-inline: 16px 20px; border: 0; border-radius: 26px; background: var(--tone); color: var(--on-tone);
      box-shadow: var(--shadow); font: inherit; font-weight: 600; text-align: start; cursor: pointer;
    }
    svg { inline-size: 24px; block-size: 24px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
    .open .talk, .button:not(.open) .shut { display: none; }
    .count {
      position: absolute; inset-block-start: -6px; inset-inline-end: -4px; min-inline-size: 24px; padding: 0 6px;
      border: 2px solid var(--ground); border-radius: 14px; background: var(--alert); color: var(--ground);
      font-size: 13px; font-weight: 700; line-height: 20px; text-align: center;
    }
    .count:empty, .open .count { display: none; }
    @media (max-width: 479px), (max-height: 479px) {
      .button .panel { inset: 0; inline-size: 100%; block-size: 100%; border: 0; border-radius: 0; }
      .button.open.ready .launcher { visibility: hidden; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .button .panel { transition: opacity 140ms ease-out, translate 140ms ease-out, visibility 140ms; }
    }
    @media (forced-colors: active) {
      .launcher, .count, .panel { border: 1px solid; }
    }`;

  const script = document.currentScript;
  const { contact = "", name = "", lang, ...given } = script?.dataset ?? {};
  if (!/^05[0-9a-f]{64}$/i.test(contact)) {
    console.warn("Holdfast: data-contact must be an Account ID, 05 and 64 more hexadecimal digits.");
    return;
  }
  const inPlace = given.mode === "frame";
  const tongue = (lang || document.documentElement.lang).split("-")[0].toLowerCase();
  const known = Object.hasOwn(WORDS, tongue);
  const words = known ? WORDS[tongue] : WORDS.en;
  const label = given.label || words.label;
  const site = new URL(".", script.src);
  const whom = `#/c/${contact}${name ? `?n=${encodeURIComponent(name)}` : ""}`;

  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  }

  /** The chat as a page of its own. */
  const link = (text) => make("a", { href: new URL(whom, site).href, target: "_blank", rel: "noopener" }, text);

  /** A frame with the chat, and what to do when it says something. */
  function open(panel, hear) {
    const query = new URLSearchParams({ view: inPlace ? "frame" : "button" });
    if (known) query.set("lang", tongue);
    const frame = make("iframe", {
      title: label,
      // The frame learns which page it talks to, and nothing of its path.
      referrerpolicy: "origin",
      allow: "clipboard-write",
      loading: inPlace ? "lazy" : "eager",
      src: new URL(`embed.html?${query}${whom}`, site).href,
    });
    let ready = false;
    let late;
    // Far below, the browser has not begun to load it, and nobody waits for it.
    const sight = new IntersectionObserver((entries) => {
      if (ready || !entries.some((entry) => entry.isIntersecting)) return;
      sight.disconnect();
      late = setTimeout(() => panel.prepend(make("div", { class: "late" }, link(words.tab))), PATIENCE);
    });
    sight.observe(panel);
    addEventListener("message", ({ origin, source, data }) => {
      if (origin !== site.origin || source !== frame.contentWindow || data?.holdfast !== VERSION) return;
      if (data.type === "ready") {
        ready = true;
        sight.disconnect();
        clearTimeout(late);
        panel.querySelector(".late")?.remove();
      }
      hear(data);
    });
    panel.append(frame);
    return {
      frame,
      /** Says something to a frame that listens; until then there is nobody to say it to. */
      say: (type) => ready && frame.contentWindow.postMessage({ holdfast: VERSION, type }, site.origin),
    };
  }

  /** A frame in this place, as high as what is in it asks for. */
  function frameHere(root) {
    const panel = make("div", { class: "panel" });
    root.append(panel);
    open(panel, ({ type, height }) => {
      if (type === "size" && Number.isFinite(height)) {
        panel.style.blockSize = `${Math.min(Math.max(height, HEIGHTS[0]), HEIGHTS[1])}px`;
      }
    });
  }

  /** A drawing of the button. */
  function picture(kind, path) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("class", kind);
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.append(document.createElementNS(space, "path"));
    svg.firstChild.setAttribute("d", path);
    return svg;
  }

  /** A button in the corner; the frame is made when it is pressed first. */
  function buttonHere(root) {
    const panel = make("div", { id: "panel", class: "panel", role: "dialog", "aria-label": label });
    const count = make("span", { class: "count", "aria-hidden": "true" });
    const launcher = make(
      "button",
      { id: "launcher", type: "button", class: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false", "aria-controls": "panel" },
      picture("talk", "M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5z"),
      picture("shut", "M6 6l12 12M18 6L6 18"),
      make("span", {}, label),
      count,
    );
    const news = make("span", { class: "unseen", role: "status" });
    root.append(panel, launcher, news);
    let chat;
    let unread = 0;
    const isOpen = () => root.classList.contains("open");

    function show(opened) {
      root.classList.toggle("open", opened);
      launcher.setAttribute("aria-expanded", String(opened));
      chat ??= open(panel, hear);
      chat.say(opened ? "open" : "closed");
      if (opened) chat.frame.focus();
      else launcher.focus();
    }
    function tell(now) {
      const told = `${words.unread}: ${now}`;
      if (now > unread && !isOpen()) news.textContent = told;
      if (now === 0) news.textContent = "";
      unread = now;
      count.textContent = now === 0 ? "" : now > MANY ? `${MANY}+` : String(now);
      if (now === 0) launcher.removeAttribute("aria-label");
      else launcher.setAttribute("aria-label", `${label}. ${told}`);
    }
    function hear({ type, count: now }) {
      if (type === "ready") {
        root.classList.add("ready");
        chat.say(isOpen() ? "open" : "closed");
      } else if (type === "close" && isOpen()) {
        show(false);
      } else if (type === "unread" && Number.isInteger(now) && now >= 0) {
        tell(now);
      }
    }
    launcher.addEventListener("click", () => show(!isOpen()));
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && isOpen()) {
        event.preventDefault();
        show(false);
      }
    });
  }

  function put() {
    const host = make("holdfast-chat", { class: inPlace ? "frame" : "button" });
    const root = make("div", { class: host.className });
    try {
      const shadow = host.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      shadow.adoptedStyleSheets = [sheet];
      shadow.append(root);
    } catch {
      // A browser too old for this is too old for the chat in a frame; the app says more.
      script.after(link(label));
      return;
    }
    if (inPlace && document.body.contains(script)) script.after(host);
    else document.body.append(host);
    if (inPlace) frameHere(root);
    else buttonHere(root);
  }

  if (document.body) put();
  else addEventListener("DOMContentLoaded", put, { once: true });
})();
