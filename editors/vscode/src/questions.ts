/** What waits for an approval, as notifications beside the code actions that say the same. */

import * as vscode from 'vscode';
import { label, plain, tooLong } from './foreign';
import { Overview, Question } from './overview';
import { OverviewStore } from './overviewStore';
import { Server } from './server';

/** The answers that are short enough for a button. */
const BUTTONS = [
  { term: 'once', title: 'Approve once' },
  { term: 'session', title: 'For this session' },
];

/** Documents that have the whole of a question that is too long for a notification. They are read-only, and never saved. */
const WHOLE = 'tagout-question';

export class Questions implements vscode.Disposable {
  readonly #subscriptions: vscode.Disposable[];
  /** Those that were shown once: closing a notification is no answer, and no reason to ask again. */
  #shown = new Set<string>();

  constructor(
    private readonly server: Server,
    private readonly store: OverviewStore,
  ) {
    const whole = (uri: vscode.Uri) => {
      const question = store.overview.questions.find(({ decision }) => uri.path === `/${decision}`);
      return question === undefined ? 'This question has been answered.\n' : `${question.what}\n\n${question.reason}\n`;
    };
    this.#subscriptions = [
      store.onChanged((overview) => this.#show(overview)),
      vscode.workspace.registerTextDocumentContentProvider(WHOLE, { provideTextDocumentContent: whole }),
    ];
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** Answers a question by one of its terms, or denies it. */
  async answer(question: Question, answer: { term: string } | 'deny'): Promise<void> {
    // Answered in the meantime, by a code action or in another window: there is nothing left to do.
    if (!this.store.overview.questions.some((other) => other.decision === question.decision)) {
      vscode.window.setStatusBarMessage('tagout: that question has been answered', 5_000);
      return;
    }
    const { decision } = question;
    if (answer === 'deny') await this.server.execute('tagout.deny', { decision });
    else await this.server.execute('tagout.approve', { decision, term: answer.term });
  }

  #show(overview: Overview): void {
    if (this.server.state.kind !== 'running') return;
    const waiting = new Set(overview.questions.map((question) => question.decision));
    const wanted = vscode.workspace.getConfiguration('tagout').get('notifications.questions') !== false;
    const fresh = overview.questions.filter((question) => !this.#shown.has(question.decision));
    this.#shown = waiting;
    if (wanted) for (const question of fresh) void this.#notify(question);
  }

  async #notify(question: Question): Promise<void> {
    const text = `tagout: ${question.what}? (${question.reason})`;
    // What is cut may be the worst of it: approving is then offered where all of it is seen.
    const short = tooLong(text) ? [] : BUTTONS;
    const buttons = short.filter(({ term }) => question.terms.some((offered) => offered.term === term));
    const more = question.terms.length > buttons.length ? ['More…'] : [];
    const chosen = await vscode.window.showWarningMessage(plain(text), ...buttons.map(({ title }) => title), ...more, 'Deny');
    // Closed, or gone by itself: no decision.
    if (chosen === undefined) return;
    const button = buttons.find(({ title }) => title === chosen);
    if (button !== undefined) await this.answer(question, { term: button.term });
    else if (chosen === 'Deny') await this.answer(question, 'deny');
    else await this.choose(question);
  }

  /** Every answer with its whole text: what an approval for good would allow is seen before it is given. */
  async choose(question: Question): Promise<void> {
    const long = tooLong(`${question.what}${question.reason}`);
    if (long) {
      const uri = vscode.Uri.from({ scheme: WHOLE, path: `/${question.decision}` });
      await vscode.window.showTextDocument(uri, { preview: true, preserveFocus: true });
    }
    const terms = question.terms.map(({ term, title }) => ({ label: label(capitalised(title)), answer: { term } as { term: string } | 'deny' }));
    const items = [...terms, { label: 'Deny', answer: 'deny' as const }];
    const chosen = await vscode.window.showQuickPick(items, { title: question.what, placeHolder: question.reason, ignoreFocusOut: long });
    if (chosen !== undefined) await this.answer(question, chosen.answer);
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
