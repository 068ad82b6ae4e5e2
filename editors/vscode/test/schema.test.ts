/** The server's settings, from its schema to what VS Code reads. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
// @ts-expect-error: a script, which has no types
import { generated } from '../scripts/schema.mjs';

const schema = {
  type: 'object',
  properties: {
    max_mode: { $ref: '#/$defs/Mode', description: 'the most' },
    run: { type: 'object', properties: { seconds: { type: 'integer', minimum: 1, default: 60, description: 'how long' } } },
    hidden: { type: 'array', items: { $ref: '#/$defs/Pattern' }, title: 'left out' },
  },
  $defs: { Mode: { type: 'string', enum: ['read-only', 'unrestricted'] }, Pattern: { type: 'string', pattern: '^.' } },
};

test('nested settings become flat names, references are followed, and no folder can set them', () => {
  assert.deepEqual(generated(schema).properties, {
    'tagout.max_mode': { scope: 'machine', type: 'string', enum: ['read-only', 'unrestricted'], description: 'the most' },
    'tagout.run.seconds': { scope: 'machine', type: 'integer', default: 60, description: 'how long', minimum: 1 },
    'tagout.hidden': { scope: 'machine', type: 'array', items: { type: 'string', pattern: '^.' } },
  });
});

test('a reference that leads nowhere is an error', () => {
  assert.throws(() => generated({ type: 'object', properties: { a: { $ref: '#/$defs/Gone' } } }), /does not have it/);
});
