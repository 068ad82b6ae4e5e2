/** What the server answers to `tagout.overview`. No `vscode` here. */

export type Mode = 'read-only' | 'workspace-write' | 'unrestricted';
export const MODES: readonly Mode[] = ['read-only', 'workspace-write', 'unrestricted'];

export interface Workspace {
  root: string;
  /** The folder as the editor calls it. */
  folder: string;
  name: string;
  mode: Mode;
  trust: 'trusted' | 'changed' | 'untrusted';
  settings: { hash: string; files: string[] } | null;
  index: { state: 'busy' | 'ready' | 'failed'; message: string };
}

export interface Position {
  line: number;
  character: number;
}

export interface Hunk {
  hunk: number;
  state: 'pending' | 'stale' | 'in-flight' | 'accepted' | 'rejected' | 'made';
  range: { start: Position; end: Position } | null;
  title: string;
  /** Null where it is the whole file, whose lines nobody counted. */
  removed: number | null;
  added: number | null;
}

export interface ChangedFile {
  file: number;
  path: string;
  uri: string;
  kind: 'edit' | 'create' | 'delete';
  pending: number;
  stale: number;
  runsLater: string | null;
  /** The two sides for a diff editor. */
  left: string;
  right: string;
  hunks: Hunk[];
}

export interface Change {
  changeset: string;
  root: string;
  title: string;
  checks: string | null;
  pending: number;
  stale: number;
  files: ChangedFile[];
}

export interface Question {
  decision: string;
  root: string;
  what: string;
  reason: string;
  terms: { term: string; title: string }[];
}

export interface Applied {
  changeset: string;
  root: string;
  title: string;
}

export interface Job {
  job: number;
  title: string;
}

export interface Overview {
  version: string;
  workspaces: Workspace[];
  changes: Change[];
  questions: Question[];
  applied: Applied[];
  jobs: Job[];
}

export const EMPTY: Overview = { version: '', workspaces: [], changes: [], questions: [], applied: [], jobs: [] };

/** What a server sent as an overview; a list that it left out is empty, so that a newer or older one does no harm. */
export function readOverview(value: unknown): Overview {
  if (typeof value !== 'object' || value === null) return EMPTY;
  const sent = value as Record<string, unknown>;
  const list = <T>(name: string): T[] => (Array.isArray(sent[name]) ? (sent[name] as T[]) : []);
  return {
    version: typeof sent.version === 'string' ? sent.version : '',
    workspaces: list('workspaces'),
    changes: list('changes'),
    questions: list('questions'),
    applied: list('applied'),
    jobs: list('jobs'),
  };
}

/** How many hunks wait for a decision, the stale ones too: they can still be rejected. */
export function waiting(overview: Overview): number {
  return overview.changes.reduce((sum, change) => sum + change.pending + change.stale, 0);
}

/** `1 hunk`, `3 hunks`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
