/** The server's life: found, checked, started, watched, started again, stopped. */

import { ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { homedir } from 'node:os';
import * as vscode from 'vscode';
import type { LanguageClient } from 'vscode-languageclient/node';
import { Binary, findBinary, Problem } from './binary';
import { plain } from './foreign';
import { listRecipes, Recipe } from './recipes';
import { Restarts } from './restarts';
import { chosenSettings } from './settings';
import { ServerState } from './statusModel';

/** How long the server may take to end by itself before it is ended. VS Code gives an extension five seconds. */
const FAREWELL = 4_000;

/** How long to wait for the exit code of a server that does not answer any more. */
const LAST_WORDS = 1_000;

/** The program that the person's own settings name. What a folder says is not read: it would choose what is run. */
function programSetting(): unknown {
  return vscode.workspace.getConfiguration('tagout').inspect('server.path')?.globalValue;
}

export class Server implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<ServerState>();
  readonly #failed = new vscode.EventEmitter<Problem>();
  readonly #overviewChanged = new vscode.EventEmitter<void>();
  readonly #restarts = new Restarts();
  #state: ServerState = { kind: 'idle' };
  #client: LanguageClient | undefined;
  #process: ChildProcess | undefined;
  #binary: Binary | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Counts the starts, so that what an earlier one still says is not taken for the present one. */
  #turn = 0;

  /** The state became another. */
  readonly onChanged = this.#changed.event;
  /** It is not running, and will not be without a person. */
  readonly onFailed = this.#failed.event;
  /** What `tagout.overview` tells may be another. */
  readonly onOverviewChanged = this.#overviewChanged.event;

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly trace: vscode.LogOutputChannel,
    /** The names of the server's settings. */
    private readonly keys: readonly string[],
  ) {}

  get state(): ServerState {
    return this.#state;
  }

  /** Starts it because a person, a folder or a setting wants it; what failed before does not count. */
  async restart(): Promise<void> {
    this.#restarts.reset();
    await this.stop();
    await this.#start();
  }

  /** Ends it, if it runs. */
  async stop(): Promise<void> {
    await this.leave();
    this.#become({ kind: 'idle' });
  }

  /** Ends it without a word: the window closes, and what would show it is going too. */
  async leave(): Promise<void> {
    this.#turn++;
    clearTimeout(this.#timer);
    await this.#end();
  }

  /** Runs one of the server's commands. What goes wrong there the server itself says; here it goes to the log. */
  async execute(command: string, argument: object = {}): Promise<unknown> {
    const client = this.#client;
    if (client === undefined || this.#state.kind !== 'running') {
      const why = 'why' in this.#state ? `: ${this.#state.why}` : '';
      void vscode.window.showWarningMessage(plain(`tagout is not running${why}`));
      return undefined;
    }
    return this.#logged(command, () => client.sendRequest('workspace/executeCommand', { command, arguments: [argument] }));
  }

  /** The recipes of a folder, which the program lists. */
  async recipes(root: string): Promise<Recipe[] | undefined> {
    const binary = this.#binary;
    if (binary === undefined) return undefined;
    return (await this.#logged('recipe list', () => listRecipes(binary.path, root))) as Recipe[] | undefined;
  }

  /** Whether the server knows a command. */
  knows(command: string): boolean {
    return this.#client?.initializeResult?.capabilities.executeCommandProvider?.commands.includes(command) ?? false;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const emitter of [this.#changed, this.#failed, this.#overviewChanged]) emitter.dispose();
  }

  async #start(): Promise<void> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    if (!folders.some((folder) => folder.uri.scheme === 'file')) return this.#become({ kind: 'idle' });
    const turn = ++this.#turn;
    this.#become({ kind: 'starting' });
    try {
      const binary = await findBinary(programSetting());
      if (turn !== this.#turn) return;
      this.#binary = binary;
      this.log.info(`starting ${binary.path} (${binary.version})`);
      await this.#connect(binary, turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      if (error instanceof Problem) this.#fail(error);
      else await this.#lost(turn, `it could not be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The client is loaded only here: it is most of the extension, and nothing before needs it. */
  async #connect(binary: Binary, turn: number): Promise<void> {
    const { createClient } = await import('./client.js');
    if (turn !== this.#turn) return;
    let started: Promise<void> | undefined;
    const client = createClient({
      log: this.log,
      trace: this.trace,
      settings: () => this.#settings(),
      overviewChanged: () => this.#overviewChanged.fire(),
      logged: (command, send) => this.#logged(command, send),
      spawn: () => this.#spawn(binary, turn),
      closed: async () => {
        void this.#lost(turn, 'the connection to it was closed');
        // While it still starts the client must keep the promise of it, whose failure nobody would handle otherwise.
        await started?.catch(() => undefined);
      },
    });
    this.#client = client;
    started = client.start();
    await started;
    if (turn === this.#turn) this.#become({ kind: 'running' });
  }

  /** Not from the folder: it may be gone, and its programs are not to be found before others. */
  async #spawn(binary: Binary, turn: number): Promise<ChildProcess> {
    if (turn !== this.#turn) throw new Error('another start came first');
    const child = spawn(binary.path, ['lsp'], { cwd: homedir(), stdio: 'pipe', windowsHide: true });
    this.#process = child;
    // A write to a process that is gone; that it is gone is told by its end.
    child.stdin.on('error', (error) => this.log.debug(`not sent: ${error.message}`));
    child.once('exit', (code, signal) => {
      const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
      void this.#ended(turn, `it ended ${how}`);
    });
    await once(child, 'spawn');
    return child;
  }

  /** It cannot be talked to. That its process ends comes a moment later, and says more. */
  async #lost(turn: number, how: string): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      await Promise.race([once(child, 'exit'), new Promise((resolve) => setTimeout(resolve, LAST_WORDS))]);
    }
    await this.#ended(turn, how);
  }

  /** It is gone though nobody ended it: again, a little later each time, and then not any more. */
  async #ended(turn: number, how: string): Promise<void> {
    if (turn !== this.#turn) return;
    this.#turn++;
    this.log.error(how);
    const wait = this.#restarts.afterEnd();
    // First what is seen, then the tidying: that waits for a process that may hang.
    if (wait !== undefined) this.#become({ kind: 'waiting', seconds: Math.ceil(wait / 1000), why: `tagout is not running: ${how}` });
    await this.#end();
    if (wait === undefined) {
      const what = `tagout is not started again after ${this.#restarts.count} ends within three minutes; the last time ${how}`;
      this.#fail(new Problem(what, ['restart', 'log']));
    } else if (this.#state.kind === 'waiting') {
      this.#timer = setTimeout(() => void this.#start(), wait);
    }
  }

  async #end(): Promise<void> {
    const [client, child] = [this.#client, this.#process];
    this.#client = this.#process = undefined;
    const gone = child === undefined || child.exitCode !== null || child.signalCode !== null ? undefined : once(child, 'exit');
    try {
      if (client?.isRunning()) await client.stop(FAREWELL);
      await client?.dispose();
    } catch (error) {
      this.log.debug(`while it was stopped: ${String(error)}`);
    }
    if (gone === undefined) return;
    const timer = setTimeout(() => child?.kill('SIGKILL'), FAREWELL / 4);
    await gone.catch(() => undefined);
    clearTimeout(timer);
  }

  #settings(): object {
    const all = vscode.workspace.getConfiguration('tagout');
    return chosenSettings(this.keys, (key) => all.inspect(key));
  }

  async #logged(command: string, send: () => unknown): Promise<unknown> {
    try {
      return await send();
    } catch (error) {
      this.log.warn(`${command}: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }

  #fail(problem: Problem): void {
    this.log.error(problem.message);
    this.#become({ kind: 'stopped', why: problem.message });
    this.#failed.fire(problem);
  }

  #become(state: ServerState): void {
    this.#state = state;
    this.#changed.fire(state);
  }
}
