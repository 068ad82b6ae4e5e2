/**
 * Text that others wrote (a command line, a file's name, what a program printed), before VS Code shows it. VS Code reads a
 * notation of its own in some places; what is foreign must not be able to use it. No `vscode` here.
 */

/** It takes no room. Between `]` and `(` it makes a link of the notation into plain text. */
const NOTHING = '\u200b';

/** A notification is cut after a thousand characters, without a word: longer texts are shown elsewhere. */
const ROOM = 900;

/** For a notification or the prompt of an input box: there `[text](command:…)` would be a link that runs the command. */
export function plain(text: string): string {
  return text.replaceAll('](', `]${NOTHING}(`);
}

/** For a label, a description or a detail: there `$(name)` would be an icon. A backslash before it is not shown. */
export function label(text: string): string {
  return text.replace(/\$\((?=[A-Za-z0-9-]+(?:~[A-Za-z]+)?\))/g, '\\$(');
}

/** Whether a notification might show only the beginning: nobody approves what cannot be seen whole. */
export function tooLong(text: string): boolean {
  return text.length > ROOM;
}

/** A message of the server, as far as VS Code would show its text in a notification or in the status bar. */
interface Message {
  method?: unknown;
  params?: unknown;
}

/** Makes plain what a message of the server has to be shown; the message itself is changed. */
export function makePlain(message: object): void {
  const { method, params: sent } = message as Message;
  const params = sent as { message?: unknown; value?: { title?: unknown; message?: unknown } } | undefined;
  switch (method) {
    case 'window/showMessage':
    case 'window/showMessageRequest':
      if (typeof params?.message === 'string') params.message = plain(params.message);
      break;
    case '$/progress': {
      // In the status bar, which draws icons, and in a notification when that is opened, which makes links.
      const value = params?.value;
      if (typeof value?.title === 'string') value.title = label(plain(value.title));
      if (typeof value?.message === 'string') value.message = label(plain(value.message));
    }
  }
}
