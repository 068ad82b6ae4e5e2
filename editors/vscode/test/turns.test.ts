/** Ends and starts that overlap: never two at once, and the last word counts. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../src/turns';

/** A server of which each start and each end takes its time. */
class Stub {
  running = 0;
  most = 0;
  starts: string[] = [];
  readonly turns = new Turns(async () => {
    await soon();
    this.running = 0;
  });

  async start(name: string, turn: number): Promise<void> {
    this.starts.push(name);
    await soon();
    if (!this.turns.isCurrent(turn)) return;
    this.running++;
    this.most = Math.max(this.most, this.running);
  }

  restart(name: string): Promise<void> {
    return this.turns.endThen((turn) => this.start(name, turn));
  }
}

const soon = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a restart before the first is over leaves one server', async () => {
  const stub = new Stub();
  await Promise.all([stub.restart('one'), stub.restart('two'), stub.restart('three')]);
  assert.deepEqual([stub.starts, stub.running, stub.most], [['three'], 1, 1]);
});

test('a restart while a start is at work takes its place', async () => {
  const stub = new Stub();
  const first = stub.restart('one');
  while (stub.starts.length === 0) await soon();
  await Promise.all([first, stub.restart('two')]);
  assert.deepEqual([stub.starts, stub.running, stub.most], [['one', 'two'], 1, 1]);
});

test('a start that hangs does not hold up the next', async () => {
  const stub = new Stub();
  void stub.turns.endThen(() => new Promise(() => undefined));
  await soon();
  await soon();
  await stub.restart('two');
  assert.equal(stub.running, 1);
});

test('a stop after a restart leaves none, and a restart after a stop one', async () => {
  const stub = new Stub();
  await Promise.all([stub.restart('one'), stub.turns.endThen(() => undefined)]);
  assert.deepEqual([stub.starts, stub.running], [[], 0]);
  await Promise.all([stub.turns.endThen(() => undefined), stub.restart('two')]);
  assert.deepEqual([stub.starts, stub.running], [['two'], 1]);
});

test('an end that fails does not keep the next from its turn', async () => {
  const turns = new Turns(() => Promise.reject(new Error('it hung')));
  let started = 0;
  for (let time = 0; time < 2; time++) await turns.endThen(() => void started++);
  assert.equal(started, 2);
});
