// Brings the programs up. One file, two entries: in the page it compiles and starts the page's program and fetches the
// engine's, which a first visit does not wait for; in the engine worker it takes the compiled engine from the page and
// starts it there.

const inPage = typeof document !== "undefined";
/** Whether another page shows this one in a frame. */
const framed = inPage && parent !== self;

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

/** Starts the page's program, or says on the painted start page why that can't be. */
async function startPage() {
  const glue = document.querySelector("link[rel=modulepreload]").href;
  const program = document.querySelector("link[rel=preload][as=fetch]").href;
  const engine = new URL(document.querySelector("meta[name=engine]").content, document.baseURI).href;
  let compiledEngine;
  /** Loads the engine, once; again only if that failed. */
  const loadEngine = (priority) => {
    compiledEngine ??= compile(`${engine}_bg.wasm`, priority).catch((error) => {
      compiledEngine = undefined;
      throw error;
    });
    return compiledEngine;
  };
  globalThis.holdfast = {
    /** Starts an engine worker with the compiled engine. Called by the page's program. */
    startWorker() {
      const worker = new Worker(import.meta.url, { type: "module", name: "engine" });
      loadEngine("high").then(
        (compiled) => worker.postMessage({ glue: `${engine}.js`, compiled }),
        () => worker.dispatchEvent(new Event("error")),
      );
      return worker;
    },
  };
  try {
    // Who has an account here needs both at once.
    if (!framed && accountKept()) loadEngine("high").catch(() => {});
    const [bindings, compiled] = await Promise.all([import(glue), compile(program, "high")]);
    await bindings.default({ module_or_path: compiled });
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
