// Three things, for the pages of this site in this browser.
//
// It runs one release of the site. When the page asks for it, it takes the first signed release that the server offers,
// whole, and from then on answers with the files of that release and no others, with a network or without. Another one it
// takes only if the same key signed it, or one that this key handed over to; if it is newer and complete; and when the user
// says so. `node/src/release` says what a release is. A site that is not signed comes from the server as without this worker;
// what its page was made of last is kept beside, and answers while the server can't be reached.
//
// And it takes what other apps share with this one (`share_target` in holdfast.webmanifest) and holds it, in memory only,
// until the page comes for it.
//
// And it shows notifications for the page, since some browsers let nobody else do that, and leads back to the page from them.
//
// Change this file rarely: a browser runs a changed one without asking, so the page warns where no release explains it.

const scope = registration.scope;
/** The address of a file of the site. */
const at = (path) => new URL(path, scope).href;

/** The gateway's addresses: data, which is no part of a release. */
const gateway = at("v1/");
/** What operators set for themselves: no part of a release, and kept to start without a network. */
const settings = ["networks/default.json", "embed.json"].map(at);
/** How long the server has to answer with one of them before the one before is taken, in milliseconds. */
const settingsPatience = 4_000;

// ---- Releases: what is kept ----

/** The cache of what outlives a release: the state, under an address of its own, and the operator's settings. */
const keptCache = "holdfast";
const stateAddress = at("release.state");
/** The cache of one release's files: this and the hash of its list. */
const cacheOf = (fingerprint) => `holdfast-release-${fingerprint}`;

/**
 * `{ running, offered, before, key, since, worker, refused, checked, lost }`, each once there is one: the release that runs,
 * the one that waits for the user, the hash of the one before; the key, since when; the hash of the worker's script as the
 * browser should have it; what was refused last; when the server was looked at last; the number of a release that the
 * browser lost. A release is `{ fingerprint, version, number, worker }`.
 */
let state;
/** Whether it is known that no release runs from here. */
let idle = false;

async function readState() {
  const found = await caches.match(stateAddress, { cacheName: keptCache });
  const { running, ...rest } = found ? await found.json() : {};
  const there = running && (await caches.has(cacheOf(running.fingerprint)));
  idle = !there;
  if (there) return { running, ...rest };
  return running ? { ...rest, lost: running.number } : rest;
}

async function keepState(next) {
  const cache = await caches.open(keptCache);
  await cache.put(stateAddress, new Response(JSON.stringify(next)));
  state = Promise.resolve(next);
  idle = !next.running;
}

state = readState();

/** A file of a stored release. */
const find = (address, fingerprint) => fingerprint && caches.match(address, { cacheName: cacheOf(fingerprint) });

// ---- Releases: what the server offers ----

/** As in `node/src/release/mod.rs`. */
const [list, signature, format] = ["release.json", "release.sig", 1];
const signed = "holdfast release\n";
const handedOver = "holdfast release key\n";
const [mostList, mostSignature, mostFile, mostFiles] = [512 * 1024, 4_096, 64 * 1024 * 1024, 4_096];
/** Names that stay inside of the site. */
const plain = /^(?!.*(^|\/)\.)[\w.-]+(\/[\w.-]+)*$/;
/** The site's one page. */
const page = "index.html";
/** Files that every release has. */
const needed = [page, "service-worker.js"];
/** Files that are looked at although the release is the one that runs: a change of these would do most. */
const watched = [...needed, "embed.html"];
/** What a stored file keeps of the server's headers. Its content is verified, these are not: only what restricts. */
const keptHeaders = [
  "content-security-policy", "content-type", "cross-origin-embedder-policy", "cross-origin-opener-policy",
  "cross-origin-resource-policy", "permissions-policy", "referrer-policy", "x-content-type-options", "x-frame-options",
];
/** How many files are fetched at a time. */
const hands = 6;

/** Why a release is not taken. */
class Refusal extends Error {}

/** Whether this browser can check signatures. */
const canCheck = crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]).then(() => true, () => false);

const hex = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const hash = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));

