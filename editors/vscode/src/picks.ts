/** The boxes in which a person chooses what a command is about. */

import * as vscode from 'vscode';
import { label } from './foreign';
import { Change, counted, Overview, Question, Workspace } from './overview';
import { activeFolder } from './statusBar';

/** The folder: the only one, or the chosen one, with that of the file at hand first. */
export async function pickWorkspace(overview: Overview, title: string): Promise<Workspace | undefined> {
  const [only, ...others] = overview.workspaces;
  if (only === undefined) {
    void vscode.window.showInformationMessage('tagout works on a folder: open one first.');
    return undefined;
  }
  if (others.length === 0) return only;
  const here = activeFolder();
  const sorted = [...overview.workspaces].sort((one, other) => Number(other.folder === here) - Number(one.folder === here));
  const items = sorted.map((workspace) => {
    const { name, mode, root } = workspace;
    return { label: label(name), description: mode, detail: label(root), workspace };
  });
  return (await vscode.window.showQuickPick(items, { title, placeHolder: 'In which folder' }))?.workspace;
}

/** A changeset that waits: the only one, or the chosen one. */
export async function pickChange(overview: Overview, title: string): Promise<Change | undefined> {
  const [only, ...others] = overview.changes;
  if (only === undefined) {
    void vscode.window.showInformationMessage('tagout: nothing waits for your decision.');
    return undefined;
  }
  if (others.length === 0) return only;
  const items = overview.changes.map((change) => ({ label: label(change.title), description: counted(change.pending, 'hunk'), change }));
  return (await vscode.window.showQuickPick(items, { title, placeHolder: 'Which changeset' }))?.change;
}

export async function pickQuestion(overview: Overview): Promise<Question | undefined> {
  const [only, ...others] = overview.questions;
  if (only === undefined) {
    void vscode.window.showInformationMessage('tagout: no question waits for an answer.');
    return undefined;
  }
  if (others.length === 0) return only;
  const items = overview.questions.map((question) => ({ label: label(question.what), detail: label(question.reason), question }));
  return (await vscode.window.showQuickPick(items, { title: 'Answer a question', placeHolder: 'Which question' }))?.question;
}

/** A line of text that is not empty; nothing when the person leaves. */
export async function askText(title: string, prompt: string, value?: string): Promise<string | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt,
    value,
    ignoreFocusOut: true,
    validateInput: (typed) => (typed.trim() === '' ? 'write something, or leave with Escape' : undefined),
  });
  return text?.trim();
}
