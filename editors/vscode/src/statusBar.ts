/** The status bar item: the mode, what waits, and the index. */

import * as vscode from 'vscode';
import { OverviewStore } from './overviewStore';
import { Server } from './server';
import { statusOf } from './statusModel';

const BACKGROUND = { plain: undefined, warning: 'statusBarItem.warningBackground', error: 'statusBarItem.errorBackground' };

export function showStatus(server: Server, store: OverviewStore): vscode.Disposable {
  const item = vscode.window.createStatusBarItem('tagout.status', vscode.StatusBarAlignment.Left, 40);
  item.name = 'tagout';
  item.command = 'tagout.ui.menu';
  const draw = () => {
    const status = statusOf(server.state, store.overview, activeFolder());
    const background = BACKGROUND[status.level];
    item.text = status.text;
    item.tooltip = status.lines.join('\n');
    item.backgroundColor = background === undefined ? undefined : new vscode.ThemeColor(background);
    item.accessibilityInformation = { label: `tagout: ${status.lines.join(', ')}` };
    void vscode.commands.executeCommand('setContext', 'tagout.state', contextOf(server));
  };
  draw();
  item.show();
  return vscode.Disposable.from(item, server.onChanged(draw), store.onChanged(draw), vscode.window.onDidChangeActiveTextEditor(draw));
}

/** The state by which `package.json` chooses what the empty view says. */
function contextOf(server: Server): string {
  return server.state.kind === 'waiting' ? 'starting' : server.state.kind;
}

/** The folder of the file at hand. */
export function activeFolder(): string | undefined {
  const uri = vscode.window.activeTextEditor?.document.uri;
  return uri === undefined ? undefined : vscode.workspace.getWorkspaceFolder(uri)?.uri.fsPath;
}
