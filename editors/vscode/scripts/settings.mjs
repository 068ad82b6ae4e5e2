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
const after = written(before, section);

if (after === before) {
  console.log('package.json has the settings of the server');
} else if (process.argv.includes('--check')) {
  console.error('package.json does not have the settings of the server: run `npm run settings`');
  process.exit(1);
} else {
  JSON.parse(after);
  writeFileSync(place, after);
  console.log(`package.json has ${Object.keys(section.properties).length} settings of the server`);
}

/** The manifest with this section behind the client's own; a line for each setting, the rest as a person wrote it. */
function written(manifest, { title, properties }) {
  const start = manifest.indexOf('"configuration": [');
  const end = manifest.indexOf('\n    ],', start);
  const opening = `,\n      {\n        "title": ${JSON.stringify(title)},\n`;
  const old = manifest.indexOf(opening, start);
  const keep = old === -1 || old > end ? end : old;
  const lines = Object.entries(properties).map(([name, setting]) => `          ${JSON.stringify(name)}: ${JSON.stringify(setting)}`);
  const added = `${opening}        "properties": {\n${lines.join(',\n')}\n        }\n      }`;
  return manifest.slice(0, keep) + added + manifest.slice(end);
}
