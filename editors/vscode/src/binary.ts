/** Where the program is, and whether it is one that this extension can work with. No `vscode` here: tested in Node. */

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** The oldest server whose protocol this extension speaks. */
export const OLDEST = '0.1.0';

/** How long `tagout --version` may take; a cold disk is slow, a program that hangs is something else. */
const PATIENCE = 30_000;

/** What can be done about a problem; each is offered as a button. */
export type Remedy = 'install' | 'settings' | 'log' | 'restart';

/** Why there is no server, for the person, and what to do next. */
export class Problem extends Error {
  constructor(
    message: string,
    readonly remedies: readonly Remedy[],
  ) {
    super(message);
  }
}

/** The program that was found, and the version that it says it has. */
export interface Binary {
  path: string;
  version: string;
}

/** What the search depends on, so that a test can say it. */
export interface Surroundings {
  PATH: string;
  home: string;
  windows: boolean;
}

export function surroundings(): Surroundings {
  return { PATH: process.env.PATH ?? '', home: homedir(), windows: process.platform === 'win32' };
}

/** Finds the program that the setting names, or the first in `PATH` or in `~/.cargo/bin`, and asks for its version. */
export async function findBinary(setting: unknown, where: Surroundings = surroundings()): Promise<Binary> {
  const path = await locate(setting, where);
  return { path, version: await checkedVersion(path) };
}

async function locate(setting: unknown, where: Surroundings): Promise<string> {
  if (setting !== undefined && typeof setting !== 'string') {
    throw new Problem('the setting tagout.server.path is not a text: give it the full path of the program', ['settings']);
  }
  const named = setting?.trim() ?? '';
  if (named !== '') return namedPath(named, where);
  const name = where.windows ? 'tagout.exe' : 'tagout';
  const folders = [...where.PATH.split(delimiter).filter(isAbsolute), join(where.home, '.cargo', 'bin')];
  let unfit: string | undefined;
  for (const folder of folders) {
    const candidate = join(folder, name);
    const state = await fileState(candidate);
    if (state === 'executable') return candidate;
    if (state === 'unfit') unfit ??= candidate;
  }
  if (unfit !== undefined) throw notExecutable(unfit);
  throw new Problem(
    'tagout was not found in PATH or in ~/.cargo/bin: install it, or name its place in the setting tagout.server.path',
    ['install', 'settings', 'restart'],
  );
}

async function namedPath(named: string, where: Surroundings): Promise<string> {
  const path = named === '~' || named.startsWith('~/') ? join(where.home, named.slice(1)) : named;
  if (!isAbsolute(path)) {
    throw new Problem(`the setting tagout.server.path is "${named}": give it a full path`, ['settings']);
  }
  const state = await fileState(path);
  if (state === 'missing') {
    const what = `there is no program at ${path}, which the setting tagout.server.path names: correct or empty it`;
    throw new Problem(what, ['settings', 'install', 'restart']);
  }
  if (state === 'unfit') throw notExecutable(path);
  return path;
}

function notExecutable(path: string): Problem {
  return new Problem(`${path} cannot be executed: allow it (chmod +x), or name another in the setting tagout.server.path`, [
    'settings',
    'restart',
  ]);
}

async function fileState(path: string): Promise<'executable' | 'unfit' | 'missing'> {
  try {
    if (!(await stat(path)).isFile()) return 'unfit';
  } catch {
    return 'missing';
  }
  return access(path, constants.X_OK).then(
    () => 'executable' as const,
    () => 'unfit' as const,
  );
}

async function checkedVersion(path: string): Promise<string> {
  const said = await firstLine(path);
  const version = /^tagout (\d+\.\d+\.\d+\S*)$/.exec(said)?.[1];
  if (version === undefined) {
    const what = `${path} is not tagout: to --version it said "${said.slice(0, 80)}"; name another in tagout.server.path`;
    throw new Problem(what, ['settings', 'log', 'restart']);
  }
  if (isOlder(version, OLDEST)) {
    const what = `${path} is tagout ${version}, and this extension needs ${OLDEST} or later: install it again`;
    throw new Problem(what, ['install', 'settings', 'restart']);
  }
  return version;
}

function firstLine(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, ['--version'], { timeout: PATIENCE, cwd: homedir(), windowsHide: true }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout.split('\n', 1)[0]?.trim() ?? '');
      const why = error.killed ? 'it did not answer' : (stderr.trim().split('\n', 1)[0] || error.message);
      const what = `${path} --version failed (${why}): is it built for this machine?`;
      reject(new Problem(what, ['settings', 'install', 'restart']));
    });
  });
}

/** Whether one version comes before another. What follows the three numbers (`-rc.1`) comes before none. */
export function isOlder(version: string, than: string): boolean {
  const [core, pre] = parts(version);
  const [thanCore, thanPre] = parts(than);
  for (let index = 0; index < 3; index++) {
    const difference = (core[index] ?? 0) - (thanCore[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return pre !== '' && thanPre === '';
}

function parts(version: string): [number[], string] {
  const [core = '', pre = ''] = version.split('+', 1)[0]?.split(/-(.*)/s) ?? [];
  return [core.split('.').map(Number), pre];
}
