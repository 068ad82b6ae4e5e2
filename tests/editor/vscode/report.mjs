// Checks that are counted, and waits on conditions. The last line is `N passed, M failed`.
import { isDeepStrictEqual } from 'node:util';

/** A bound on a hang; nothing is timed. */
export const PATIENCE = Number(process.env.PATIENCE ?? 90_000);

let passed = 0;
let failed = 0;

export function check(name, ok, detail) {
  if (ok) passed++;
  else failed++;
  console.log(`${ok ? 'ok   ' : 'FAIL '} ${name}`);
  if (!ok && detail !== undefined) console.log(`      ${JSON.stringify(detail, null, 1).replaceAll('\n', '\n      ')}`);
  return ok;
}

export function equal(name, got, wanted) {
  const [seen, hoped] = isObject(got) && isObject(wanted) ? [differing(got, wanted), differing(wanted, got)] : [got, wanted];
  return check(name, isDeepStrictEqual(got, wanted), { got: seen, wanted: hoped });
}

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The entries of one object that another does not have so. */
function differing(one, other) {
  return Object.fromEntries(Object.entries(one).filter(([key, value]) => !isDeepStrictEqual(value, other[key])));
}

/** What `look` finds, once it finds something; else it fails with `what` and what `seen` tells. */
export async function until(what, look, seen = () => undefined) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`in ${PATIENCE / 1000} s there was not: ${what}; ${JSON.stringify(await seen())}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Runs the steps one after another; the first that throws ends the run. */
export async function steps(all, onFailure) {
  for (const [name, run] of all) {
    console.log(`-- ${name}`);
    try {
      await run();
    } catch (error) {
      check(`${name}: runs to its end`, false, error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 12) : error);
      await onFailure(name);
      return;
    }
  }
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}
