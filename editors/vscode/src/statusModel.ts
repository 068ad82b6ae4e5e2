/** What the status bar says, as a value. No `vscode` here. */

import { counted, Overview, waiting, Workspace } from './overview';

/** Where the server is in its life. */
export type ServerState =
  | { kind: 'idle' }
  | { kind: 'starting' }
  | { kind: 'running' }
  | { kind: 'waiting'; seconds: number; why: string }
  | { kind: 'stopped'; why: string };

export interface Status {
  text: string;
  /** In plain words, for the tooltip and for screen readers. */
  lines: string[];
  level: 'plain' | 'warning' | 'error';
}

/** The status for the folder that is at hand, which is named by its path in the editor. */
export function statusOf(server: ServerState, overview: Overview, folder: string | undefined): Status {
  switch (server.kind) {
    case 'idle':
      return { text: '$(tag) tagout: no folder', lines: ['tagout works on a folder: open one'], level: 'plain' };
    case 'starting':
      return { text: '$(tag) tagout: starting', lines: ['tagout is starting'], level: 'plain' };
    case 'waiting':
      return { text: '$(warning) tagout: restarting', lines: [server.why, `it is started again in ${server.seconds} s`], level: 'warning' };
    case 'stopped':
      return { text: '$(error) tagout: not running', lines: [server.why], level: 'error' };
    case 'running':
      return running(overview, folder);
  }
}

function running(overview: Overview, folder: string | undefined): Status {
  const count = waiting(overview);
  const questions = overview.questions.length;
  const pieces = [modeOf(overview, folder)];
  if (count > 0) pieces.push(`${count} pending`);
  if (questions > 0) pieces.push(counted(questions, 'question'));
  const states = overview.workspaces.map((workspace) => workspace.index.state);
  if (states.includes('busy')) pieces.push('$(sync~spin) indexing');
  else if (states.includes('failed')) pieces.push('$(warning) no index');
  const lines = [
    ...overview.workspaces.map(workspaceLine),
    `${counted(count, 'hunk')} and ${counted(questions, 'question')} wait for your decision`,
    ...overview.jobs.map((job) => `at work: ${job.title}`),
  ];
  return { text: `$(tag) tagout: ${pieces.join(', ')}`, lines, level: questions > 0 ? 'warning' : 'plain' };
}

function modeOf(overview: Overview, folder: string | undefined): string {
  const [only, ...others] = overview.workspaces;
  if (only === undefined) return 'no folder';
  if (others.length === 0) return only.mode;
  const here = overview.workspaces.find((workspace) => workspace.folder === folder || workspace.root === folder);
  if (here !== undefined) return here.mode;
  return others.every((other) => other.mode === only.mode) ? only.mode : 'several modes';
}

function workspaceLine(workspace: Workspace): string {
  const trust = { trusted: 'trusted', changed: 'its settings changed since it was trusted', untrusted: 'not trusted' };
  const state = { busy: 'is being built', ready: 'is ready', failed: 'failed' }[workspace.index.state];
  const message = workspace.index.message === '' ? '' : ` (${workspace.index.message})`;
  return `${workspace.name}: ${workspace.mode}, ${trust[workspace.trust]}, the index ${state}${message}`;
}
