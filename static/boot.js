// Brings the program up. One file, two entries: in the page it compiles the program once and starts it; in the engine
// worker it takes the compiled program from the page and starts it there.

const inPage = typeof document !== "undefined";

/** Starts the page's program, or says on the painted start page why that can't be. */
async function startPage() {
  const glue = document.querySelector("link[rel=modulepreload]").href;
  const program = document.querySelector("link[rel=preload][as=fetch]").href;
  let compiled;
  globalThis.holdfast = {
    /** Starts an engine worker with the page's compiled program. Called by the program. */
    startWorker() {
      const worker = new Worker(import.meta.url, { type: "module", name: "engine" });
      worker.postMessage({ glue, compiled });
      return worker;
    },
  };
  try {
    const [bindings, response] = await Promise.all([import(glue), fetch(program, { credentials: "same-origin" })]);
    if (!response.ok) throw new Error(`status ${response.status}`);
    compiled = await WebAssembly.compileStreaming(response);
    await bindings.default({ module_or_path: compiled });
  } catch (error) {
    const old = typeof WebAssembly === "undefined" || !("compileStreaming" in WebAssembly);
    document.getElementById(old ? "too-old" : "not-loaded")?.removeAttribute("hidden");
    document.getElementById("loading")?.setAttribute("hidden", "");
    console.warn("not started:", error);
  }
}

/** Waits for the compiled program; what the page says meanwhile is kept until the program listens. */
function startWorker() {
  const early = [];
  addEventListener("message", ({ data }) => {
    onmessage = (event) => early.push(event.data);
    (async () => {
      const bindings = await import(data.glue);
      await bindings.default({ module_or_path: data.compiled });
      for (const message of early) dispatchEvent(new MessageEvent("message", { data: message }));
    })().catch((error) => setTimeout(() => { throw error; }));
  }, { once: true });
  // A failure inside a promise would pass unnoticed; thrown again it reaches the page, which starts another worker.
  addEventListener("unhandledrejection", (event) => setTimeout(() => { throw event.reason; }));
}

if (inPage) startPage();
else startWorker();
