// A JSON schema of nested settings as the flat list that VS Code wants: {run: {timeout}} becomes `tagout.run.timeout`.
// Only those that an editor may set: the schema says so by `x-set-by`.

const EDITORS = ['narrowed', 'anyone'];

/** An editor only narrows: of a list of what is allowed it could take something out, and whoever sees it wants to put something in. */
const LEFT_OUT = ['tagout.run.allow_hosts', 'tagout.run.private_hosts'];

/** What VS Code reads of a setting's schema. */
const KEPT = ['type', 'enum', 'enumDescriptions', 'default', 'description', 'markdownDescription', 'items', 'minimum', 'maximum',
  'pattern', 'additionalProperties', 'uniqueItems', 'minItems', 'maxItems', 'anyOf', 'oneOf'];

/** What VS Code writes above them. */
const TITLE = 'Limits of tagout (they only narrow what config.toml allows)';

/** The section of package.json for a schema. */
export function generated(schema) {
  const properties = {};
  collect(schema, 'tagout', schema, properties);
  return { title: TITLE, properties };
}

function collect(node, name, schema, properties) {
  const setting = resolved(node, schema);
  if (setting.type === 'object' && setting.properties !== undefined) {
    for (const [key, inner] of Object.entries(setting.properties)) collect(inner, `${name}.${key}`, schema, properties);
    return;
  }
  if (!EDITORS.includes(setting['x-set-by']) || LEFT_OUT.includes(name)) return;
  const kept = { scope: 'window' };
  for (const key of KEPT) if (setting[key] !== undefined) kept[key] = deep(setting[key], schema);
  properties[name] = kept;
}

/** What `$ref` leads to, with what stands beside it. */
function resolved(node, schema) {
  if (node.$ref === undefined) return node;
  const target = node.$ref.replace(/^#\//, '').split('/').reduce((place, key) => place?.[key], schema);
  if (target === undefined) throw new Error(`the schema names ${node.$ref} and does not have it`);
  const { $ref, ...beside } = node;
  return { ...resolved(target, schema), ...beside };
}

function deep(value, schema) {
  if (Array.isArray(value)) return value.map((item) => deep(item, schema));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(resolved(value, schema)).map(([key, inner]) => [key, deep(inner, schema)]));
}
