/** The server's settings, from its schema to what VS Code reads. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
// @ts-expect-error: a script, which has no types
import { generated } from '../scripts/schema.mjs';

const schema = {
  type: 'object',
  properties: {
    max_mode: { $ref: '#/$defs/Mode', description: 'the most', 'x-set-by': 'narrowed' },
    run: { type: 'object', properties: { allow_hosts: { type: 'array', default: [], 'x-set-by': 'narrowed' }, seconds: { type: 'integer', minimum: 1, default: 60, description: 'how long', 'x-set-by': 'anyone' } } },
    hidden: { type: 'array', items: { $ref: '#/$defs/Pattern' }, title: 'left out', 'x-set-by': 'anyone' },
    endpoint: { type: 'string', 'x-set-by': 'owner' },
    rule: { type: 'array' },
  },
  $defs: { Mode: { type: 'string', enum: ['read-only', 'unrestricted'] }, Pattern: { type: 'string', pattern: '^.' } },
};

test('nested settings become flat names, references are followed, and what an editor may not set is left out', () => {
  assert.deepEqual(generated(schema).properties, {
    'tagout.max_mode': { scope: 'window', type: 'string', enum: ['read-only', 'unrestricted'], description: 'the most' },
    'tagout.run.seconds': { scope: 'window', type: 'integer', default: 60, description: 'how long', minimum: 1 },
    'tagout.hidden': { scope: 'window', type: 'array', items: { type: 'string', pattern: '^.' } },
  });
});

test('a reference that leads nowhere is an error', () => {
  assert.throws(() => generated({ type: 'object', properties: { a: { $ref: '#/$defs/Gone' } } }), /does not have it/);
});