function unhex(text, length) {
  if (typeof text !== "string" || text.length !== 2 * length || !/^[0-9a-f]+$/.test(text)) throw new Refusal("altered");
  return Uint8Array.from(text.match(/../g), (digits) => parseInt(digits, 16));
}

/** What JSON says; nothing where it is none, such as the page that some servers give for whatever they don't have. */
function parse(bytes, most) {
  try {
    return bytes.byteLength <= most ? JSON.parse(new TextDecoder().decode(bytes)) : null;
  } catch {
    return null;
  }
}

/** Refuses what a key did not sign. */
async function verify(key, signature, what, bytes) {
  const message = new Uint8Array(await new Blob([what, bytes]).arrayBuffer());
  const [point, proof] = [unhex(key, 32), unhex(signature, 64)];
  const right = await crypto.subtle
    .importKey("raw", point, "Ed25519", false, ["verify"])
    .then((key) => crypto.subtle.verify("Ed25519", key, proof, message))
    .catch(() => false);
  if (!right) throw new Refusal("altered");
}

/** Fetches a file and its headers; nothing where the server says that there is none. */
async function get(path, most, cache = "reload") {
  // The page by the address that browsers open: some servers lead from its name to that.
  const answer = await fetch(at(path === page ? "" : path), { cache, redirect: "manual" });
  if (answer.type === "opaqueredirect" || [403, 404, 410].includes(answer.status)) return undefined;
  if (!answer.ok) throw new Error(`${path}: status ${answer.status}`);
  const [parts, reader] = [[], answer.body.getReader()];
  for (let length = 0, step = await reader.read(); !step.done; step = await reader.read()) {
    length += step.value.length;
    if (length > most) {
      reader.cancel();
      throw new Refusal("altered");
    }
    parts.push(step.value);
  }
  const headers = keptHeaders.map((name) => [name, answer.headers.get(name)]).filter(([, value]) => value !== null);
  return { bytes: await new Blob(parts).arrayBuffer(), headers };
}

/** A file of a release from the server, as the list has it. */
async function fetched(path, wanted) {
  // What the browser has of it will do if that is right.
  for (const cache of ["no-cache", "reload"]) {
    const found = await get(path, mostFile, cache);
    if (!found) throw new Refusal("partial");
    if ((await hash(found.bytes)) === wanted) return new Response(found.bytes, { headers: found.headers });
  }
  throw new Refusal("altered");
}

/** The release that the server offers: its list, if `trusted` signed it or led to the key that did. */
async function offer(trusted) {
  const found = await get(list, mostList);
  const proof = parse((await get(signature, mostList))?.bytes, mostSignature);
  if (!found || proof?.format !== format) throw new Refusal("unsigned");
  await verify(proof.key, proof.signature, signed, found.bytes);
  let key = trusted ?? proof.key;
  for (const step of Array.isArray(proof.handed_over) ? proof.handed_over : []) {
    if (step?.from !== key) continue;
    await verify(step.from, step.signature, handedOver, unhex(step.to, 32));
    key = step.to;
  }
  if (key !== proof.key) throw new Refusal("key");
  const { format: form, version, number, files } = parse(found.bytes, mostList) ?? {};
  if (form !== format || !Number.isSafeInteger(number)) throw new Refusal("altered");
  const paths = Object.keys(files ?? {});
  const whole = paths.length <= mostFiles && paths.every((path) => plain.test(path));
  if (!whole || needed.some((path) => !paths.includes(path))) throw new Refusal("partial");
  const release = { fingerprint: await hash(found.bytes), version: String(version), number, worker: files["service-worker.js"] };
  return { key, files, release, bytes: found.bytes };
}

/** Stores every file of a release, each as the list has it; what is the same in an earlier one is not fetched again. */
async function store({ files, bytes, release: { fingerprint } }, earlier) {
  const cache = await caches.open(cacheOf(fingerprint));
  const before = await (await find(at(list), earlier))?.json();
  const waiting = Object.entries(files);
  const work = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const [path, wanted] = next;
      // Whatever is in the cache was verified when it came there.
      if (await cache.match(at(path))) continue;
      const same = before?.files[path] === wanted && (await find(at(path), earlier));
      await cache.put(at(path), same || (await fetched(path, wanted)));
    }
  };
  await Promise.all(Array.from({ length: hands }, work));
  await cache.put(at(list), new Response(bytes, { headers: [["content-type", "application/json"]] }));
}

