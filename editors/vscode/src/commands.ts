/** The commands of the palette and of the view's menus. The server's own ids are never registered here: the client does. */

import * as vscode from 'vscode';
import { Asking } from './ask';
import { openChangesetDiff, openFile, openFileDiff } from './diffs';
import { label, plain } from './foreign';
import { Applied, Change, MODES } from './overview';
import { OverviewStore } from './overviewStore';
import { pickChange, pickQuestion, pickWorkspace } from './picks';
import { Questions } from './questions';
import { Server } from './server';
import { Node } from './treeModel';

/** What the commands act with. */
export interface Parts {
  server: Server;
  store: OverviewStore;
  questions: Questions;
  log: vscode.LogOutputChannel;
}

const MODE_WORDS = {
  'read-only': 'accepted changes are refused, commands cannot write',
  'workspace-write': 'accepted changes are written, commands run in the sandbox',
  unrestricted: 'commands may also run on the host, each after a question',
};

export function registerCommands(parts: Parts): vscode.Disposable {
  const { server, questions, log } = parts;
  const asking = new Asking(server, parts.store);
  const commands: Record<string, (node?: Node) => unknown> = {
    run: () => asking.run(),
    rewrite: () => asking.rewrite(),
    recipe: () => asking.recipe(),
    search: () => asking.search(),
    pack: () => asking.pack(),
    check: (node) => asking.check(changeOf(node)),
    setMode: () => setMode(parts),
    trust: () => trust(parts),
    answer: (node) => answer(parts, node),
    approveOnce: (node) => node?.kind === 'question' && questions.answer(node.question, { term: 'once' }),
    deny: (node) => node?.kind === 'question' && questions.answer(node.question, 'deny'),
    accept: (node) => decide(server, 'tagout.accept', node),
    reject: (node) => decide(server, 'tagout.reject', node),
    openDiff: (node) => openDiff(node),
    openFile: (node) => (node?.kind === 'file' || node?.kind === 'hunk') && openFile(node.file, node.kind === 'hunk' ? node.hunk : undefined),
    showDiff: (node) => showDiff(parts, changeOf(node)),
    undo: (node) => undo(parts, node?.kind === 'applied' ? node.applied : undefined),
    showOutput: () => server.execute('tagout.showOutput'),
    showHistory: () => server.execute('tagout.history'),
    showLog: () => server.execute('tagout.log'),
    index: () => index(parts),
    cancel: () => cancel(parts),
    restart: () => server.restart(),
    showServerLog: () => log.show(),
    menu: () => menu(),
    walkthrough: () => vscode.commands.executeCommand('workbench.action.openWalkthrough', 'tagout.tagout#start', false),
  };
  const registered = Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`tagout.ui.${name}`, run));
  return vscode.Disposable.from(...registered);
}

function changeOf(node: Node | undefined): Change | undefined {
  return node !== undefined && 'change' in node ? node.change : undefined;
}

/** Accepts or rejects what a row of the view stands for. */
async function decide(server: Server, command: string, node: Node | undefined): Promise<void> {
  if (node === undefined || !('change' in node)) return;
  const { changeset } = node.change;
  const file = 'file' in node ? node.file.file : undefined;
  const hunk = 'hunk' in node ? node.hunk.hunk : undefined;
  await server.execute(command, { changeset, file, hunk });
}

async function openDiff(node: Node | undefined): Promise<void> {
  if (node?.kind === 'file') await openFileDiff(node.change, node.file);
  if (node?.kind === 'hunk') await openFileDiff(node.change, node.file, node.hunk);
}

async function showDiff({ store }: Parts, given: Change | undefined): Promise<void> {
  const change = given ?? (await pickChange(store.overview, 'Show the diff of a changeset'));
  if (change !== undefined) await openChangesetDiff(change);
}

async function setMode({ server, store }: Parts): Promise<void> {
  const title = 'Set the mode';
  const workspace = await pickWorkspace(store.overview, title);
  if (workspace === undefined) return;
  const items = MODES.map((mode) => ({ label: mode, description: mode === workspace.mode ? 'now' : '', detail: MODE_WORDS[mode] }));
  const chosen = await vscode.window.showQuickPick(items, { title, placeHolder: `The most that may happen in ${workspace.name}` });
  if (chosen !== undefined) await server.execute('tagout.setMode', { root: workspace.root, mode: chosen.label });
}

async function trust({ server, store }: Parts): Promise<void> {
  const workspace = await pickWorkspace(store.overview, 'Trust a folder');
  if (workspace === undefined) return;
  if (workspace.trust === 'trusted' || workspace.settings === null) {
    void vscode.window.showInformationMessage(plain(`tagout: ${workspace.name} is trusted, as its settings are now.`));
    return;
  }
  const { files, hash } = workspace.settings;
  const detail =
    files.length === 0
      ? 'It has no settings of its own. Commands can then run in it, and its mode can be raised.'
      : `Its settings are in ${files.join(', ')}: read them first. Trust holds until they change. Commands can then run in it, and its mode can be raised.`;
  const chosen = await vscode.window.showInformationMessage(plain(`Trust ${workspace.root}?`), { modal: true, detail }, 'Trust');
  if (chosen === 'Trust') await server.execute('tagout.trust', { root: workspace.root, settings: hash });
}

async function answer({ store, questions }: Parts, node: Node | undefined): Promise<void> {
  const question = node?.kind === 'question' ? node.question : await pickQuestion(store.overview);
  if (question !== undefined) await questions.choose(question);
}

async function undo({ server, store }: Parts, given: Applied | undefined): Promise<void> {
  const { applied, workspaces } = store.overview;
  if (given === undefined && applied.length === 0) {
    void vscode.window.showInformationMessage('tagout: nothing was applied that could be undone.');
    return;
  }
  const nameOf = (root: string) => workspaces.find((workspace) => workspace.root === root)?.name ?? root;
  const items = applied.map((one) => ({ label: label(one.title), description: label(nameOf(one.root)), applied: one }));
  const chosen = given ?? (await vscode.window.showQuickPick(items, { title: 'Undo an applied changeset', placeHolder: 'Which' }))?.applied;
  if (chosen !== undefined) await server.execute('tagout.undo', { root: chosen.root, changeset: chosen.changeset });
}

async function index({ server, store }: Parts): Promise<void> {
  const workspace = await pickWorkspace(store.overview, 'Refresh the index');
  if (workspace !== undefined) await server.execute('tagout.index', { root: workspace.root });
}

async function cancel({ server, store }: Parts): Promise<void> {
  const { jobs } = store.overview;
  if (jobs.length === 0) {
    void vscode.window.showInformationMessage('tagout: no job is at work.');
    return;
  }
  const items = jobs.map(({ job, title }) => ({ label: label(title), job }));
  const chosen = await vscode.window.showQuickPick(items, { title: 'Stop a job', placeHolder: 'Which' });
  if (chosen !== undefined) await server.execute('tagout.cancel', { job: chosen.job });
}

/** Every command of the palette, from the status bar. */
async function menu(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.quickOpen', '>tagout: ');
}
