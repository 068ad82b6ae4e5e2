// What goes wrong around the extension: no program, a wrong one, one that keeps ending, windows that come and go.
// Run by tests/editor/run-vscode.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Code } from './code.mjs';
import { check, equal, finish, steps, until } from './report.mjs';

const code = await Code.start({ 'tagout.server.path': '/nowhere/tagout' });

function program(name, script, mode = 0o755) {
  const path = join(code.work, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, mode);
  return path;
}

// A folder that names a program of its own, from the first moment on.
const chosenByFolder = join(code.work, 'chosen-by-the-folder');
const settingsOfFolder = join(code.workspace, '.vscode');
mkdirSync(settingsOfFolder);
const hostile = program('hostile', `touch ${chosenByFolder}\necho tagout 0.1.0`);
writeFileSync(join(settingsOfFolder, 'settings.json'), JSON.stringify({ 'tagout.server.path': hostile }));
let screen = await code.open(code.workspace);

/** Writes a setting as a person would, and waits for the word that is said about it. */
async function said(path, text) {
  // VS Code does not watch the file from its first moment on: what it has not seen is written again.
  let written = 0;
  const shown = () => {
    if (Date.now() - written > 15_000) {
      code.settings({ 'tagout.server.path': path });
      written = Date.now();
    }
    return screen.toast(text).isVisible();
  };
  await until(`a notification with ${text}`, shown, () => screen.page.locator('.notification-list-item').allInnerTexts());
  await screen.waitForStatus(/not running/);
  check(`it is said: ${text}`, true);
  await screen.dismissAll();
}

/** The servers that this VS Code started. */
function servers() {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
      return words[0] === process.env.TAGOUT && words[1] === 'lsp' && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(code.work);
    } catch {
      return false;
    }
  }).map(Number);
}

async function propose() {
  await screen.command('tagout: Rewrite Code');
  await screen.answer('What to look for', '$A.unwrap_or(0)');
  await screen.answer('What takes its place', '$A.unwrap_or_default()');
  await screen.answer('In which language', 'rust');
  await screen.waitForStatus(/4 pending/);
}

await steps([
  ['the program is not there, not one, or not the right one', async () => {
    await screen.toast('there is no program at /nowhere/tagout').waitFor();
    check('the first start says what is missing', true);
    await screen.waitForStatus(/not running/);
    await screen.dismissAll();
    check('a folder does not choose the program', !existsSync(chosenByFolder));
    await said('', 'not found in PATH or in ~/.cargo/bin');
    await said('bin/tagout', 'give it a full path');
    await said(program('plain', 'echo tagout 0.1.0', 0o644), 'cannot be executed');
    await said(program('old', 'echo tagout 0.0.9'), 'is tagout 0.0.9');
    await said(program('other', 'echo something else'), 'is not tagout');
    await said(7, 'is not a text');
    check('nor does it later', !existsSync(chosenByFolder));
    rmSync(settingsOfFolder, { recursive: true });
    await screen.showChanges();
    const welcome = screen.page.locator('.welcome-view-content', { hasText: 'tagout is not running' });
    await welcome.first().waitFor();
    check('the view says it too', true);
  }],

  ['a program that keeps ending is started less and less, and then not', async () => {
    const path = program('loop', `echo "$1" >> ${join(code.work, 'starts')}\n[ "$1" = --version ] && { echo tagout 0.1.0; exit 0; }\nexit 3`);
    code.settings({ 'tagout.server.path': path });
    await screen.waitForStatus(/restarting/);
    check('meanwhile the status bar says so', true);
    await screen.toast('is not started again after 5 ends').waitFor();
    const starts = readFileSync(join(code.work, 'starts'), 'utf8').split('\n').filter((line) => line === 'lsp').length;
    check('five starts and no more', starts === 5, starts);
    await screen.waitForStatus(/not running/);
    await screen.press('is not started again', 'Show the Log');
    await screen.page.locator('.output-view .view-line, .part.panel .view-line', { hasText: 'exit code 3' }).first().waitFor();
    check('the log has how it ended', true);
    await screen.command('View: Hide Panel');
  }],

  ['corrected, it runs without a reload', async () => {
    code.settings({});
    await screen.waitForStatus(/tagout: read-only/);
    check('the mode is shown', true);
  }],

  ['a setting of the wrong type is named, and what nobody set is not sent', async () => {
    check('no default of VS Code was taken for a setting', !(await screen.toast('editor settings').isVisible()));
    code.settings({ 'tagout.run.timeout_seconds': 'soon' });
    await screen.toast('timeout_seconds').waitFor();
    check('the server says which, and goes on', /read-only/.test(await screen.status()));
    code.settings({});
    await screen.dismissAll();
  }],

  ['the server is killed in the middle of a review', async () => {
    await propose();
    const [server, ...others] = await until('its process', () => servers().length > 0 && servers());
    check('there is one server', others.length === 0, others);
    process.kill(server, 'SIGKILL');
    await until('another process', () => servers().length === 1 && servers()[0] !== server);
    await screen.waitForStatus(/4 pending/);
    check('what waited for a decision still does', true);
  }],

  ['a restart and a reload keep what waits', async () => {
    const [before] = servers();
    await screen.command('tagout: Restart the Server');
    await until('another process', () => servers().length === 1 && servers()[0] !== before);
    await screen.waitForStatus(/4 pending/);
    await screen.page.reload();
    await screen.waitForStatus(/4 pending/);
    check('both times', true);
  }],

  ['two windows on one folder', async () => {
    const second = await code.open(code.workspace);
    await second.waitForStatus(/4 pending/);
    check('both show what waits', /4 pending/.test(await screen.status()));
    await second.page.context().close();
  }],

  ['a window without a folder', async () => {
    const empty = await code.open();
    await empty.waitForStatus(/no folder/);
    await empty.command('tagout: Run a Command');
    await empty.toast('works on a folder').waitFor();
    check('a command says what it needs', true);
    await empty.page.context().close();
  }],

  ['ten folders, one of which goes', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `part-${index}`);
    const file = join(code.work, 'ten.code-workspace');
    const write = (some) => writeFileSync(file, JSON.stringify({ folders: some.map((name) => ({ path: name })) }));
    for (const name of names) code.folder(name);
    write(names);
    const ten = await code.open(file);
    await until('ten folders in the window', async () => {
      // VS Code itself now and then takes such a file for an empty one when it opens the window.
      if (await ten.page.getByText('You have not yet added a folder').isVisible()) await ten.page.reload();
      return /tagout: read-only(?!.*indexing)/.test(await ten.status());
    }, () => ten.status());
    await ten.command('tagout: Set the Mode');
    await until('ten folders to choose from', async () => (await ten.choices()).length === 10, () => ten.choices());
    check('a command asks for which of them', true);
    await ten.page.keyboard.press('Escape');
    write(names.slice(1));
    await until('nine folders', async () => {
      await ten.command('tagout: Set the Mode');
      const left = (await ten.choices()).length;
      await ten.page.keyboard.press('Escape');
      return left === 9;
    });
    check('the one that went is no longer among them', true);
  }],
], () => screen.picture(join(code.work, 'failed.png')));

equal('whatever went wrong was handled', code.unhandled(), []);
await code.close();
process.exit(finish());