/** Fetches anew what is watched of the release that runs: whether it is still as it was signed, and with which headers. */
async function watch({ files, release: { fingerprint } }) {
  const cache = await caches.open(cacheOf(fingerprint));
  for (const path of watched) {
    if (path in files) await cache.put(at(path), await fetched(path, files[path]));
  }
}

/** The hash of the worker's script as the browser has it, when the server's is known to be the one of the release that runs. */
async function presentWorker({ running, worker }) {
  if (running.worker === worker) return worker;
  await registration.update();
  return registration.installing || registration.waiting ? worker : running.worker;
}

/** What the state becomes by what the server offers. */
async function weigh(now) {
  const { running, offered, lost = 0 } = now;
  const found = await offer(now.key);
  const { key, release } = found;
  const [runs, waits] = [running, offered].map((other) => other?.fingerprint === release.fingerprint);
  if (waits) return now;
  const newer = running ? release.number > Math.max(running.number, offered?.number ?? 0) : release.number >= lost;
  if (!runs && !newer) throw new Refusal("older");
  try {
    await (runs ? watch(found) : store(found, running?.fingerprint));
  } catch (error) {
    // Not a refusal while the files of the site are being replaced.
    const present = await get(list, mostList);
    if (!present || (await hash(present.bytes)) !== release.fingerprint) throw new Error("the site changes");
    throw error;
  }
  if (runs) return { ...now, offered: undefined, worker: await presentWorker(now) };
  if (running) return { ...now, offered: { ...release, key } };
  await Promise.all(settings.map(setting));
  return { key, since: now.since ?? Date.now(), running: release, worker: release.worker };
}

/** Looks at what the server offers now, and keeps what comes of it. The language is the one that the page is shown in. */
async function look(language) {
  if (await canCheck) await consider();
  const { running, refused } = await state;
  if (running || (refused && refused.reason !== "unsigned")) return;
  // The page works as well without what is kept here.
  await keepLast(language).catch((error) => console.info("not kept:", error));
}

/** Whether the server offers a release that can be taken, and what becomes of it. */
async function consider() {
  const now = await state;
  let next;
  try {
    next = { ...(await weigh(now)), refused: undefined };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // What was refused before for the same reason, and read, is not told again.
    next = { ...now, refused: now.refused?.reason === error.message ? now.refused : { reason: error.message } };
  }
  await keepState({ ...next, checked: Date.now() });
  await tidy();
}

/** Removes releases that nobody needs any more, and with a release what an unsigned site was made of. */
async function tidy() {
  const { running, offered, before } = await state;
  const wanted = [running?.fingerprint, offered?.fingerprint, before].map(cacheOf);
  const stale = (await caches.keys()).filter((name) => name.startsWith(cacheOf("")) && !wanted.includes(name));
  if (running) stale.push(lastCache);
  await Promise.all(stale.map((name) => caches.delete(name)));
}

/** The user wants the release that waits: it runs from now on, and every page starts again with it. */
async function restart() {
  const { offered, running, ...rest } = await state;
  if (!offered) return;
  const { key, ...release } = offered;
  // A page that did not start again may still ask for files of the one before.
  await keepState({ ...rest, key, running: release, before: running?.fingerprint });
  await tidy();
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  for (const client of pages) client.postMessage({ restart: true });
}

/** The user has read what was refused. */
async function read() {
  const now = await state;
  if (now.refused) await keepState({ ...now, refused: { ...now.refused, read: true } });
}

/** This is the worker that a release brought along. */
async function arrive() {
  const now = await state;
  const brought = [now.running, now.offered].find((release) => release && release.worker !== now.worker);
  if (brought) await keepState({ ...now, worker: brought.worker });
}

let turn = Promise.resolve();

/** Does something that changes the state when everything before it is done. */
function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => {});
  return done;
}

const orders = { state: async () => {}, check: look, restart, read };

