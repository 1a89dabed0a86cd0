// Writes a gzip and a brotli copy beside each file of a folder that gets smaller by it, so that the server never
// compresses while somebody waits. Called with the folder; prints nothing.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const folder = process.argv[2];
// Already compressed, or too small for the header to pay.
const packed = /\.(png|jpg|webp|woff2|gz|br)$/;
const smallest = 256;

for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  if (packed.test(file)) continue;
  const bytes = readFileSync(file);
  const copies = {
    gz: () => gzipSync(bytes, { level: 9 }),
    br: () => brotliCompressSync(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 11,
        [constants.BROTLI_PARAM_LGWIN]: 24,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  };
  for (const [ending, make] of Object.entries(copies)) {
    const copy = bytes.length < smallest ? bytes : make();
    if (copy.length < bytes.length) writeFileSync(`${file}.${ending}`, copy);
    else rmSync(`${file}.${ending}`, { force: true });
  }
}
