/** What others wrote, before VS Code shows it: no links, no icons, and not a part taken for the whole. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { label, makePlain, plain, tooLong } from '../src/foreign';

/** The notation of links in VS Code's notifications and prompts. */
const LINK = /\[([^\]]+)\]\(((?:https?:\/\/|command:|file:)[^)\s]+)(?: (["'])(.+?)(\3))?\)/i;
/** How VS Code finds icons in labels; with a backslash before it, it shows the text. */
const ICON = /(\\)?\$\(([A-Za-z0-9-]+(?:~[A-Za-z]+)?)\)/g;
const shown = (text: string) => text.replace(ICON, (all, escaped) => (escaped === undefined ? '<icon>' : all.slice(1)));

test('a link in a notification is text, whatever it leads to', () => {
  for (const to of ['command:tagout.ui.accept', 'http://host.example', 'https://host.example', 'file:///etc/passwd']) {
    for (const text of [`[read](${to})`, `echo [a](${to})[b](${to})`, `[a](${to} "title")`, `[[x](${to})`]) {
      assert.match(text, LINK);
      assert.doesNotMatch(plain(text), LINK);
      assert.equal(plain(text).replaceAll('\u200b', ''), text);
    }
  }
});

test('what is no link stays as it is', () => {
  for (const text of ['', 'run `make` on the host', 'a[0] (b)', '([)]', 'printf "%s" "${a[1]}"']) assert.equal(plain(text), text);
});

test('an icon in a label is text', () => {
  for (const text of ['$(pass) safe', 'echo $(zap)$(sync~spin)', '\\$(zap)', '\\\\$(zap)', '$($(zap))']) {
    assert.ok(shown(label(text)) === text, `${text} is shown as ${shown(label(text))}`);
  }
});

test('what is no icon gets no backslash', () => {
  for (const text of ['', '$(ls -l)', '$HOME (x)', '$ (zap)', 'unwrap_or($A)', '$()', '$(a_b)']) assert.equal(label(text), text);
});

test('a text that a notification would cut is too long', () => {
  assert.equal(tooLong('x'.repeat(900)), false);
  assert.equal(tooLong('x'.repeat(901)), true);
});

test('messages and progress of the server are made plain, others are left alone', () => {
  const link = '[a](command:x) $(zap)';
  const after = (method: string, params: unknown) => {
    const message = { method, params };
    makePlain(message);
    return message.params;
  };
  const plainLink = '[a]\u200b(command:x) $(zap)';
  assert.deepEqual(after('window/showMessage', { type: 1, message: link }), { type: 1, message: plainLink });
  const actions = [{ title: 'Deny' }];
  assert.deepEqual(after('window/showMessageRequest', { type: 2, message: link, actions }), { type: 2, message: plainLink, actions });
  const both = '[a]\u200b(command:x) \\$(zap)';
  assert.deepEqual(after('$/progress', { token: 1, value: { kind: 'begin', title: link, message: link } }), {
    token: 1,
    value: { kind: 'begin', title: both, message: both },
  });
  assert.deepEqual(after('textDocument/publishDiagnostics', { message: link }), { message: link });
  for (const odd of [undefined, null, 7, [], {}, { message: 7 }, { value: null }]) {
    for (const method of ['window/showMessage', 'window/showMessageRequest', '$/progress']) assert.deepEqual(after(method, odd), odd);
  }
});

test('no notification in the sources shows a template that is not made plain', () => {
  const sources = join(process.env.EXTENSION ?? '.', 'src');
  for (const name of readdirSync(sources)) {
    const text = readFileSync(join(sources, name), 'utf8');
    for (const [call] of text.matchAll(/show(?:Information|Warning|Error)Message\([^,)]*/g)) {
      assert.match(call, /Message\((?:'|plain\()/, `${name}: ${call}`);
    }
  }
});
