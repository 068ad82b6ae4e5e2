// Bundles the extension into dist/extension.js, with the licences of what is in it, and says how large it is; more than
// 500 kB is an error.
import { build } from 'esbuild';
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIMIT = 500_000;
const inside = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const outfile = inside('dist/extension.js');

const { metafile } = await build({
  metafile: true,
  entryPoints: [inside('src/extension.ts')],
  outfile,
  absWorkingDir: inside('.'),
  bundle: true,
  minify: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  external: ['vscode'],
  logLevel: 'warning',
});

// Our own licences, and those of the packages whose code is in the bundle.
for (const name of ['LICENSE-MIT', 'LICENSE-APACHE']) copyFileSync(inside(`../../${name}`), inside(`dist/${name}`));
writeFileSync(inside('dist/THIRD-PARTY.txt'), thirdParty(Object.keys(metafile.inputs)));

function thirdParty(inputs) {
  const named = inputs.map((path) => path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//)?.[1]);
  const folders = [...new Set(named.filter(Boolean))].sort();
  return folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(inside(join(folder, 'package.json')), 'utf8'));
    const file = readdirSync(inside(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? '' : readFileSync(inside(join(folder, file)), 'utf8');
    return `${name} ${version}, ${license}\n\n${text}`;
  }).join(`\n${'-'.repeat(80)}\n\n`);
}

const { size } = statSync(outfile);
console.log(`bundle: ${Math.round(size / 1000)} kB`);
if (size >= LIMIT) {
  console.error(`the bundle is larger than ${LIMIT / 1000} kB: find what it pulls in with esbuild's --analyze`);
  process.exit(1);
}
