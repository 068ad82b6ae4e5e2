// Writes the server's settings into package.json, from the JSON schema that `tagout settings --schema` prints:
//   tagout settings --schema | node scripts/settings.mjs          rewrites package.json
//   tagout settings --schema | node scripts/settings.mjs --check  fails when it would
// The first section of `contributes.configuration` is the client's own and stays as it is.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generated } from './schema.mjs';

const place = fileURLToPath(new URL('../package.json', import.meta.url));
const before = readFileSync(place, 'utf8');
const section = generated(JSON.parse(readFileSync(0, 'utf8')));
const manifest = JSON.parse(before);
const [own, ...old] = manifest.contributes.configuration;

if (JSON.stringify(old) === JSON.stringify([section])) {
  console.log('package.json has the settings of the server');
} else if (process.argv.includes('--check')) {
  console.error('package.json does not have the settings of the server: run `npm run settings`');
  process.exit(1);
} else {
  manifest.contributes.configuration = [own, section];
  writeFileSync(place, `${JSON.stringify(manifest, null, 2)}\n`);
  console.log(`package.json has ${Object.keys(section.properties).length} settings of the server`);
}
