/** The language client, as this extension wants it. The only file that loads `vscode-languageclient`. */

import { ChildProcess } from 'node:child_process';
import * as vscode from 'vscode';
import {
  ClientCapabilities,
  CloseAction,
  ErrorAction,
  FeatureState,
  LanguageClient,
  RevealOutputChannelOn,
  StaticFeature,
} from 'vscode-languageclient/node';
import { makePlain } from './foreign';

/** What the client needs of the one that keeps it. */
export interface Keeper {
  log: vscode.LogOutputChannel;
  trace: vscode.LogOutputChannel;
  /** What a person chose of the server's settings. */
  settings(): object;
  overviewChanged(): void;
  /** Runs what may fail; a failure goes to the log. */
  logged(command: string, send: () => unknown): Promise<unknown>;
  spawn(): Promise<ChildProcess>;
  /** The connection is gone; the client tidies up once this is done. */
  closed(): Promise<void>;
}

export function createClient(keeper: Keeper): LanguageClient {
  const client = new QuietClient('tagout', 'tagout', () => keeper.spawn(), {
    documentSelector: [{ scheme: 'file' }],
    outputChannel: keeper.log,
    traceOutputChannel: keeper.trace,
    // What a person must know the server says by messages and diagnostics.
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    // Thrown on: the client would otherwise try to stop what has not started, and say so in VS Code's own log.
    initializationFailedHandler: (error) => {
      throw error;
    },
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: async () => {
        await keeper.closed();
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    },
    connectionOptions: {
      messageStrategy: {
        handleMessage: (message, next) => {
          makePlain(message);
          return next(message);
        },
      },
    },
    middleware: {
      executeCommand: (command, args, next) => keeper.logged(command, () => next(command, args)),
      workspace: {
        configuration: ({ items }) => items.map(({ section }) => (section === 'tagout' ? keeper.settings() : null)),
        // Only that something changed: the server then asks for what it is.
        didChangeConfiguration: (_, next) => next(undefined),
      },
    },
  });
  client.registerFeature(new Experimental());
  client.onNotification('tagout/overviewChanged', () => keeper.overviewChanged());
  return client;
}

/** A client whose own failures go to the log alone: the extension says what a person has to know, once. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** Tells the server that this client reads `tagout.overview` and the documents that are the sides of a change. */
class Experimental implements StaticFeature {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    const others = typeof capabilities.experimental === 'object' ? (capabilities.experimental as object) : {};
    capabilities.experimental = { ...others, tagout: { overview: true, contents: true } };
  }

  initialize(): void {}

  getState(): FeatureState {
    return { kind: 'static' };
  }

  clear(): void {}
}
