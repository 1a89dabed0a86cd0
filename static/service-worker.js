// Takes what other apps share with this one (`share_target` in holdfast.webmanifest) and holds it, in memory only, until
// the page comes for it. It answers nothing else: whatever it does not answer goes to the network as without it.

/** Where the manifest has the browser post what is shared. */
const target = new URL("share", registration.scope).href;
/** How long something is held, in milliseconds: a browser ends what a worker does after five minutes. */
const patience = 4 * 60 * 1000;
/** What was shared and is not settled yet, by a random name that only the page it opens learns. */
const held = new Map();

/** Holds what was posted, and opens the app with its name. */
async function take(event) {
  // A name that nothing is held under: the page says that it has to be shared again.
  let name = "lost";
  try {
    const form = await event.request.formData();
    const text = (field) => form.getAll(field).filter((value) => typeof value === "string").join("\n");
    // Without a file, browsers post an empty one that has no name.
    const files = form.getAll("files").filter((file) => file instanceof File && (file.size > 0 || file.name));
    const share = { files, title: text("title"), text: text("text"), url: text("url") };
    name = crypto.randomUUID();
    const settled = new Promise((settle) => held.set(name, { share, settle }));
    setTimeout(settle, patience, name);
    event.waitUntil(settled);
  } catch (error) {
    console.warn("not taken:", error);
  }
  return Response.redirect(`./?share=${name}`, 303);
}

/** Forgets something that was shared; the browser may end this worker then. */
function settle(name) {
  held.get(name)?.settle();
  held.delete(name);
}

addEventListener("install", (event) => {
  // Where a browser can be told so, it does not start this worker for what it does not answer.
  const rules = { condition: { requestMethod: "GET" }, source: "network" };
  event.waitUntil(Promise.resolve(event.addRoutes?.(rules)).catch(() => {}));
});

addEventListener("fetch", (event) => {
  if (event.request.method === "POST" && event.request.url === target) event.respondWith(take(event));
});

addEventListener("message", ({ data, ports }) => {
  if (data.take) ports[0].postMessage(held.get(data.take)?.share ?? null);
  if (data.settle) settle(data.settle);
});
