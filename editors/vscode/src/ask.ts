/** The commands by which a person asks for something: a rewrite, a recipe, a command, a search, a pack, checks. */

import * as vscode from 'vscode';
import { label, plain } from './foreign';
import { Change } from './overview';
import { OverviewStore } from './overviewStore';
import { askText, pickWorkspace } from './picks';
import { unfit } from './recipes';
import { Server } from './server';
import { argvOf } from './shellWords';

export class Asking {
  #lastCommand = '';

  constructor(
    private readonly server: Server,
    private readonly store: OverviewStore,
  ) {}

  async run(): Promise<void> {
    const title = 'Run a command';
    const workspace = await pickWorkspace(this.store.overview, title);
    if (workspace === undefined) return;
    const line = await askText(title, 'The command, as in a terminal', this.#lastCommand);
    if (line === undefined) return;
    this.#lastCommand = line;
    const argv = argvOf(line);
    if (argv === undefined) {
      void vscode.window.showWarningMessage(plain(`tagout: a quote or a backslash is left open in: ${line}`));
      return;
    }
    const places = [
      { label: 'In the sandbox', description: 'what it writes comes back as changes to review', place: 'sandbox' },
      { label: 'On the host', description: 'it acts on your machine, after a question', place: 'host' },
    ];
    const chosen = await vscode.window.showQuickPick(places, { title, placeHolder: 'Where' });
    if (chosen !== undefined) await this.server.execute('tagout.run', { root: workspace.root, argv, place: chosen.place });
  }

  async rewrite(): Promise<void> {
    const title = 'Rewrite code';
    const workspace = await pickWorkspace(this.store.overview, title);
    if (workspace === undefined) return;
    const pattern = await askText(title, 'What to look for; $NAME stands for one node, $$$NAME for any number of them');
    if (pattern === undefined) return;
    const replacement = await vscode.window.showInputBox({ title, prompt: 'What takes its place; empty removes it', ignoreFocusOut: true });
    if (replacement === undefined) return;
    const language = await askText(title, 'In which language', vscode.window.activeTextEditor?.document.languageId);
    if (language === undefined) return;
    await this.server.execute('tagout.rewrite', { root: workspace.root, pattern, replacement, language });
  }

  async recipe(): Promise<void> {
    const title = 'Run a recipe';
    const workspace = await pickWorkspace(this.store.overview, title);
    if (workspace === undefined) return;
    const recipes = (await this.server.recipes(workspace.root)) ?? [];
    if (recipes.length === 0) {
      void vscode.window.showInformationMessage(plain(`tagout: ${workspace.name} has no recipes, or is not trusted with them.`));
      return;
    }
    const items = recipes.map((recipe) => {
      const { name, title: description, description: detail } = recipe;
      return { label: label(name), description: label(description), detail: label(detail), recipe };
    });
    const chosen = await vscode.window.showQuickPick(items, { title, placeHolder: 'Which', matchOnDescription: true });
    if (chosen === undefined) return;
    const parameters: Record<string, string> = {};
    for (const parameter of chosen.recipe.parameters) {
      const value = await vscode.window.showInputBox({
        title: `${title}: ${chosen.recipe.name}`,
        prompt: label(plain(`${parameter.name}: ${parameter.description}`)),
        value: parameter.default ?? '',
        ignoreFocusOut: true,
        validateInput: (typed) => {
          const why = unfit(parameter, typed);
          return why === undefined ? undefined : label(plain(why));
        },
      });
      if (value === undefined) return;
      parameters[parameter.name] = value;
    }
    await this.server.execute('tagout.recipe', { root: workspace.root, recipe: chosen.recipe.name, parameters });
  }

  async search(): Promise<void> {
    const title = 'Search by a question';
    const query = await askText(title, 'What the code does, a name, or a topic');
    if (query === undefined) return;
    const answer = await this.server.execute('tagout.search', { query });
    const hits = Array.isArray(answer) ? (answer as Hit[]) : [];
    if (hits.length === 0) {
      if (answer !== undefined) void vscode.window.showInformationMessage(plain(`tagout found nothing for: ${query}`));
      return;
    }
    const items = hits.map((hit) => {
      const [name, description] = [hit.symbol ?? hit.path, `${hit.path}:${hit.line}`];
      return { label: label(name), description: label(description), detail: label(hit.snippet), hit };
    });
    const chosen = await vscode.window.showQuickPick(items, { title, placeHolder: query, matchOnDescription: true, matchOnDetail: true });
    if (chosen === undefined) return;
    const line = Math.max(0, chosen.hit.line - 1);
    const file = vscode.Uri.joinPath(vscode.Uri.file(chosen.hit.root), chosen.hit.path);
    await vscode.window.showTextDocument(file, { selection: new vscode.Range(line, 0, line, 0) });
  }

  async pack(): Promise<void> {
    const title = 'Pack what a task needs';
    const workspace = await pickWorkspace(this.store.overview, title);
    if (workspace === undefined) return;
    const task = await askText(title, 'The task, in your own words');
    if (task === undefined) return;
    const answer = await this.server.execute('tagout.pack', { root: workspace.root, task });
    const markdown = (answer as { markdown?: unknown } | null | undefined)?.markdown;
    const [content, language] = typeof markdown === 'string' ? [markdown, 'markdown'] : [JSON.stringify(answer, null, 2), 'json'];
    if (answer === undefined) return;
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content, language }));
  }

  /** Over the changeset that was chosen in the view, or over one that is chosen here, or over the folder as it is. */
  async check(change: Change | undefined): Promise<void> {
    if (change !== undefined) {
      await this.server.execute('tagout.check', { root: change.root, changeset: change.changeset });
      return;
    }
    const title = "Run the project's checks";
    const workspace = await pickWorkspace(this.store.overview, title);
    if (workspace === undefined) return;
    const here = this.store.overview.changes.filter((other) => other.root === workspace.root);
    const asItIs = { label: 'The folder as it is', changeset: undefined as string | undefined };
    const items = [asItIs, ...here.map((one) => ({ label: label(one.title), description: 'a changeset that waits', changeset: one.changeset }))];
    const chosen = here.length === 0 ? asItIs : await vscode.window.showQuickPick(items, { title, placeHolder: 'Over what' });
    if (chosen === undefined) return;
    await this.server.execute('tagout.check', { root: workspace.root, changeset: chosen.changeset });
  }
}

interface Hit {
  root: string;
  path: string;
  line: number;
  symbol: string | null;
  snippet: string;
}
