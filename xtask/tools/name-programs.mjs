// Gives the programs' files names that hold their hash: trunk leaves a worker's as they are, and knows nothing of the second
// part of the page's program (xtask/tools/bindgen), which comes in here. Writes these names into the page, and the version, for
// `holdfast sign`: the one that the app in it shows. Then makes the page for frames (docs/embedding.md): the same page under a
// name of its own, since servers allow framing by address. Trunk runs it over the built site (Trunk.toml).
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How wasm-opt is called for the parts that trunk calls it for (static/index.html). */
const optimise = [
  '-Oz', '--enable-bulk-memory', '--enable-mutable-globals', '--enable-nontrapping-float-to-int',
  '--enable-reference-types', '--enable-sign-ext', '--enable-multivalue',
];

const folder = process.env.TRUNK_STAGING_DIR;
const read = (name) => readFileSync(join(folder, name));
const page = join(folder, 'index.html');
let text = read('index.html').toString();

/** Replaces what must be there. */
function put(pattern, value, what) {
  const changed = text.replace(pattern, value);
  if (changed === text) throw new Error(`index.html does not name ${what}`);
  text = changed;
}

/** A name with the hash of these files. */
function name(prefix, files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(read(file));
  return `${prefix}-${hash.digest('hex').slice(0, 16)}`;
}

/** The one file of the site whose name fits. */
function only(pattern) {
  const found = readdirSync(folder).filter((file) => pattern.test(file));
  if (found.length !== 1) throw new Error(`${found.length} files are like ${pattern}`);
  return found[0];
}

// The second part, and who loads it: the script that starts the first one.
const second = join(process.env.CARGO_TARGET_DIR ?? 'target', 'split', 'split_later.wasm');
execFileSync('wasm-opt', [...optimise, second, '-o', join(folder, 'later.wasm')], { stdio: ['ignore', 'ignore', 'inherit'] });
const boot = only(/^boot-[0-9a-f]+\.js$/);
const glue = only(/^holdfast-app-[0-9a-f]+\.js$/);
const before = read(glue).toString();
const loads = before.replace(/(\bfrom\s*)(["'])\.\/__wasm_split\.js\2/, `$1"./${boot}"`);
if (loads === before) throw new Error(`${glue} does not load the second part`);
writeFileSync(join(folder, glue), loads);

const first = glue.replace(/\.js$/, '');
const parts = [`${first}.js`, `${first}_bg.wasm`, 'later.wasm'];
const program = name('app', parts);
['.js', '_bg.wasm', '_later.wasm'].forEach((ending, n) => renameSync(join(folder, parts[n]), join(folder, program + ending)));
put(new RegExp(first, 'g'), program, 'the program');

// The library of the cut, which the view library brings with it, marks each program by a name made of where cargo keeps its
// sources, on this machine. In the page's program the cut removes it.
const marked = read('engine_bg.wasm').toString('latin1');
const alike = marked.replace(/(_WASM_SPLIT_MARKER_)[0-9a-f]{16}/g, (_, mark) => mark + '0'.repeat(16));
writeFileSync(join(folder, 'engine_bg.wasm'), alike, 'latin1');
const engineFiles = ['.js', '_bg.wasm'];
const engine = name('engine', engineFiles.map((ending) => `engine${ending}`));
for (const ending of engineFiles) renameSync(join(folder, `engine${ending}`), join(folder, engine + ending));
const version = /^version = "([^"]+)"$/m.exec(readFileSync('Cargo.toml', 'utf8'))?.[1];
if (!version) throw new Error('Cargo.toml names no version');
const marks = `<meta name="version" content="${version}"><meta name="later" content="${program}_later.wasm">`;
put(/(<meta\b[^>]*\bcontent=["']?)engine(?=["'\s>])/, `${marks}$1${engine}`, 'the engine');
writeFileSync(page, text);

put(/<html\b/, '$& data-entry="embed"', 'its element');
writeFileSync(join(folder, 'embed.html'), text);
