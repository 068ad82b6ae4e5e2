/** The Changes view: questions, changesets with files and hunks, and what can be undone. */

import * as vscode from 'vscode';
import { waiting } from './overview';
import { OverviewStore } from './overviewStore';
import { children, Node, roots, row } from './treeModel';

const FOLDS = {
  open: vscode.TreeItemCollapsibleState.Expanded,
  closed: vscode.TreeItemCollapsibleState.Collapsed,
  leaf: vscode.TreeItemCollapsibleState.None,
};

export function showChanges(store: OverviewStore): vscode.Disposable {
  const changed = new vscode.EventEmitter<void>();
  const view = vscode.window.createTreeView<Node>('tagout.ui.changes', {
    treeDataProvider: {
      onDidChangeTreeData: changed.event,
      getChildren: (node) => (node === undefined ? roots(store.overview) : children(node)),
      getTreeItem: (node) => itemOf(node, store),
    },
    showCollapseAll: true,
  });
  let drawn = '';
  let stale = false;
  const draw = () => {
    const { changes, questions, applied, workspaces } = store.overview;
    // A row that is drawn anew loses a click that is on its way: not for a job that began or an index that grew.
    const now = JSON.stringify([changes, questions, applied, workspaces.map(({ name, root }) => [name, root])]);
    if (now === drawn) return;
    drawn = now;
    const count = waiting(store.overview) + store.overview.questions.length;
    view.badge = count === 0 ? undefined : { value: count, tooltip: `${count} wait for your decision` };
    // VS Code answers for a view that is hidden only once it is shown; until then it would hold the question.
    if (view.visible) changed.fire();
    else stale = true;
  };
  const shown = view.onDidChangeVisibility(({ visible }) => {
    if (!visible || !stale) return;
    stale = false;
    changed.fire();
  });
  return vscode.Disposable.from(changed, view, shown, store.onChanged(draw));
}

function itemOf(node: Node, store: OverviewStore): vscode.TreeItem {
  const shown = row(node, store.overview.workspaces);
  const item = new vscode.TreeItem(shown.label, FOLDS[shown.fold]);
  item.id = shown.id;
  item.description = shown.description;
  item.tooltip = shown.tooltip;
  item.contextValue = shown.context;
  if (shown.icon !== undefined) item.iconPath = new vscode.ThemeIcon(shown.icon);
  if (node.kind === 'file') {
    item.resourceUri = vscode.Uri.parse(node.file.uri);
    item.iconPath = vscode.ThemeIcon.File;
  }
  if (node.kind === 'hunk' || (node.kind === 'file' && shown.fold === 'leaf')) {
    item.command = { command: 'tagout.ui.openDiff', title: 'Open the Diff', arguments: [node] };
  }
  if (node.kind === 'question') item.command = { command: 'tagout.ui.answer', title: 'Answer', arguments: [node] };
  return item;
}
