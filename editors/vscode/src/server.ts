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
import { Turns } from './turns';

/** How long the server may take to end by itself before it is ended. VS Code gives an extension five seconds. */
const FAREWELL = 4_000;

/** How long to wait for the exit code of a server that does not answer any more. */
const LAST_WORDS = 1_000;

/** A process that could not be started has no id, and never says that it ended. */
function isAlive(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

/** The program that the person's own settings name. What a folder says is not read: it would choose what is run. */
export function programSetting(): unknown {
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
  /** What an earlier start still says is not taken for the present one, and no two run at once. */
  readonly #turns = new Turns(() => this.#end());

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
    clearTimeout(this.#timer);
    const done = this.#turns.endThen((turn) => this.#start(turn));
    this.#become({ kind: 'starting' });
    await done;
  }

  /** Ends it, if it runs. */
  async stop(): Promise<void> {
    const done = this.leave();
    // At once: whoever asks while it ends, as for a folder that comes, has to see that a start is needed.
    this.#become({ kind: 'idle' });
    await done;
  }

  /** Ends it without a word: the window closes, and what would show it is going too. */
  async leave(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#turns.endThen(() => undefined);
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

  async #start(turn: number): Promise<void> {
    const folders = vscode.workspace.workspaceFolders ?? [];
    if (!folders.some((folder) => folder.uri.scheme === 'file')) return this.#become({ kind: 'idle' });
    this.#become({ kind: 'starting' });
    try {
      const binary = await findBinary(programSetting());
      if (!this.#turns.isCurrent(turn)) return;
      this.#binary = binary;
      this.log.info(`starting ${binary.path} (${binary.version})`);
      await this.#connect(binary, turn);
    } catch (error) {
      if (!this.#turns.isCurrent(turn)) return;
      if (error instanceof Problem) this.#fail(error);
      else await this.#lost(turn, `it could not be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** The client is loaded only here: it is most of the extension, and nothing before needs it. */
  async #connect(binary: Binary, turn: number): Promise<void> {
    const { createClient } = await import('./client.js');
    if (!this.#turns.isCurrent(turn)) return;
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
    if (this.#turns.isCurrent(turn)) this.#become({ kind: 'running' });
  }

  /** Not from the folder: it may be gone, and its programs are not to be found before others. */
  async #spawn(binary: Binary, turn: number): Promise<ChildProcess> {
    if (!this.#turns.isCurrent(turn)) throw new Error('another start came first');
    const child = spawn(binary.path, ['lsp'], { cwd: homedir(), stdio: 'pipe', windowsHide: true });
    this.#process = child;
    // For as long as it lives: an error that nobody listens to would end the extension host.
    child.on('error', (error) => this.log.debug(`the process of the server: ${error.message}`));
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
    if (child !== undefined && isAlive(child)) {
      await Promise.race([once(child, 'exit').catch(() => undefined), new Promise((resolve) => setTimeout(resolve, LAST_WORDS))]);
    }
    await this.#ended(turn, how);
  }

  /** It is gone though nobody ended it: again, a little later each time, and then not any more. */
  async #ended(turn: number, how: string): Promise<void> {
    if (!this.#turns.isCurrent(turn)) return;
    this.log.error(how);
    const wait = this.#restarts.afterEnd();
    const done = this.#turns.endThen((next) => {
      if (wait === undefined) {
        const what = `tagout is not started again after ${this.#restarts.count} ends within three minutes; the last time ${how}`;
        this.#fail(new Problem(what, ['restart', 'log']));
      } else {
        this.#timer = setTimeout(() => void this.#start(next), wait);
      }
    });
    // What is seen does not wait for the tidying, which waits for a process that may hang.
    if (wait !== undefined) this.#become({ kind: 'waiting', seconds: Math.ceil(wait / 1000), why: `tagout is not running: ${how}` });
    await done;
  }

  async #end(): Promise<void> {
    const [client, child] = [this.#client, this.#process];
    this.#client = this.#process = undefined;
    const gone = child === undefined || !isAlive(child) ? undefined : once(child, 'exit').catch(() => undefined);
    try {
      if (client?.isRunning()) await client.stop(FAREWELL);
      await client?.dispose();
    } catch (error) {
      this.log.debug(`while it was stopped: ${String(error)}`);
    }
    if (gone === undefined) return;
    const timer = setTimeout(() => child?.kill('SIGKILL'), FAREWELL / 4);
    // Not for ever: the next start waits for this.
    await Promise.race([gone, new Promise((resolve) => setTimeout(resolve, FAREWELL).unref())]);
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
