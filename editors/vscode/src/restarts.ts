/** When a server that ended by itself is started again: soon, then later, then not. No `vscode` here. */

/** How long the next start waits, after the first end, the second, and so on; after the last there is none. */
const WAITS = [500, 2_000, 5_000, 10_000] as const;

/** Ends that lie further back than this are forgotten. */
const WINDOW = 3 * 60_000;

export class Restarts {
  #ends: number[] = [];

  constructor(private readonly now: () => number = Date.now) {}

  /** Counts one end; answers how many milliseconds to wait before the next start, or nothing when it is enough. */
  afterEnd(): number | undefined {
    const now = this.now();
    this.#ends = [...this.#ends.filter((end) => now - end < WINDOW), now];
    return WAITS[this.#ends.length - 1];
  }

  /** How many ends are not forgotten yet. */
  get count(): number {
    return this.#ends.length;
  }

  /** A person started it: whatever was before does not count. */
  reset(): void {
    this.#ends = [];
  }
}
