// Leaves out of the built site's language files what only translators read: their notes, and the blanks. Trunk runs it over
// the built site (Trunk.toml).
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(process.env.TRUNK_STAGING_DIR, 'languages');
for (const name of readdirSync(folder)) {
  const entries = Object.entries(JSON.parse(readFileSync(join(folder, name), 'utf8')));
  const texts = entries.map(([key, value]) => [key, value.text ?? value]);
  writeFileSync(join(folder, name), JSON.stringify(Object.fromEntries(texts)));
}
