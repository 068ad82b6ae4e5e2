/** The recipes of a folder, as `tagout recipe list --json` prints them: one object a line. No `vscode` here. */

import { execFile } from 'node:child_process';
import { homedir } from 'node:os';

export interface Parameter {
  name: string;
  description: string;
  default: string | null;
  pattern: string | null;
}

export interface Recipe {
  name: string;
  title: string;
  description: string;
  parameters: Parameter[];
}

/** How long the list may take: it is read from a few small files. */
const PATIENCE = 60_000;
/** Longest list that is read. */
const LONGEST = 8 * 1024 * 1024;

export function listRecipes(program: string, root: string): Promise<Recipe[]> {
  return new Promise((resolve, reject) => {
    const words = ['recipe', 'list', '--json', '--root', root];
    const options = { cwd: homedir(), timeout: PATIENCE, maxBuffer: LONGEST, windowsHide: true };
    execFile(program, words, options, (error, stdout, stderr) => {
      if (error === null) resolve(readRecipes(stdout));
      else reject(new Error(stderr.trim() || error.message));
    });
  });
}

/** The recipes that the lines tell; what is no recipe is left out. */
export function readRecipes(lines: string): Recipe[] {
  return lines.split('\n').flatMap((line) => {
    try {
      const recipe = JSON.parse(line) as Recipe;
      return typeof recipe.name === 'string' && Array.isArray(recipe.parameters) ? [recipe] : [];
    } catch {
      return [];
    }
  });
}

/** Why a value does not fit a parameter; nothing when it does. The server has the last word. */
export function unfit(parameter: Parameter, value: string): string | undefined {
  if (parameter.pattern === null) return undefined;
  try {
    return new RegExp(`^(?:${parameter.pattern})$`, 'u').test(value) ? undefined : `it has to match ${parameter.pattern}`;
  } catch {
    return undefined;
  }
}