/** Carries out what the page asks for, and tells how things stand then. */
async function carryOut(order, language) {
  const failed = await inTurn(() => orders[order]?.(language)).then(() => false, (error) => {
    console.info("releases:", error);
    return true;
  });
  return { ...(await state), failed, canCheck: await canCheck };
}

// ---- A site that is not signed ----

/** The cache of what its page was made of when the server was looked at last. */
const lastCache = "holdfast-last";
/** What a page names in its tags. */
const named = /\b(?:href|src|content)=["']?([\w./-]+)/g;
/** How it names the engine: without the ends of the two files (`static/boot.js`). */
const engine = /^engine(-[0-9a-f]+)?$/;
/** The files of a site, apart from its pages. */
const kinds = /\.(css|js|json|svg|txt|wasm)$/;
/** A name that holds the hash of its file: that file never changes. */
const hashed = /-[0-9a-f]{8,}[._][^/]*$/;

/** An address without what is no part of a file's. */
const plainly = (url) => url.replace(/[?#].*$/, "");
/** Whether an answer must not be kept. A page of which that is said is a kiosk's: nothing of the site is to be kept then. */
const forbids = ({ headers }) => /no-store/i.test(headers.get("cache-control") ?? "");

/** The files that a page needs to start, as addresses. */
function needs(text) {
  const names = Array.from(text.matchAll(named), ([, name]) => name);
  const files = names.flatMap((name) => (engine.test(name) ? [`${name}.js`, `${name}_bg.wasm`] : [name]));
  const inside = (address) => address.startsWith(scope) && !address.startsWith(gateway) && kinds.test(address);
  return [...new Set(files.map(at).filter(inside))];
}

/**
 * Keeps what the page of the server is made of now. It comes last, so that the one before starts until all is there; then
 * files that only that one needs are dropped.
 */
async function keepLast(language) {
  const answer = await fetch(scope, { cache: "no-cache" });
  if (forbids(answer)) await caches.delete(lastCache);
  if (!answer.ok || answer.redirected || forbids(answer)) return;
  const cache = await caches.open(lastCache);
  const files = needs(await answer.clone().text());
  const words = typeof language === "string" ? [at(`languages/${language}.json`)] : [];
  const take = async (address) => {
    if (hashed.test(address) && (await cache.match(address))) return;
    const file = await fetch(address);
    if (!file.ok) throw new Error(`${address}: status ${file.status}`);
    await cache.put(address, file);
  };
  await Promise.all([...files, ...words].map(take).concat(settings.map(setting)));
  await cache.put(at(page), answer);
  const stale = (await cache.keys()).filter(({ url }) => hashed.test(url) && !files.includes(url));
  await Promise.all(stale.map((request) => cache.delete(request)));
}

/** Whether a file that is fetched while the page is used is to be kept, such as its words in another language. */
const keeps = (address, answer) => answer.ok && !forbids(answer) && kinds.test(address) && !hashed.test(address);

/** Keeps it beside a page that is kept: at a kiosk, or where a release runs, there is none. */
async function keepMore(address, answer) {
  if (!(await caches.has(lastCache))) return;
  const cache = await caches.open(lastCache);
  await cache.put(address, answer);
}

/** Answers from the server; while it can't be reached, from what is kept. */
async function answerUnsigned(event) {
  const { request } = event;
  const address = plainly(request.url);
  const opens = request.mode === "navigate";
  if (request.method !== "GET" || address.startsWith(gateway)) return fetch(request);
  if (!opens && settings.includes(address) && (await caches.has(lastCache))) return setting(address);
  try {
    const answer = await fetch(request);
    if (opens && forbids(answer)) await caches.delete(lastCache);
    // Without room for it, it is there all the same.
    if (!opens && request.url === address && keeps(address, answer)) {
      event.waitUntil(keepMore(address, answer.clone()).catch(() => {}));
    }
    return answer;
  } catch (error) {
    const kept = (file) => caches.match(file, { cacheName: lastCache });
    const file = await kept(address === scope ? at(page) : address);
    if (file) return file;
    // The app has one page, and shows it at any address.
    if (request.destination === "document" && (await kept(at(page)))) return Response.redirect(scope, 303);
    throw error;
  }
}

// ---- Answers ----

/** The operator's present setting, or without a network the one before. */
async function setting(address) {
  const cache = await caches.open(keptCache);
  try {
    const answer = await fetch(address, { cache: "no-cache", signal: AbortSignal.timeout(settingsPatience) });
    if (!answer.ok && answer.status !== 404) throw new Error(`status ${answer.status}`);
    // Where there is no room for it, the one before stays.
    await cache.put(address, answer.clone()).catch(() => {});
    return answer;
  } catch {
    return (await cache.match(address)) ?? Response.error();
  }
}

/** Whether a request may be for the site's files. Uploads and the gateway's data are not. */
function concerns({ url, method, mode, destination }) {
  if (!url.startsWith(scope)) return false;
  if (idle) return method === "GET" && !url.startsWith(gateway);
  return mode === "navigate" || (method === "GET" && !(destination === "" && url.startsWith(gateway)));
}

/** Answers from the release that runs. What a page is made of never comes from the server; data may. */
async function answer(event) {
  const { running, before } = await state;
  if (!running) return answerUnsigned(event);
  const { request } = event;
  const address = plainly(request.url);
  const file = await find(address === scope ? at(page) : address, running.fingerprint);
  if (file) return file;
  // The app has one page, and none of the server's is shown in its place.
  if (request.mode === "navigate") return address === scope ? Response.error() : Response.redirect(scope, 303);
  if (settings.includes(address)) return setting(address);
  const earlier = await find(address, before);
  if (earlier) return earlier;
  return request.destination === "" ? fetch(request) : new Response(null, { status: 404 });
}

// ---- Sharing ----

/** Where the manifest has the browser post what is shared. */
const target = at("share");
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

// ---- Notifications ----

/** Shows a notification for a page, noting which page that is; tells whether the browser did. */
const notify = ({ title, options }, { id }) =>
  registration.showNotification(title, { ...options, data: id }).then(() => true, () => false);

/**
 * The user chose a notification, by its tag: its page comes to the front and hears of it. Where that page has gone, another
 * one of the app does, or is opened. Only the page knows what the tag, a random one, stands for.
 */
async function choose({ tag, data }) {
  const pages = await clients.matchAll({ type: "window", includeUncontrolled: true });
  const own = ({ url, frameType }) => url.startsWith(scope) && frameType === "top-level";
  const client = pages.find(({ id }) => id === data) ?? pages.find(own);
  client?.postMessage({ chosen: tag });
  await (client ? client.focus() : clients.openWindow(scope));
}

/** The user put a notification away. */
const dismiss = async ({ tag, data }) => (await clients.get(data))?.postMessage({ dismissed: tag });

// ---- Events ----

addEventListener("install", (event) => {
  // Where a browser can be told so, it does not start this worker for the gateway's data.
  const rules = { condition: { urlPattern: `${gateway}*`, requestDestination: "" }, source: "network" };
  event.waitUntil(Promise.resolve(event.addRoutes?.(rules)).catch(() => {}));
});

addEventListener("activate", (event) => {
  // Another worker may have written it since this one was started.
  state = readState();
  event.waitUntil(inTurn(arrive));
});

addEventListener("fetch", (event) => {
  if (event.request.method === "POST" && event.request.url === target) event.respondWith(take(event));
  else if (concerns(event.request)) event.respondWith(answer(event));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(choose(event.notification).catch((error) => console.info("not shown:", error)));
});

addEventListener("notificationclose", (event) => event.waitUntil(dismiss(event.notification)));

addEventListener("message", (event) => {
  const { data, ports, source } = event;
  if (data.take) ports[0].postMessage(held.get(data.take)?.share ?? null);
  if (data.settle) settle(data.settle);
  if (data.notify) event.waitUntil(notify(data.notify, source).then((shown) => ports[0].postMessage(shown)));
  // The page, once a release explains this worker: otherwise it waits until all pages are closed.
  if (data.takeOver) skipWaiting();
  if (data.release) event.waitUntil(carryOut(data.release, data.language).then((told) => ports[0].postMessage(told)));
});
