/** The rows of the Changes view, as values. No `vscode` here. */

import { Applied, Change, ChangedFile, counted, Hunk, Overview, Question, Workspace } from './overview';

export type Node =
  | { kind: 'question'; question: Question }
  | { kind: 'changeset'; change: Change }
  | { kind: 'file'; change: Change; file: ChangedFile }
  | { kind: 'hunk'; change: Change; file: ChangedFile; hunk: Hunk }
  | { kind: 'past'; applied: Applied[] }
  | { kind: 'applied'; applied: Applied };

/** What a row shows. */
export interface Row {
  /** The same for the same thing over time, so that the view keeps what is folded. */
  id: string;
  label: string;
  description: string;
  tooltip: string;
  /** What the menus of `package.json` go by. */
  context: string;
  icon?: string;
  fold: 'open' | 'closed' | 'leaf';
}

/** More than these are not unfolded unasked: ten thousand rows would hold up the editor, and nobody reads them. */
const MANY_FILES = 20;
const MANY_HUNKS = 50;

export function roots(overview: Overview): Node[] {
  const questions = overview.questions.map((question): Node => ({ kind: 'question', question }));
  const changes = overview.changes
    .filter((change) => change.files.some((file) => shownHunks(file).length > 0 || file.pending + file.stale > 0))
    .map((change): Node => ({ kind: 'changeset', change }));
  const past: Node[] = overview.applied.length > 0 ? [{ kind: 'past', applied: overview.applied }] : [];
  return [...questions, ...changes, ...past];
}

export function children(node: Node): Node[] {
  switch (node.kind) {
    case 'changeset': {
      const { change } = node;
      const files = change.files.filter((file) => file.pending + file.stale > 0 || shownHunks(file).length > 0);
      return files.map((file) => ({ kind: 'file', change, file }));
    }
    case 'file': {
      const { change, file } = node;
      return shownHunks(file).map((hunk) => ({ kind: 'hunk', change, file, hunk }));
    }
    case 'past':
      return node.applied.map((applied) => ({ kind: 'applied', applied }));
    case 'question':
    case 'hunk':
    case 'applied':
      return [];
  }
}

function shownHunks(file: ChangedFile): Hunk[] {
  return file.hunks.filter((hunk) => DRAWN[hunk.state] !== undefined);
}

/** The row of a node; `workspaces` say whether the folder must be named. */
export function row(node: Node, workspaces: readonly Workspace[]): Row {
  const place = (root: string) =>
    workspaces.length > 1 ? (workspaces.find((workspace) => workspace.root === root)?.name ?? root) : '';
  switch (node.kind) {
    case 'question':
      return questionRow(node.question, place(node.question.root));
    case 'changeset':
      return changesetRow(node.change, place(node.change.root));
    case 'file':
      return fileRow(node.change, node.file);
    case 'hunk':
      return hunkRow(node);
    case 'past': {
      const description = counted(node.applied.length, 'changeset');
      return { id: 'past', label: 'Applied', description, tooltip: 'What can be undone', context: 'past', icon: 'history', fold: 'closed' };
    }
    case 'applied': {
      const { changeset, title, root } = node.applied;
      const tooltip = `${title}: applied; it can be undone`;
      return { id: `applied/${changeset}`, label: title, description: place(root), tooltip, context: 'applied', icon: 'pass', fold: 'leaf' };
    }
  }
}

function questionRow(question: Question, place: string): Row {
  return {
    id: `question/${question.decision}`,
    label: question.what,
    description: joined([question.reason, place]),
    tooltip: `${question.what}: ${question.reason}. Choose it to answer`,
    context: 'question',
    icon: 'question',
    fold: 'leaf',
  };
}

function changesetRow(change: Change, place: string): Row {
  const counts = joined([counted(change.pending, 'hunk'), change.stale > 0 ? `${change.stale} stale` : '', change.checks ?? '', place]);
  return {
    id: `changeset/${change.changeset}`,
    label: change.title,
    description: counts,
    tooltip: `${change.title} (${change.changeset}): ${counts}`,
    context: `changeset.${freshness(change)}`,
    icon: 'diff-multiple',
    fold: change.files.length > MANY_FILES ? 'closed' : 'open',
  };
}

function fileRow(change: Change, file: ChangedFile): Row {
  const slash = file.path.lastIndexOf('/');
  const kind = { edit: '', create: 'new', delete: 'deleted' }[file.kind];
  const runs = file.runsLater === null ? '' : `run later by ${file.runsLater}: asked about by itself`;
  return {
    id: `file/${change.changeset}/${file.file}`,
    label: file.path.slice(slash + 1),
    description: joined([kind, file.path.slice(0, Math.max(slash, 0)), file.stale > 0 ? `${file.stale} stale` : '', runs === '' ? '' : 'runs later']),
    tooltip: joined([file.path, counted(file.pending, 'hunk'), runs]),
    // A file that is not there yet cannot be opened.
    context: `file.${file.kind === 'create' ? 'new.' : ''}${freshness(file)}`,
    fold: fileFold(change, file),
  };
}

function fileFold(change: Change, file: ChangedFile): Row['fold'] {
  if (file.kind !== 'edit') return 'leaf';
  return change.files.length > MANY_FILES || shownHunks(file).length > MANY_HUNKS ? 'closed' : 'open';
}

/** How the hunks are drawn that are shown; the others are decided. */
const DRAWN: Partial<Record<Hunk['state'], { said: string; icon: string; context: string }>> = {
  pending: { said: '', icon: 'diff-modified', context: 'hunk.fresh' },
  stale: { said: 'the file changed since: reject it and ask again', icon: 'warning', context: 'hunk.stale' },
  'in-flight': { said: 'on its way', icon: 'sync', context: 'hunk' },
};

function hunkRow({ change, file, hunk }: { change: Change; file: ChangedFile; hunk: Hunk }): Row {
  const line = hunk.range === null ? '' : `line ${hunk.range.start.line + 1}`;
  const { said, icon, context } = DRAWN[hunk.state] ?? { said: '', icon: 'pass', context: 'hunk' };
  return {
    id: `hunk/${change.changeset}/${file.file}/${hunk.hunk}`,
    label: hunk.title.trim() === '' ? removal(hunk) : hunk.title.trim(),
    description: joined([line, counts(hunk), said]),
    tooltip: joined([`${file.path}: ${hunk.title.trim()}`, line, said]),
    context,
    icon,
    fold: 'leaf',
  };
}

/** What a hunk is called that puts nothing in the place of what it removes. */
function removal({ removed }: Hunk): string {
  return removed === null ? 'the whole file' : `${counted(removed, 'line')} removed`;
}

function counts({ removed, added }: Hunk): string {
  return [removed === null ? '' : `−${removed}`, added === null ? '' : `+${added}`].join(' ').trim();
}

/** Accepting is offered while nothing in it is stale, rejecting as long as anything waits. */
function freshness(what: { pending: number; stale: number }): 'fresh' | 'stale' | 'done' {
  if (what.stale > 0) return 'stale';
  return what.pending > 0 ? 'fresh' : 'done';
}

/** The line at which a hunk begins on the right side of the diff: those before it have moved it. */
export function rightLine(file: ChangedFile, hunk: Hunk): number {
  const before = file.hunks.filter((other) => other.state === 'pending' && other.hunk < hunk.hunk);
  const moved = before.reduce((sum, other) => sum + (other.added ?? 0) - (other.removed ?? 0), 0);
  return Math.max(0, (hunk.range?.start.line ?? 0) + moved);
}

function joined(parts: string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}
