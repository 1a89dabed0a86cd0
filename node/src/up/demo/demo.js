// The page of somebody else's: asks whom the chat is with, then puts the one line on the page that a real site would have
// in its source (docs/embedding.md).

const app = document.querySelector("meta[name=app]").content;
const form = document.getElementById("whom");
document.getElementById("app").href = app;

/** Reads a contact link or an Account ID. */
function whom(text) {
  const contact = /\b05[0-9a-f]{64}\b/i.exec(text)?.[0];
  const name = /[?&]n=([^&]*)/.exec(text)?.[1] ?? "";
  try {
    return contact && { contact, name: decodeURIComponent(name) };
  } catch {
    return { contact, name: "" };
  }
}

/** Puts the line on the page, and shows it. */
function put({ contact, name }, mode) {
  const script = document.createElement("script");
  const place = document.getElementById("place");
  // This page's own policy wants to be asked about each script.
  const address = `${app}embed.js`;
  const scripts = globalThis.trustedTypes?.createPolicy("demo", { createScriptURL: (url) => (url === address ? url : "") });
  script.src = scripts?.createScriptURL(address) ?? address;
  script.dataset.contact = contact;
  if (name) script.dataset.name = name;
  if (mode === "frame") script.dataset.mode = mode;
  script.async = true;
  document.getElementById("snippet").textContent = script.outerHTML.replace('async=""', "async");
  form.hidden = true;
  place.hidden = false;
  place.append(script);
}

// What was chosen stands behind the address, so that a reload shows it again.
const [mode, text] = location.hash.slice(1).split(/:(.*)/s);
const chosen = whom(text ?? "");
if (chosen) put(chosen, mode);

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { value } = document.getElementById("link");
  if (!whom(value)) {
    document.getElementById("error").textContent = "That is neither a contact link nor an Account ID.";
    return;
  }
  location.hash = `${form.elements.mode.value}:${value}`;
  location.reload();
});
