/** Finding the program, and saying what is wrong with one: with real files that are executed. */

import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { findBinary, isOlder, Problem, Surroundings } from '../src/binary';

let folder: string;
let where: Surroundings;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tagout-binary-'));
  where = { PATH: [join(folder, 'empty'), join(folder, 'bin')].join(delimiter), home: join(folder, 'home'), windows: false };
});

after(() => rm(folder, { recursive: true }));

async function program(path: string, script: string, mode = 0o755): Promise<string> {
  const full = join(folder, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, script);
  await chmod(full, mode);
  return full;
}

const says = (text: string) => `#!/bin/sh\necho '${text}'\n`;

async function problem(setting: unknown, about: RegExp): Promise<Problem> {
  const error = await findBinary(setting, where).then(
    () => assert.fail('it was found'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Problem);
  assert.match(error.message, about);
  return error;
}

test('nowhere: the person is told how to get it', async () => {
  const { remedies } = await problem('', /not found in PATH or in ~\/\.cargo\/bin/);
  assert.ok(remedies.includes('install') && remedies.includes('settings'));
});

test('~/.cargo/bin is looked at, and PATH comes before it', async () => {
  const inCargo = await program('home/.cargo/bin/tagout', says('tagout 0.1.0'));
  assert.deepEqual(await findBinary('', where), { path: inCargo, version: '0.1.0' });
  const inPath = await program('bin/tagout', says('tagout 0.2.0'));
  assert.deepEqual(await findBinary('  ', where), { path: inPath, version: '0.2.0' });
  await rm(inPath);
  await rm(inCargo);
});

test('the setting comes first, with ~ for the home folder', async () => {
  const named = await program('home/tools/mine', says('tagout 1.0.0-rc.1'));
  assert.deepEqual(await findBinary('~/tools/mine', where), { path: named, version: '1.0.0-rc.1' });
  assert.deepEqual(await findBinary(named, where), { path: named, version: '1.0.0-rc.1' });
});

test('a setting that cannot be followed is named', async () => {
  await problem('bin/tagout', /give it a full path/);
  await problem(join(folder, 'gone'), /there is no program at/);
  await problem(folder, /cannot be executed/);
  for (const wrong of [7, true, ['/bin/tagout'], { path: 'x' }, null]) await problem(wrong, /is not a text/);
});

test('a file that is not executable is named', async () => {
  const path = await program('unfit/tagout', says('tagout 0.1.0'), 0o644);
  await problem(path, /cannot be executed/);
  where = { ...where, PATH: dirname(path) };
  await problem('', /cannot be executed/);
});

test('what it says of itself is checked', async () => {
  await problem(await program('odd/old', says('tagout 0.0.9')), /is tagout 0\.0\.9, and this extension needs/);
  await problem(await program('odd/other', says('something else 3.1')), /is not tagout/);
  await problem(await program('odd/silent', '#!/bin/sh\n'), /is not tagout/);
  await problem(await program('odd/broken', '#!/bin/sh\necho no such library >&2\nexit 127\n'), /no such library/);
  await problem(await program('odd/garbage', '\u007fELF and then nothing'), /--version failed|is not tagout/);
});

test('versions are compared by numbers', () => {
  const cases: [string, string, boolean][] = [
    ['0.1.0', '0.1.0', false],
    ['0.1.0', '0.2.0', true],
    ['0.10.0', '0.9.0', false],
    ['1.0.0', '0.9.9', false],
    ['0.1.0-rc.1', '0.1.0', true],
    ['0.1.0', '0.1.0-rc.1', false],
    ['0.1.0+build', '0.1.0', false],
  ];
  for (const [version, than, older] of cases) assert.equal(isOlder(version, than), older, `${version} before ${than}`);
});
