/** What the server told last, asked for again whenever it says that it is another. */

import * as vscode from 'vscode';
import { EMPTY, Overview, readOverview } from './overview';
import { Server } from './server';

export class OverviewStore implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<Overview>();
  readonly #subscriptions: vscode.Disposable[];
  #overview = EMPTY;
  #asking = false;
  #again = false;

  readonly onChanged = this.#changed.event;

  constructor(private readonly server: Server) {
    this.#subscriptions = [
      server.onOverviewChanged(() => void this.#ask()),
      server.onChanged((state) => (state.kind === 'running' ? void this.#ask() : this.#take(EMPTY))),
    ];
  }

  get overview(): Overview {
    return this.#overview;
  }

  dispose(): void {
    for (const subscription of [...this.#subscriptions, this.#changed]) subscription.dispose();
  }

  /** One question at a time; what changed meanwhile is asked about once more. */
  async #ask(): Promise<void> {
    this.#again = true;
    if (this.#asking) return;
    this.#asking = true;
    try {
      while (this.#again && this.server.state.kind === 'running' && this.server.knows('tagout.overview')) {
        this.#again = false;
        const answer = await this.server.execute('tagout.overview');
        if (answer !== undefined && this.server.state.kind === 'running') this.#take(readOverview(answer));
      }
    } finally {
      this.#asking = false;
    }
  }

  #take(overview: Overview): void {
    this.#overview = overview;
    this.#changed.fire(overview);
  }
}
