/** Restarts, command lines, recipes, settings. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRecipes, unfit } from '../src/recipes';
import { Restarts } from '../src/restarts';
import { chosenSettings, serverKeys } from '../src/settings';
import { argvOf } from '../src/shellWords';

test('a server that keeps ending is started later each time, and then not any more', () => {
  let now = 0;
  const restarts = new Restarts(() => now);
  const waits: (number | undefined)[] = [];
  for (let end = 0; end < 6; end++) {
    waits.push(restarts.afterEnd());
    now += 1_000;
  }
  const numbers = waits.slice(0, 4).map((wait) => wait ?? assert.fail('it gave up too early'));
  assert.deepEqual([...numbers].sort((one, other) => one - other), numbers);
  assert.deepEqual(waits.slice(4), [undefined, undefined]);
});

test('an end now and then is started again at once, also after a person did', () => {
  let now = 0;
  const restarts = new Restarts(() => now);
  const first = restarts.afterEnd();
  now += 10 * 60_000;
  assert.equal(restarts.afterEnd(), first);
  restarts.reset();
  assert.equal(restarts.afterEnd(), first);
});

test('a plain command is split into words', () => {
  assert.deepEqual(argvOf('cargo test  --lib'), ['cargo', 'test', '--lib']);
  assert.deepEqual(argvOf(`grep 'a b' "c \\" d" e\\ f`), ['grep', 'a b', 'c " d', 'e f']);
  assert.deepEqual(argvOf(`printf '' x`), ['printf', '', 'x']);
  assert.deepEqual(argvOf(`echo '$HOME | x'`), ['echo', '$HOME | x']);
});

test('what only a shell knows goes to one', () => {
  for (const line of ['a | b', 'a && b', 'echo $HOME', 'rm *.o', 'a > b', 'echo "$HOME"', 'A=1 make', 'a; b', 'echo `id`', 'a\nb']) {
    assert.deepEqual(argvOf(line), ['sh', '-c', line]);
  }
});

test('nothing, or what is left open, is no command', () => {
  for (const line of ['', '   ', "a 'b", 'a "b', 'a \\']) assert.equal(argvOf(line), undefined);
});

test('recipes are read line by line, and lines that are none left out', () => {
  const line = '{"name":"n","title":"t","description":"d","file":"f","parameters":[]}';
  assert.deepEqual(readRecipes(`${line}\nnot json\n{"name":7}\n\n`).map(({ name }) => name), ['n']);
});

test('a parameter says what it has to match; a pattern that JavaScript cannot read is left to the server', () => {
  const parameter = { name: 'n', description: '', default: null, pattern: '[a-z]{1,3}' };
  assert.equal(unfit(parameter, 'abc'), undefined);
  assert.match(unfit(parameter, 'abcd') ?? '', /has to match/);
  assert.equal(unfit({ ...parameter, pattern: '(?x) a' }, 'anything'), undefined);
});

test('only what a person chose goes to the server, and none of the client\'s own settings', () => {
  const own = { properties: { 'tagout.server.path': {}, 'tagout.trace.server': {} } };
  const servers = { properties: { 'tagout.run.seconds': {}, 'tagout.run.hidden': {}, 'tagout.index.shared': {}, other: {} } };
  const keys = serverKeys({ contributes: { configuration: [own, servers] } });
  assert.deepEqual(keys, ['run.seconds', 'run.hidden', 'index.shared']);
  const chosen: Record<string, object> = { 'run.seconds': { globalValue: 5, workspaceValue: 3 }, 'run.hidden': { globalValue: [] }, 'index.shared': {} };
  assert.deepEqual(chosenSettings(keys, (key) => chosen[key]), { run: { seconds: 3, hidden: [] } });
  for (const odd of [undefined, {}, { contributes: {} }]) assert.deepEqual(serverKeys(odd), []);
});
