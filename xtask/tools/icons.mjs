// Draws the app's PNG icons from the SVG ones, for systems that install apps with pictures of fixed size only. Called by
// hand when a drawing changes (`node xtask/tools/icons.mjs`); needs Chromium, which `cargo xtask setup` installs.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';

const icons = resolve(import.meta.dirname, '../../static/icons');
const wanted = [['app', 192], ['app', 512], ['maskable', 512]];
// Edges are smooth enough in so many steps, and then a picture has few enough colours for a palette.
const steps = 15;

const folder = mkdtempSync(join(tmpdir(), 'holdfast-icons-'));
for (const [name, size] of wanted) {
  const drawn = join(folder, 'drawn.png');
  execFileSync('chromium', [
    '--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--force-color-profile=srgb',
    '--force-device-scale-factor=1', '--default-background-color=00000000', `--user-data-dir=${folder}/profile`,
    `--window-size=${size},${size}`, `--screenshot=${drawn}`, `file://${join(icons, `${name}.svg`)}`,
  ], { stdio: 'ignore' });
  writeFileSync(join(icons, `${name}-${size}.png`), indexed(decode(readFileSync(drawn))));
}
rmSync(folder, { recursive: true });

/** A PNG file's pixels, as Chromium writes them: eight bits a channel, not interlaced. */
function decode(file) {
  const parts = [];
  for (let at = 8; at < file.length; at += file.readUInt32BE(at) + 12) {
    if (file.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + file.readUInt32BE(at)));
  }
  const [width, height, channels] = [file.readUInt32BE(16), file.readUInt32BE(20), file[25] === 6 ? 4 : 3];
  const rows = inflateSync(Buffer.concat(parts));
  const line = width * channels;
  const bytes = Buffer.alloc(line * height);
  const before = (row, x) => (row >= 0 && x >= 0 ? bytes[row * line + x] : 0);
  for (let row = 0; row < height; row++) {
    const filter = rows[row * (line + 1)];
    for (let x = 0; x < line; x++) {
      const [a, b, c] = [before(row, x - channels), before(row - 1, x), before(row - 1, x - channels)];
      const p = a + b - c;
      const paeth = Math.abs(p - a) <= Math.abs(p - b) && Math.abs(p - a) <= Math.abs(p - c) ? a
        : Math.abs(p - b) <= Math.abs(p - c) ? b : c;
      bytes[row * line + x] = rows[row * (line + 1) + 1 + x] + [0, a, b, (a + b) >> 1, paeth][filter];
    }
  }
  return { width, height, channels, bytes };
}

/** A PNG file with a palette. */
function indexed({ width, height, channels, bytes }) {
  const count = new Map();
  const pixels = Array.from({ length: width * height }, (_, pixel) => {
    const [r, g, b, a = 255] = bytes.subarray(pixel * channels, (pixel + 1) * channels);
    const key = [r, g, b, a].join();
    count.set(key, (count.get(key) ?? 0) + 1);
    return { key, colour: [r, g, b, a] };
  });
  // Areas keep their colours to the bit; only what lies between them is rough.
  const areas = new Set([...count].filter(([, pixels]) => pixels > width).map(([key]) => key));
  const found = new Map();
  const rows = Buffer.alloc((width + 1) * height);
  pixels.forEach(({ key: drawn, colour: exact }, pixel) => {
    const colour = areas.has(drawn) ? exact : exact.map(rough);
    const key = colour.join();
    if (!found.has(key)) found.set(key, { index: found.size, colour });
    rows[(width + 1) * Math.floor(pixel / width) + 1 + (pixel % width)] = found.get(key).index;
  });
  if (found.size > 256) throw new Error(`${found.size} colours`);
  const colours = [...found.values()].map(({ colour }) => colour);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(colours.flatMap((colour) => colour.slice(0, 3)))),
    chunk('tRNS', Buffer.from(colours.map((colour) => colour[3]))),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function rough(value) {
  return Math.round((Math.round((value / 255) * steps) / steps) * 255);
}

function chunk(name, content) {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  let sum = 0xffffffff;
  for (const byte of body) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(content.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(~sum >>> 0, body.length + 4);
  return out;
}
