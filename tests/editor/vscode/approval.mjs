// A person's session in VS Code: ask, review, refuse, run, approve, undo. What is checked is text, files and the ledger.
// Run by tests/editor/run-vscode. PICTURES=FOLDER keeps screenshots there.
import { join } from 'node:path';
import { Code } from './code.mjs';
import { check, equal, finish, steps, until } from './report.mjs';

const code = await Code.start();
const original = code.tree();
const started = Date.now();
const screen = await code.open(code.workspace);
const count = (text, plain) => (text ?? '').split(plain).length - 1;
const picture = async (name) => {
  if (process.env.PICTURES) await screen.picture(join(process.env.PICTURES, `${name}.png`));
};
const shows = (what, pattern) => until(what, async () => pattern.test((await screen.rows()).join('\n')), () => screen.rows());
const applied = async () => Number(/Applied\s?(\d+)/.exec((await screen.rows()).join('\n'))?.[1] ?? 0);
const DIRECTIVE = '// tagout: rewrite $A.unwrap_or(0) => $A.unwrap_or_default()';

async function setMode(mode) {
  await screen.command('tagout: Set the Mode');
  await screen.pick(mode);
  await screen.waitForStatus(new RegExp(`tagout: ${mode}`));
}

/** Names that VS Code would read as a link and an icon, and one that a notification would cut. */
const NOTATION = '[all well](command:workbench.action.closeWindow) $(pass)';
const LONG = `start-${'x'.repeat(1000)}-end`;

async function runCommand(line, place) {
  await screen.command('tagout: Run a Command');
  await screen.answer('as in a terminal', line);
  await screen.pick(place);
}

