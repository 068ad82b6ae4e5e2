/** What a person typed as a command line, as the list of words that the server runs. No `vscode` here. */

/** Outside quotes these mean something to a shell, which then has to read the line. */
const FOR_A_SHELL = /[|&;<>()$`*?[\]#~{}!\n]/;

/** The words of a line, or `sh -c LINE` where only a shell knows what it means; nothing for an empty or unclosed one. */
export function argvOf(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let plain = true;
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at);
    if (character === "'" || character === '"') {
      const end = closing(line, at);
      if (end === undefined) return undefined;
      const quoted = line.slice(at + 1, end);
      if (character === '"' && /[$`]/.test(quoted)) plain = false;
      word = (word ?? '') + (character === '"' ? quoted.replace(/\\(["\\$`])/g, '$1') : quoted);
      at = end;
    } else if (character === '\\') {
      if (at + 1 === line.length) return undefined;
      at++;
      word = (word ?? '') + line.charAt(at);
    } else if (/\s/.test(character) && character !== '\n') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      if (FOR_A_SHELL.test(character)) plain = false;
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  if (words.length === 0) return undefined;
  // `NAME=value make` is an assignment before a command, which only a shell knows.
  const assigns = /^[A-Za-z_]\w*=/.test(words[0] ?? '');
  return plain && !assigns ? words : ['sh', '-c', line];
}

/** Where the quote that opens at `start` ends. */
function closing(line: string, start: number): number | undefined {
  const quote = line.charAt(start);
  for (let at = start + 1; at < line.length; at++) {
    if (line.charAt(at) === quote) return at;
    if (quote === '"' && line.charAt(at) === '\\') at++;
  }
  return undefined;
}
