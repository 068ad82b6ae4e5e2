/** The rows of the Changes view and the words of the status bar, from a recorded overview. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY, readOverview } from '../src/overview';
import { statusOf } from '../src/statusModel';
import { children, Node, rightLine, roots, row } from '../src/treeModel';
import { recorded, RECORDED } from './overview';

const label = (node: Node) => row(node, RECORDED.workspaces).label;

test('questions stand before changesets, what can be undone after them', () => {
  assert.deepEqual(roots(RECORDED).map(label), ['run `make` on the host', 'rewrite $A.unwrap_or(0) by user', 'Applied']);
  assert.deepEqual(roots(EMPTY), []);
});

test('a file is shown while anything in it waits, a hunk until it is decided', () => {
  const changeset = roots(RECORDED)[1] as Node;
  const files = children(changeset);
  assert.deepEqual(files.map(label), ['rates.rs', 'pre-commit', 'README.md']);
  assert.deepEqual(children(files[0] as Node).map(label), ['two', '2 lines removed']);
  assert.deepEqual(children(files[1] as Node), []);
});

test('a stale part can be rejected and not accepted', () => {
  const context = (node: Node) => row(node, RECORDED.workspaces).context;
  const changeset = roots(RECORDED)[1] as Node;
  const files = children(changeset);
  assert.equal(context(changeset), 'changeset.stale');
  assert.deepEqual(files.map(context), ['file.fresh', 'file.new.fresh', 'file.stale']);
  assert.deepEqual(children(files[2] as Node).map(context), ['hunk.stale']);
});

test('a file that something runs later says so', () => {
  const shown = row(children(roots(RECORDED)[1] as Node)[1] as Node, RECORDED.workspaces);
  assert.match(shown.description, /new, \.git\/hooks, runs later/);
  assert.match(shown.tooltip, /git/);
});

test('a hunk that is a whole file counts no lines', () => {
  const whole = recorded((overview) => {
    const [hunk] = overview.changes[0]!.files[2]!.hunks;
    Object.assign(hunk!, { removed: null, added: null, title: '' });
  });
  const [hunk] = children(children(roots(whole)[1] as Node)[2] as Node);
  const shown = row(hunk as Node, whole.workspaces);
  assert.equal(shown.label, 'the whole file');
  assert.doesNotMatch(JSON.stringify(shown), /null|[−+]/);
  const file = whole.changes[0]!.files[0]!;
  Object.assign(file.hunks[1]!, { removed: null, added: null });
  assert.equal(rightLine(file, file.hunks[2]!), 19);
});

test('many hunks or many files stay folded', () => {
  const folds = (hunks: number, files: number) => {
    const many = recorded((overview) => {
      const [change] = overview.changes;
      const [file] = change!.files;
      file!.hunks = Array.from({ length: hunks }, (_, hunk) => ({ ...file!.hunks[1]!, hunk }));
      change!.files = Array.from({ length: files }, (_, number) => ({ ...file!, file: number }));
    });
    const changeset = roots(many)[1] as Node;
    return [changeset, children(changeset)[0] as Node].map((node) => row(node, many.workspaces).fold);
  };
  assert.deepEqual(folds(50, 20), ['open', 'open']);
  assert.deepEqual(folds(51, 20), ['open', 'closed']);
  assert.deepEqual(folds(50, 21), ['closed', 'closed']);
});

test('with several folders a changeset names its own', () => {
  const two = recorded((overview) => {
    overview.workspaces.push({ ...RECORDED.workspaces[0]!, root: '/other', folder: '/other', name: 'other', mode: 'read-only' });
  });
  assert.match(row(roots(two)[1] as Node, two.workspaces).description, /parcels/);
  assert.doesNotMatch(row(roots(RECORDED)[1] as Node, RECORDED.workspaces).description, /parcels/);
});

test('every row has an id of its own', () => {
  const all = (node: Node): Node[] => [node, ...children(node).flatMap(all)];
  const ids = roots(RECORDED).flatMap(all).map((node) => row(node, RECORDED.workspaces).id);
  assert.equal(new Set(ids).size, ids.length);
});

test('a hunk stands lower on the right side by what pending ones before it add', () => {
  const file = RECORDED.changes[0]!.files[0]!;
  // The accepted one is in the left side already.
  assert.equal(rightLine(file, file.hunks[1]!), 9);
  assert.equal(rightLine(file, file.hunks[2]!), 20);
});

test('the status bar says mode, what waits and questions', () => {
  const status = statusOf({ kind: 'running' }, RECORDED, undefined);
  assert.equal(status.text, '$(tag) tagout: workspace-write, 3 pending, 1 question');
  assert.equal(status.level, 'warning');
  assert.ok(status.lines.includes('at work: tagout: run cargo test'));
});

test('the index is named while it is not ready', () => {
  const busy = recorded((overview) => (overview.workspaces[0]!.index.state = 'busy'));
  assert.match(statusOf({ kind: 'running' }, busy, undefined).text, /indexing/);
  const failed = recorded((overview) => (overview.workspaces[0]!.index.state = 'failed'));
  assert.match(statusOf({ kind: 'running' }, failed, undefined).text, /no index/);
});

test('with several folders the mode is that of the file at hand', () => {
  const two = recorded((overview) => {
    overview.workspaces.push({ ...RECORDED.workspaces[0]!, root: '/other', folder: '/other', name: 'other', mode: 'read-only' });
  });
  assert.match(statusOf({ kind: 'running' }, two, '/other').text, /read-only/);
  assert.match(statusOf({ kind: 'running' }, two, undefined).text, /several modes/);
});

test('a server that is not there is said with its reason', () => {
  const status = statusOf({ kind: 'stopped', why: 'tagout was not found' }, EMPTY, undefined);
  assert.deepEqual([status.text, status.lines, status.level], ['$(error) tagout: not running', ['tagout was not found'], 'error']);
});

test('an overview with parts missing or of the wrong kind is an empty one there', () => {
  for (const sent of [null, undefined, 7, 'x', [], {}, { changes: 'none', questions: null }]) {
    assert.deepEqual(readOverview(sent), EMPTY);
  }
  assert.equal(readOverview({ ...RECORDED, jobs: undefined }).changes.length, 1);
});