await steps([
  ['the extension starts the server', async () => {
    await screen.waitForStatus(/tagout: read-only/);
    check('the status bar has the mode', true);
    await screen.waitForStatus(/^(?!.*indexing)/);
    check('and says no longer that the index is built', true);
  }],

  ['a comment asks for a rewrite', async () => {
    await screen.open('src/lib.rs');
    await screen.page.keyboard.press('Control+End');
    await screen.type(DIRECTIVE);
    await screen.act('tagout: propose $A.unwrap_or(0)');
    await screen.waitForStatus(/4 pending/);
    await screen.command('File: Revert File');
    await screen.page.locator('.tab.dirty').waitFor({ state: 'detached' });
    await screen.showChanges();
    await shows('a changeset of three files', /rewrite rust: .*label\.rs.*rates\.rs.*tracking\.rs/s);
    equal('nothing has changed on disk', code.tree(), original);
    await screen.open('src/rates.rs');
    await screen.page.locator('.squiggly-info').first().waitFor();
    check('the hunks are marked in the text', true);
    await screen.dismissAll();
    await screen.goTo('get("express")');
    await picture('vscode-review');
    const titles = await screen.actions();
    check('the decisions are code actions at the hunk', titles.some((title) => title.startsWith('tagout: accept this hunk')), titles);
  }],

  ['the diff is read in the diff editor', async () => {
    await screen.row('unwrap_or_default', 'line 24').click();
    const side = async (name) => (await screen.lines(`.monaco-diff-editor .editor.${name}`)).join('\n');
    await until('the right side', async () => count(await side('modified'), '.unwrap_or_default()') === 2, () => side('modified'));
    equal('left is the file as it is', count(await side('original'), '.unwrap_or(0)'), 2);
    equal('right is the file as it would be', count(await side('modified'), '.unwrap_or(0)'), 0);
    await picture('vscode-diff');
    await screen.command('tagout: Show the Diff of a Changeset');
    await until('a diff of all files', async () => (await screen.page.locator('.multiDiffEntry').count()) >= 3);
    check('the whole changeset is one diff editor', true);
    await screen.command('View: Close Editor');
  }],

  ['read-only refuses', async () => {
    await screen.showChanges();
    await screen.rowAction(screen.row('unwrap_or_default', 'line 24'), 'Accept', () => screen.toast('read-only').isVisible());
    check('the refusal says why', true);
    equal('the disk is as it was', code.tree(), original);
    await screen.dismissAll();
  }],

  ['the folder is trusted and its mode raised', async () => {
    await screen.command('tagout: Trust This Folder');
    await screen.page.locator('.monaco-dialog-box .monaco-button', { hasText: 'Trust' }).click();
    await until('trust in the ledger', () => code.ledger().some((record) => record.action.SetTrust && record.phase === 'Ended'));
    await setMode('workspace-write');
    check('the status bar has the new mode', true);
  }],

  ['one hunk is accepted in the view, one rejected by a code action', async () => {
    await screen.open('src/rates.rs');
    await screen.showChanges();
    const wanted = original['src/rates.rs'].replace('.unwrap_or(0)', '.unwrap_or_default()');
    const inText = async () => count((await screen.lines()).join('\n'), '.unwrap_or_default()') === 1;
    await screen.rowAction(screen.row('unwrap_or_default', 'line 24'), 'Accept', inText);
    equal('the disk waits for a save', code.read('src/rates.rs'), original['src/rates.rs']);
    await screen.page.locator('.tab', { hasText: 'rates.rs' }).first().click();
    await screen.save();
    equal('saved, the file has the one hunk and nothing else', code.read('src/rates.rs'), wanted);
    await screen.goTo('get(&named)');
    await screen.act('tagout: reject this hunk');
    await screen.waitForStatus(/2 pending/);
    await until('a view without that file', async () => !(await screen.rows()).some((text) => /rates\.rs/.test(text)), () => screen.rows());
    equal('and changed nothing', code.read('src/rates.rs'), wanted);
  }],

  ['the rest is accepted: an open file and a closed one', async () => {
    await screen.open('src/label.rs');
    const after = (name) => original[name].replaceAll('.unwrap_or(0)', '.unwrap_or_default()');
    await screen.rowAction(screen.row('rewrite rust'), 'Accept', () => code.read('src/tracking.rs') === after('src/tracking.rs'));
    await until('the open file in its editor', async () => (await screen.lines()).some((line) => line.includes('📦📦 */ sign') && line.includes('unwrap_or_default')));
    await screen.saveAll();
    equal('saved, the open file is changed right of the emoji', code.read('src/label.rs'), after('src/label.rs'));
    await screen.waitForStatus(/workspace-write(?!.*pending)/);
    check('nothing waits any more', true);
  }],

  ['the palette asks for a rewrite', async () => {
    await screen.open('tools/report.py');
    await screen.command('tagout: Rewrite Code');
    await screen.answer('What to look for', 'print($A)');
    await screen.answer('What takes its place', 'log($A)');
    await screen.answer('In which language', 'python');
    await shows('its proposal', /rewrite python.*report\.py/s);
    await screen.rowAction(screen.row('rewrite python'), 'Reject', async () => !/pending/.test(await screen.status()));
    equal('rejected, it changed nothing', code.read('tools/report.py'), original['tools/report.py']);
  }],

  ['a search and a pack', async () => {
    await screen.command('tagout: Search by a Question');
    await screen.answer('What the code does', 'how much does express delivery cost');
    await until('an answer', async () => (await screen.choices()).some((text) => text.includes('express_delivery_cost')), () => screen.choices());
    await screen.pick('express_delivery_cost');
    await screen.page.locator('.tab.active', { hasText: 'rates.rs' }).waitFor();
    check('a question leads to its code', true);
    await screen.command('tagout: Pack What a Task Needs');
    await screen.answer('The task', 'raise the express surcharge');
    await screen.page.locator('.tab.active', { hasText: 'Untitled-1' }).waitFor();
    await until('the code in it', async () => (await screen.lines()).join('\n').includes('## `src/rates.rs`'), () => screen.lines());
    check('a pack opens as a document', true);
    await screen.command('View: Close Editor');
    await screen.page.locator('.monaco-dialog-box .monaco-button', { hasText: "Don't Save" }).click();
    await screen.page.locator('.tab', { hasText: 'Untitled-1' }).waitFor({ state: 'detached' });
  }],

  ['a command in the sandbox proposes what it writes', async () => {
    const before = code.tree();
    await runCommand("sed -i 's/last year/this year/' README.md && printf 'north\\nsouth\\n' > depots.txt", 'In the sandbox');
    await shows('its changeset', /depots\.txt.*new/s);
    equal('the folder is untouched', code.tree(), before);
    await screen.dismissAll();
    await picture('vscode-run');
    await screen.rowAction(screen.row('2 hunks'), 'Accept', () => code.read('depots.txt') === 'north\nsouth\n');
    await until('the changed file', () => code.read('README.md')?.includes('this year'));
    check('accepted, both files are written', true);
  }],

  ['a command on the host waits for an approval', async () => {
    await setMode('unrestricted');
    await screen.dismissAll();
    await runCommand('touch approved.txt', 'On the host');
    await screen.waitForStatus(/1 question/);
    await screen.toast('touch approved.txt').waitFor();
    await shows('the question in the view', /touch approved\.txt/);
    await picture('vscode-question');
    equal('nothing ran yet', code.read('approved.txt'), undefined);
    await screen.open('src/lib.rs');
    const titles = await screen.actions();
    check('the answers are code actions too', titles.some((title) => title.startsWith('tagout: approve once')), titles);
    await screen.press('touch approved.txt', 'Approve once');
    await until('what the command made', () => code.read('approved.txt') === '');
    await screen.waitForStatus(/unrestricted(?!.*question)/);
    check('approved, it ran', true);
  }],

  ['what is answered elsewhere leaves a notification that does no harm', async () => {
    await runCommand('touch denied.txt', 'On the host');
    await screen.toast('touch denied.txt').waitFor();
    await screen.act('tagout: deny');
    await screen.waitForStatus(/unrestricted(?!.*question)/);
    await screen.press('touch denied.txt', 'Approve once');
    await screen.page.locator('.statusbar-item', { hasText: 'that question has been answered' }).waitFor();
    equal('it did not run', code.read('denied.txt'), undefined);
  }],

  ['a question is shown as the text that it is', async () => {
    await runCommand(`touch '${NOTATION}'`, 'On the host');
    await screen.toast('all well').waitFor();
    equal('no link of its making', await screen.toast('all well').locator('.notification-list-item-message a').count(), 0);
    await shows('the question in the view', /\$\(pass\)/);
    await screen.command('tagout: Answer a Question');
    await until('the answers', async () => (await screen.choices()).includes('Deny'), () => screen.choices());
    const always = (await screen.choices()).filter((choice) => choice.includes('pass'));
    check('no icon of its making', always.length > 0 && always.every((choice) => choice.includes('$(pass)')), always);
    equal('and none is drawn', await screen.page.locator('.quick-input-list .label-name .codicon').count(), 0);
    await screen.pick('Deny');
    await screen.waitForStatus(/unrestricted(?!.*question)/);
  }],

  ['a question that is too long for a notification is seen whole before it is approved', async () => {
    await runCommand(`touch ${LONG}`, 'On the host');
    await screen.toast('start-').waitFor();
    const buttons = await screen.toast('start-').locator('.notification-list-item-buttons-container .monaco-button').allInnerTexts();
    equal('the notification does not approve it', buttons.map((text) => text.trim()).sort(), ['Deny', 'More…']);
    await screen.press('start-', 'More…');
    await until('the whole text', async () => /-end/.test((await screen.page.locator('.editor-instance .view-lines').allInnerTexts()).join('\n')));
    await screen.pick('Deny');
    await screen.waitForStatus(/unrestricted(?!.*question)/);
    await screen.command('View: Close Editor');
  }],

  ['the mode is lowered and raised', async () => {
    await setMode('read-only');
    await setMode('workspace-write');
    check('the status bar follows', true);
  }],

  ['everything is undone', async () => {
    for (let left = await applied(); left > 0; left--) {
      await screen.command('tagout: Undo an Applied Changeset');
      await screen.page.locator('.quick-input-widget .monaco-list-row').first().click();
      await until('one changeset less to undo', async () => (await applied()) < left, () => screen.rows());
      await screen.saveAll();
    }
    await until('the disk as it was', () => code.read('src/rates.rs') === original['src/rates.rs'] && code.read('README.md') === original['README.md']);
    equal('every file is what it was, beside what the host was let do', code.tree(), { ...original, 'approved.txt': '' });
  }],

  ['the ledger tells all of it', async () => {
    const records = code.ledger();
    const ended = records.filter((record) => record.phase === 'Ended');
    const told = ({ action: { SetTrust, SetMode, Run }, outcome }) =>
      `${SetTrust ? 'trust' : SetMode ? SetMode.to : `${Run.place.toLowerCase()} ${Run.argv[0]} ${Run.argv[1]}`}: ${outcome}`;
    equal('what was set and run, and how it ended', ended.filter(({ action }) => !action.Apply).map(told), [
      'trust: done', 'workspace-write: done', 'sandbox sh -c: exit code 0; 2 files changed, 0 refused', 'unrestricted: done',
      'host touch approved.txt: exit code 0; 0 files changed, 0 refused', 'host touch denied.txt: denied by the user',
      `host touch ${NOTATION}: denied by the user`, `host touch ${LONG}: denied by the user`,
      'read-only: done', 'workspace-write: done',
    ]);
    const written = ended.flatMap(({ action }) => action.Apply?.paths ?? []).sort();
    const once = ['README.md', 'depots.txt', 'src/label.rs', 'src/rates.rs', 'src/tracking.rs'];
    equal('each accepted file was written once, and once more by undo', written, [...once, ...once].sort());
    const refused = records.filter(({ action, phase, verdict }) => action.Apply && phase === 'Judged' && verdict.decision === 'Deny');
    check('the refusal is there with its rule', refused.length > 0 && refused.every(({ mode, verdict }) => mode === 'read-only' && verdict.because.length > 0), refused);
    const approved = records.filter(({ action, outcome }) => action.Run?.place === 'Host' && outcome === 'approved by the user');
    equal('one approval was given', approved.map(({ action }) => action.Run.argv.join(' ')), ['touch approved.txt']);
    code.tagout('log', '--verify');
  }],

  ['the extension is quick', async () => {
    await screen.command('Developer: Show Running Extensions');
    // The slowest come first, and rows that do not fit are not there until the list is scrolled to them.
    const list = screen.page.locator('.runtime-extensions-editor .monaco-list').first();
    const row = list.locator('.monaco-list-row', { hasText: 'tagout' }).first();
    await list.waitFor();
    await list.hover();
    for (let turn = 0; turn < 40 && (await row.count()) === 0; turn += 1) {
      await screen.page.mouse.wheel(0, 200);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const text = (await row.count()) === 0 ? '' : (await row.innerText()).replaceAll('\n', ' ');
    const time = /Activation: (?:.*?, )?(\d+)ms/.exec(text)?.[1];
    // A figure, and no test: what it should be depends on the machine.
    console.log(`activation of the extension: ${time === undefined ? 'not shown' : `${time} ms (VS Code's own figure)`}`);
  }],
], () => screen.picture(join(code.work, 'failed.png')));

equal('no error in the logs of VS Code, of the extension and of the page', [...code.unhandled(), ...code.told()], []);
console.log(`the session took ${Math.round((Date.now() - started) / 1000)} s`);
await code.close();
process.exit(finish());
