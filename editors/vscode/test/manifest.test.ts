/** What package.json says fits the sources: no command without a place, none of the server's own ids, no missing file. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const extension = process.env.EXTENSION ?? '.';
const read = (path: string) => readFileSync(join(extension, path), 'utf8');
const manifest = JSON.parse(read('package.json'));
const declared: string[] = manifest.contributes.commands.map(({ command }: { command: string }) => command);

test('every command that is declared is registered, and the other way round', () => {
  const table = read('src/commands.ts').match(/const commands:[^{]*\{\n([\s\S]*?)\n {2}\};/)?.[1] ?? assert.fail('no table');
  const registered = [...table.matchAll(/^ {4}(\w+):/gm)].map(([, name]) => `tagout.ui.${name}`);
  assert.deepEqual([...declared].sort(), registered.sort());
});

test('no command has an id of the server', () => {
  const list = read('../../src/engine/commands.rs').match(/COMMANDS: &\[&str\] = &\[([\s\S]*?)\]/)?.[1] ?? '';
  const server = [...list.matchAll(/"(tagout\.\w+)"/g)].map(([, id]) => id);
  assert.ok(server.length > 10, 'the list of the server was not found');
  assert.deepEqual(declared.filter((id) => server.includes(id)), []);
});

test('menus, views and the walkthrough name commands and files that are there', () => {
  const text = JSON.stringify(manifest.contributes);
  const named = [...text.matchAll(/command:(tagout\.ui\.\w+)/g), ...text.matchAll(/"command":"(tagout\.ui\.\w+)"/g)].map(([, id]) => id!);
  for (const id of named.filter((id) => id !== 'tagout.ui.changes')) assert.ok(declared.includes(id), id);
  const files = [...text.matchAll(/"(media\/[^"]+)"/g)].map(([, path]) => path!);
  assert.ok(files.length > 5);
  for (const path of files) assert.ok(existsSync(join(extension, path)), path);
});

test('opening the file is offered for every row of a file or a hunk but one that is not there yet', () => {
  const menu: { command: string; when: string }[] = manifest.contributes.menus['view/item/context'];
  const pattern = menu.find(({ command }) => command === 'tagout.ui.openFile')?.when.match(/viewItem =~ \/(.*)\//)?.[1];
  const offered = (context: string) => new RegExp(pattern ?? assert.fail('no pattern')).test(context);
  for (const context of ['file.fresh', 'file.stale', 'file.done', 'hunk.fresh', 'hunk.stale', 'hunk']) assert.ok(offered(context), context);
  for (const context of ['file.new.fresh', 'file.new.done', 'changeset.fresh', 'question']) assert.ok(!offered(context), context);
});

test('the server has one section of settings, without those that could only be taken from', () => {
  const { configuration } = manifest.contributes;
  assert.equal(configuration.length, 2);
  assert.match(configuration[1].title, /only narrow/);
  const names = Object.keys(configuration[1].properties);
  assert.ok(names.includes('tagout.run.hidden'));
  for (const name of ['tagout.run.allow_hosts', 'tagout.run.private_hosts']) assert.ok(!names.includes(name), name);
});

test('what decides what is run is set for a machine, never by a folder', () => {
  const [own] = manifest.contributes.configuration;
  assert.equal(own.properties['tagout.server.path'].scope, 'machine');
  assert.match(read('src/server.ts'), /inspect\('server\.path'\)\?\.globalValue/);
  assert.doesNotMatch(read('src/server.ts'), /get\('server\.path'/);
});

test('the extension has the version of the program, and needs one that exists', () => {
  const version = read('../../Cargo.toml').match(/^version = "(.*)"/m)?.[1];
  assert.equal(manifest.version, version);
});
