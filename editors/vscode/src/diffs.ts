/** The native diff editors over the two sides that the server names. */

import * as vscode from 'vscode';
import { Change, ChangedFile, Hunk } from './overview';
import { rightLine } from './treeModel';

/** One file, at a hunk when one is named. */
export async function openFileDiff(change: Change, file: ChangedFile, hunk?: Hunk): Promise<void> {
  const options: vscode.TextDocumentShowOptions = { preview: true };
  if (hunk !== undefined) {
    const line = rightLine(file, hunk);
    options.selection = new vscode.Range(line, 0, line, 0);
  }
  const title = `${file.path} (${change.title})`;
  await vscode.commands.executeCommand('vscode.diff', uri(file.left), uri(file.right), title, options);
}

/** All files that still wait, one below the other. */
export async function openChangesetDiff(change: Change): Promise<void> {
  const files = change.files.filter((file) => file.pending + file.stale > 0);
  const sides = files.map((file) => [uri(file.uri), uri(file.left), uri(file.right)]);
  await vscode.commands.executeCommand('vscode.changes', change.title, sides);
}

export async function openFile(file: ChangedFile, hunk?: Hunk): Promise<void> {
  const at = hunk?.range?.start;
  const selection = at === undefined ? undefined : new vscode.Range(at.line, at.character, at.line, at.character);
  await vscode.window.showTextDocument(uri(file.uri), { preview: true, selection });
}

function uri(text: string): vscode.Uri {
  return vscode.Uri.parse(text, true);
}
