// Compiles test/*.test.ts and runs them in Node, without VS Code. The last line is `N passed, M failed`.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../test', import.meta.url));
const outdir = mkdtempSync(join(tmpdir(), 'tagout-unit-'));
try {
  const entryPoints = readdirSync(folder).filter((name) => name.endsWith('.test.ts')).map((name) => join(folder, name));
  await build({ entryPoints, outdir, bundle: true, platform: 'node', format: 'cjs', target: 'node20', sourcemap: 'inline' });
  const files = readdirSync(outdir).map((name) => join(outdir, name));
  const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', '--test-reporter=tap', ...files], {
    encoding: 'utf8', env: { ...process.env, EXTENSION: join(folder, '..') },
  });
  const count = (word) => Number(run.stdout.match(new RegExp(`^# ${word} (\\d+)$`, 'm'))?.[1] ?? 0);
  if (run.status !== 0) process.stdout.write(run.stdout + run.stderr);
  console.log(`${count('pass')} passed, ${count('fail') + count('cancelled')} failed`);
  process.exitCode = run.status === 0 ? 0 : 1;
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
