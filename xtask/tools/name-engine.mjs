// Gives the engine's files names that hold their hash, as trunk does for all other files: it leaves a worker's as they
// are. Writes the version into the page, for `holdfast sign`: the one that the app in it shows. Then makes the page for frames
// (docs/embedding.md): the same page under a name of its own, since servers allow framing by address. Trunk runs it over the
// built site (Trunk.toml).
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.TRUNK_STAGING_DIR;
const page = join(folder, 'index.html');
const files = ['.js', '_bg.wasm'];
const hash = createHash('sha256');
for (const ending of files) hash.update(readFileSync(join(folder, `engine${ending}`)));
const name = `engine-${hash.digest('hex').slice(0, 16)}`;
const text = readFileSync(page, 'utf8');
const version = /^version = "([^"]+)"$/m.exec(readFileSync('Cargo.toml', 'utf8'))?.[1];
if (!version) throw new Error('Cargo.toml names no version');
const mark = `<meta name="version" content="${version}">`;
const named = text.replace(/(<meta\b[^>]*\bcontent=["']?)engine(?=["'\s>])/, `${mark}$1${name}`);
if (named === text) throw new Error('index.html does not name the engine');
writeFileSync(page, named);
const forFrames = named.replace(/<html\b/, '$& data-entry="embed"');
if (forFrames === named) throw new Error('index.html has no html element');
writeFileSync(join(folder, 'embed.html'), forFrames);
for (const ending of files) renameSync(join(folder, `engine${ending}`), join(folder, `${name}${ending}`));
