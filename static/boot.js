// Brings the programs up. One file, two entries: in the page it compiles and starts the first part of the page's program, and
// fetches the second one and the engine, which a first visit does not wait for; in the engine worker it takes the compiled
// engine from the page and starts it there.

const inPage = typeof document !== "undefined";
if (inPage) guardSinks();
/** Whether another page shows this one in a frame. */
const framed = inPage && parent !== self;

/**
 * Says what the browser takes from this page's programs where it asks (trusted types): no script but this one and the service
 * worker, and markup that runs nothing, which views are made from. A worker has no such rule, and takes none.
 */
function guardSinks() {
  const scripts = [import.meta.url, new URL("service-worker.js", import.meta.url).href];
  const runs = /<(script|iframe|object|embed|base|meta|link)\b|[\s"'/]on\w+\s*=|javascript:/i;
  globalThis.trustedTypes?.createPolicy("default", {
    createScriptURL(address) {
      if (!scripts.includes(new URL(address, document.baseURI).href)) throw new TypeError("not a script of this page");
      return address;
    },
    createHTML(markup) {
      if (runs.test(markup)) throw new TypeError("markup that runs something");
      return markup;
    },
  });
}

/** Fetches and compiles a program. */
async function compile(address, priority) {
  const response = await fetch(address, { credentials: "same-origin", priority });
  if (!response.ok) throw new Error(`status ${response.status}`);
  return WebAssembly.compileStreaming(response);
}

/** Whether this page is in its place: the one for frames in a frame, and any other in none. */
function inPlace() {
  const forFrames = document.documentElement.dataset.entry === "embed";
  if (framed === forFrames) return true;
  if (framed) {
    // Whoever frames the app could lead somebody's clicks. Servers forbid it by a header; this is for those that don't.
    document.getElementById("framed").hidden = false;
    document.getElementById("loading").hidden = true;
  } else {
    location.replace(`./${location.search}${location.hash}`);
  }
  return false;
}

/** Something that is loaded once; again only if that failed. */
function once(load) {
  let loaded;
  return (priority) => {
    loaded ??= load(priority).catch((error) => {
      loaded = undefined;
      throw error;
    });
    return loaded;
  };
}

/** What the page names in its head, as an address. */
const named = (what) => new URL(document.querySelector(`meta[name=${what}]`).content, document.baseURI).href;
/** Loads the engine. */
const loadEngine = once((priority) => compile(`${named("engine")}_bg.wasm`, priority));
/** Loads the part of the page's program that the first screens do without. */
const loadLater = once((priority) => compile(named("later"), priority));
/** What the first part of the page's program gives to the second. */
let shared;

/** Brings in that second part, and then calls the program back. Called by the program; its tools gave the name. */
export async function __wasm_split_load_later(callback, data) {
  let here = false;
  try {
    await WebAssembly.instantiate(await loadLater("high"), { __wasm_split: shared });
    here = true;
  } catch (error) {
    console.warn("not loaded:", error);
  }
  shared.__indirect_function_table.get(callback)(data, here);
}

/** Starts the page's program, or says on the painted start page why that can't be. */
async function startPage() {
  const glue = document.querySelector("link[rel=modulepreload]").href;
  const program = document.querySelector("link[rel=preload][as=fetch]").href;
  globalThis.holdfast = {
    /** Starts an engine worker with the compiled engine. Called by the page's program. */
    startWorker() {
      const worker = new Worker(import.meta.url, { type: "module", name: "engine" });
      loadEngine("high").then(
        (compiled) => worker.postMessage({ glue: `${named("engine")}.js`, compiled }),
        () => worker.dispatchEvent(new Event("error")),
      );
      return worker;
    },
  };
  try {
    // Who has an account here needs all at once; a chat in a frame, all of the program.
    const known = !framed && accountKept();
    if (known || framed) loadLater("high").catch(() => {});
    if (known) loadEngine("high").catch(() => {});
    const [bindings, compiled] = await Promise.all([import(glue), compile(program, "high")]);
    shared = await bindings.default({ module_or_path: compiled });
    await loadLater("low").catch(() => {});
    loadEngine("low").catch(() => {});
  } catch (error) {
    const old = typeof WebAssembly === "undefined" || !("compileStreaming" in WebAssembly);
    document.getElementById(old ? "too-old" : "not-loaded")?.removeAttribute("hidden");
    document.getElementById("loading")?.setAttribute("hidden", "");
    console.warn("not started:", error);
  }
}

/** Whether this device is marked as keeping an account (`app/src/platform/session.rs`). */
function accountKept() {
  try {
    return localStorage.getItem("holdfast") !== null;
  } catch {
    return false;
  }
}

/** Waits for the compiled engine; what the page says meanwhile is kept until the engine listens. */
function startWorker() {
  const early = [];
  onmessage = ({ data }) => {
    if (!data.compiled) {
      early.push(data);
      return;
    }
    onmessage = (event) => early.push(event.data);
    (async () => {
      const bindings = await import(data.glue);
      await bindings.default({ module_or_path: data.compiled });
      for (const message of early) dispatchEvent(new MessageEvent("message", { data: message }));
    })().catch((error) => setTimeout(() => { throw error; }));
  };
  // A failure inside a promise would pass unnoticed; thrown again it reaches the page, which starts another worker.
  addEventListener("unhandledrejection", (event) => setTimeout(() => { throw event.reason; }));
}

if (!inPage) startWorker();
else if (inPlace()) startPage();
