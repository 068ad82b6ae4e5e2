/** Says why there is no server, with a button for each thing that can be done about it. */

import * as vscode from 'vscode';
import { Problem, Remedy } from './binary';
import { plain } from './foreign';

const BUTTONS: Record<Remedy, { title: string; command: string; argument?: string }> = {
  install: { title: 'How to Install', command: 'tagout.ui.walkthrough' },
  settings: { title: 'Open the Setting', command: 'workbench.action.openSettings', argument: 'tagout.server.path' },
  log: { title: 'Show the Log', command: 'tagout.ui.showServerLog' },
  restart: { title: 'Restart', command: 'tagout.ui.restart' },
};

export async function tell(problem: Problem): Promise<void> {
  const buttons = problem.remedies.map((remedy) => BUTTONS[remedy]);
  const chosen = await vscode.window.showErrorMessage(plain(problem.message), ...buttons);
  if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command, chosen.argument);
}
