/**
 * Ends and starts of something of which there must be one at most, in the order in which they were asked for. What was asked
 * for last counts: an earlier start that has not come yet is left out, and one at work can see that it is not wanted any
 * more. No `vscode` here.
 */
export class Turns {
  #turn = 0;
  #ended: Promise<void> = Promise.resolve();

  /** `end` ends what there is, and does nothing where there is nothing; it says its failures itself. */
  constructor(private readonly end: () => Promise<void>) {}

  /** Whether nothing else was asked for since. */
  isCurrent(turn: number): boolean {
    return turn === this.#turn;
  }

  /** Ends what there is, and then does `next`, unless something else was asked for meanwhile. `next` holds up no other. */
  async endThen(next: (turn: number) => void | Promise<void>): Promise<void> {
    const turn = ++this.#turn;
    this.#ended = this.#ended.then(() => this.end()).catch(() => undefined);
    await this.#ended;
    if (this.isCurrent(turn)) await next(turn);
  }
}
