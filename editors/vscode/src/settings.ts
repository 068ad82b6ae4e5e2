/** Which of the editor's settings go to the server: its own, as far as a person chose them. No `vscode` here. */

/** What VS Code knows of one setting, without its default: that is the server's business. */
export interface Chosen {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
}

interface Section {
  properties?: Record<string, unknown>;
}

/** The names below `tagout.` of the server's settings: all sections of the manifest but the first, which is the client's. */
export function serverKeys(manifest: unknown): string[] {
  const sections = (manifest as { contributes?: { configuration?: Section[] } } | undefined)?.contributes?.configuration ?? [];
  const names = sections.slice(1).flatMap((section) => Object.keys(section.properties ?? {}));
  return names.filter((name) => name.startsWith('tagout.')).map((name) => name.slice('tagout.'.length));
}

/** `{run: {timeout: 5}}` for `run.timeout`: what was chosen, the nearest to the folder first. */
export function chosenSettings(keys: readonly string[], inspect: (key: string) => Chosen | undefined): object {
  const settings: Record<string, unknown> = {};
  for (const key of keys) {
    const chosen = inspect(key);
    const value = chosen?.workspaceFolderValue ?? chosen?.workspaceValue ?? chosen?.globalValue;
    if (value === undefined) continue;
    const path = key.split('.');
    const last = path.pop() ?? key;
    let place = settings;
    for (const name of path) place = (place[name] ??= {}) as Record<string, unknown>;
    place[last] = value;
  }
  return settings;
}
