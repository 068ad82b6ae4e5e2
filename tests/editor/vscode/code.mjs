// A real VS Code (code-server) in folders of its own, and a real Chromium before it.
// TOOLS_CODE, TOOLS_PLAYWRIGHT: where run-vscode put them; CHROMIUM: the browser; VSIX: the extension; TAGOUT: the server.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './report.mjs';
import { Screen } from './screen.mjs';

const { chromium } = createRequire(join(process.env.TOOLS_PLAYWRIGHT, 'node_modules/'))('playwright-core');
const FIXTURE = fileURLToPath(new URL('../../../fixtures/workspace', import.meta.url));
const PROGRAM = join(process.env.TOOLS_CODE, 'node_modules/code-server/out/node/entry.js');

const SETTINGS = {
  'tagout.server.path': process.env.TAGOUT,
  'security.workspace.trust.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'workbench.startupEditor': 'none',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'update.mode': 'none',
  'window.commandCenter': false,
  'git.openRepositoryInParentFolders': 'never',
  'editor.minimap.enabled': false,
  'editor.autoClosingBrackets': 'never',
  'editor.quickSuggestions': 'off',
  'editor.lightbulb.enabled': 'on',
  'diffEditor.renderSideBySide': true,
  'diffEditor.useInlineViewWhenSpaceIsLimited': false,
  'files.autoSave': 'off',
};

export class Code {
  static async start(settings = {}) {
    const code = new Code();
    code.work = mkdtempSync(join(tmpdir(), 'tagout-vscode-'));
    code.data = join(code.work, 'code');
    code.workspace = code.folder('workspace');
    for (const name of ['home', 'state', 'share', 'config', 'cache', 'run']) mkdirSync(join(code.work, name), { mode: 0o700 });
    code.env = code.#environment();
    code.settings(settings);
    const options = ['--extensions-dir', join(code.work, 'extensions'), '--user-data-dir', code.data];
    execFileSync(process.execPath, [PROGRAM, ...options, '--install-extension', process.env.VSIX], { env: code.env, stdio: 'pipe' });
    code.port = await freePort();
    const quiet = ['--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', '--ignore-last-opened'];
    const words = [PROGRAM, ...options, '--auth', 'none', '--bind-addr', `127.0.0.1:${code.port}`, ...quiet];
    code.process = spawn(process.execPath, words, { env: code.env, detached: true, stdio: 'ignore' });
    const up = () => fetch(`http://127.0.0.1:${code.port}/healthz`).then((reply) => reply.ok, () => false);
    await until('an answer of code-server', up);
    const flags = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
    code.browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: flags });
    code.problems = [];
    return code;
  }

  /** A copy of the fixture workspace. */
  folder(name) {
    const folder = join(this.work, name);
    cpSync(FIXTURE, folder, { recursive: true });
    return folder;
  }

  /** Settings of the user, and of the machine that the server runs on. */
  settings(more) {
    for (const place of ['User', 'Machine']) {
      mkdirSync(join(this.data, place), { recursive: true });
      writeFileSync(join(this.data, place, 'settings.json'), JSON.stringify({ ...SETTINGS, ...more }, null, 2));
    }
  }

  /** A window on a folder, a workspace file (`.code-workspace`) or nothing. */
  async open(path) {
    const context = await this.browser.newContext({ viewport: { width: 1400, height: 1000 } });
    const local = (url) => /^(127\.0\.0\.1|localhost|.*\.localhost)$/.test(url.hostname);
    await context.route((url) => !local(url), (route) => route.abort());
    const page = await context.newPage();
    page.on('pageerror', (error) => this.problems.push(`page: ${error.message}`));
    page.on('console', (message) => {
      // A notification of an error is written to the console as well: those are seen.
      if (message.type() === 'error' && /\btagout:\/|\[tagout\.tagout\]|unhandled/i.test(message.text())) this.problems.push(`console: ${message.text()}`);
    });
    const kind = path?.endsWith('.code-workspace') ? 'workspace' : 'folder';
    await page.goto(`http://127.0.0.1:${this.port}/?${path === undefined ? 'ew=true' : `${kind}=${encodeURIComponent(path)}`}`);
    await page.waitForSelector('.monaco-workbench .statusbar', { timeout: 90_000 });
    return new Screen(page);
  }

  /** Every file of a folder with its text. */
  tree(folder = this.workspace) {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    return Object.fromEntries(files.map((file) => join(file.parentPath, file.name)).sort()
      .map((path) => [relative(folder, path), readFileSync(path, 'utf8')]));
  }

  read(name) {
    const path = join(this.workspace, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  }

  /** What the command line prints, with the same state and cache as the server in the editor. */
  tagout(...words) {
    return execFileSync(process.env.TAGOUT, words, { env: this.env, cwd: this.workspace, encoding: 'utf8' });
  }

  /** The records of the ledger, oldest first. */
  ledger() {
    return JSON.parse(this.tagout('log', '--json', '--count', '1000'));
  }

  /** What went wrong and nobody handled: in the extension host and in the page. */
  unhandled() {
    // What VS Code itself writes of a window that closed, with a question to it under way, or was opened a second time.
    const own = /Channel has been closed|: Canceled$|vscode\.lock'$/;
    return [...this.problems, ...this.#errors(/remoteexthost\.log$/).filter((line) => !own.test(line))];
  }

  /** What the extension itself wrote down as an error. */
  told() {
    return this.#errors(/tagout\.tagout\/.*\.log$/);
  }

  #errors(of) {
    const logs = join(this.data, 'logs');
    const names = existsSync(logs) ? readdirSync(logs, { recursive: true }).filter((name) => of.test(name)) : [];
    return names.flatMap((name) => readFileSync(join(logs, name), 'utf8').split('\n')
      .filter((line) => line.includes('[error]')).map((line) => `${name}: ${line}`));
  }

  async close() {
    await this.browser?.close();
    try {
      process.kill(-this.process.pid, 'SIGTERM');
    } catch {
      // It has ended by itself.
    }
    if (process.env.KEEP) console.log(`kept: ${this.work}`);
    else rmSync(this.work, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #environment() {
    const at = (name) => join(this.work, name);
    const kept = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TAGOUT_|VSCODE_|XDG_)/.test(name)));
    return {
      ...kept, HOME: at('home'), XDG_STATE_HOME: at('state'), XDG_DATA_HOME: at('share'), XDG_CONFIG_HOME: at('config'),
      XDG_CACHE_HOME: at('cache'), XDG_RUNTIME_DIR: at('run'), LANG: 'C.UTF-8',
    };
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
