/** An overview as a server sends it: a rewrite of two files, one hunk stale, a question and one applied changeset. */

import { Overview } from '../src/overview';

export const RECORDED: Overview = {
  version: '0.1.0',
  workspaces: [
    {
      root: '/home/me/parcels',
      folder: '/home/me/parcels',
      name: 'parcels',
      mode: 'workspace-write',
      trust: 'trusted',
      settings: null,
      index: { state: 'ready', message: '6 files' },
    },
  ],
  changes: [
    {
      changeset: 'c1',
      root: '/home/me/parcels',
      title: 'rewrite $A.unwrap_or(0) by user',
      checks: null,
      pending: 2,
      stale: 1,
      files: [
        {
          file: 0,
          path: 'src/rates.rs',
          uri: 'file:///home/me/parcels/src/rates.rs',
          kind: 'edit',
          pending: 1,
          stale: 0,
          runsLater: null,
          left: 'file:///home/me/parcels/src/rates.rs',
          right: 'tagout:/c1/0/src/rates.rs',
          hunks: [
            { hunk: 0, state: 'accepted', range: { start: { line: 3, character: 0 }, end: { line: 4, character: 0 } }, title: 'one', removed: 1, added: 3 },
            { hunk: 1, state: 'pending', range: { start: { line: 9, character: 0 }, end: { line: 10, character: 0 } }, title: '  two', removed: 1, added: 2 },
            { hunk: 2, state: 'pending', range: { start: { line: 19, character: 0 }, end: { line: 20, character: 0 } }, title: '', removed: 2, added: 0 },
          ],
        },
        {
          file: 1,
          path: '.git/hooks/pre-commit',
          uri: 'file:///home/me/parcels/.git/hooks/pre-commit',
          kind: 'create',
          pending: 1,
          stale: 0,
          runsLater: 'git',
          left: 'tagout:/c1/empty',
          right: 'tagout:/c1/1/pre-commit',
          hunks: [],
        },
        {
          file: 2,
          path: 'README.md',
          uri: 'file:///home/me/parcels/README.md',
          kind: 'edit',
          pending: 0,
          stale: 1,
          runsLater: null,
          left: 'file:///home/me/parcels/README.md',
          right: 'tagout:/c1/2/README.md',
          hunks: [{ hunk: 0, state: 'stale', range: null, title: 'x', removed: 1, added: 1 }],
        },
        {
          file: 3,
          path: 'src/done.rs',
          uri: 'file:///home/me/parcels/src/done.rs',
          kind: 'edit',
          pending: 0,
          stale: 0,
          runsLater: null,
          left: 'file:///home/me/parcels/src/done.rs',
          right: 'tagout:/c1/3/src/done.rs',
          hunks: [{ hunk: 0, state: 'rejected', range: null, title: 'x', removed: 1, added: 1 }],
        },
      ],
    },
  ],
  questions: [
    {
      decision: 'q1',
      root: '/home/me/parcels',
      what: 'run `make` on the host',
      reason: 'a rule wants an approval',
      terms: [{ term: 'once', title: 'approve once' }],
    },
  ],
  applied: [{ changeset: 'c0', root: '/home/me/parcels', title: 'run sh by user' }],
  jobs: [{ job: 7, title: 'tagout: run cargo test' }],
};

/** A deep copy with some of it changed. */
export function recorded(change: (overview: Overview) => void = () => undefined): Overview {
  const copy = structuredClone(RECORDED);
  change(copy);
  return copy;
}
