/** Where the parts are put together. Everything that plain LSP does, the language client does. */

import * as vscode from 'vscode';
import { showChanges } from './changesView';
import { registerCommands } from './commands';
import { OverviewStore } from './overviewStore';
import { tell } from './problems';
import { Questions } from './questions';
import { programSetting, Server } from './server';
import { serverKeys } from './settings';
import { showStatus } from './statusBar';

let server: Server | undefined;

/** Returns before the server runs: VS Code waits for nothing. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('tagout', { log: true });
  const trace = vscode.window.createOutputChannel('tagout trace', { log: true });
  const running = (server = new Server(log, trace, serverKeys(context.extension.packageJSON)));
  const store = new OverviewStore(running);
  const questions = new Questions(running, store);
  let program = JSON.stringify(programSetting());
  context.subscriptions.push(
    log,
    trace,
    running,
    store,
    questions,
    registerCommands({ server: running, store, questions, log }),
    showChanges(store),
    showStatus(running, store),
    running.onFailed((problem) => void tell(problem)),
    vscode.workspace.onDidChangeConfiguration(() => {
      // One change of a file may be told more than once.
      const now = JSON.stringify(programSetting());
      if (now === program) return;
      program = now;
      void running.restart();
    }),
    // The client tells the server of folders that come and go; this is for the first that comes and the last that goes.
    vscode.workspace.onDidChangeWorkspaceFolders(() => {
      const wanted = (vscode.workspace.workspaceFolders ?? []).some((folder) => folder.uri.scheme === 'file');
      if (wanted !== (running.state.kind !== 'idle')) void (wanted ? running.restart() : running.stop());
    }),
  );
  void running.restart();
}

export async function deactivate(): Promise<void> {
  await server?.leave();
}
