// What a person does and sees in a window of VS Code: keys, clicks and text, no interface of its own.
import { basename } from 'node:path';
import { PATIENCE, until } from './report.mjs';

const CHANGES = '.tree-explorer-viewlet-tree-view .monaco-list-row';
const QUICK = '.quick-input-widget:not([style*="display: none"])';
const ACTIONS = '.action-widget:not(.action-list-submenu-panel)';
/** What VS Code draws for a space. */
const plain = (text) => text.replaceAll('\u00a0', ' ').replaceAll('\u200c', '').replaceAll('\u200b', '');

export class Screen {
  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(PATIENCE);
  }

  /** A screenshot of a size that fits a page. */
  async picture(path) {
    const size = this.page.viewportSize();
    await this.page.setViewportSize({ width: 1180, height: 660 });
    await this.page.mouse.move(600, 400);
    // The layout follows a moment later.
    await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 500))));
    await this.page.screenshot({ path });
    await this.page.setViewportSize(size);
  }

  /** What the status bar says of tagout. */
  async status() {
    const item = this.page.locator('.statusbar-item[id="tagout.tagout.tagout.status"]');
    return (await item.count()) === 0 ? '' : plain(await item.first().innerText()).trim();
  }

  async waitForStatus(pattern) {
    return until(`a status like ${pattern}`, async () => pattern.test(await this.status()), () => this.status());
  }

  // ## Files and text

  async open(path) {
    await this.page.keyboard.press('Control+p');
    await this.page.locator(`${QUICK} input`).fill(path);
    await this.page.locator(`${QUICK} .monaco-list-row`, { hasText: basename(path) }).first().click();
    await this.page.locator('.tab.active', { hasText: basename(path) }).first().waitFor();
    await this.page.locator('.editor-instance .view-line').first().waitFor();
  }

  /** Puts the cursor on the first line of the active editor that has this text in it. */
  async goTo(plainText) {
    const line = await until(`a line with ${plainText}`, async () => 1 + (await this.lines()).findIndex((text) => text.includes(plainText)), () => this.lines());
    await this.goToLine(line);
  }

  async goToLine(line) {
    await this.page.keyboard.press('Control+g');
    await this.page.locator(`${QUICK} input`).fill(`:${line}`);
    await this.page.keyboard.press('Enter');
    await this.page.locator(QUICK).waitFor({ state: 'hidden' });
  }

  /** The lines of an editor on the screen, from its first. */
  async lines(selector = '.editor-instance') {
    const drawn = await this.page.locator(`${selector} .view-line`).evaluateAll((lines) =>
      lines.map((line) => ({ top: line.getBoundingClientRect().top, text: line.textContent }))
        .sort((one, other) => one.top - other.top).map(({ text }) => text));
    return drawn.map(plain);
  }

  async type(text) {
    await this.page.keyboard.type(text);
  }

  async save() {
    await this.page.keyboard.press('Control+s');
    await this.page.locator('.tab.active.dirty').waitFor({ state: 'detached' });
  }

  async saveAll() {
    await this.command('File: Save All Files');
    await this.page.locator('.tab.dirty').first().waitFor({ state: 'detached' });
  }

  // ## Commands, boxes and actions

  /** Runs a command of the palette by its whole title. What ran before may still take the focus, which closes the palette. */
  async command(title) {
    const row = this.page.locator(`${QUICK} .monaco-list-row .label-name`, { hasText: new RegExp(`^${escaped(title)}$`) }).first();
    await until(`the command ${title}`, async () => {
      await this.page.keyboard.press('F1');
      try {
        await this.page.locator(`${QUICK} input`).fill(`>${title}`, { timeout: 2_000 });
        await row.click({ timeout: 5_000 });
        return true;
      } catch {
        await this.page.keyboard.press('Escape');
        return false;
      }
    }, () => this.choices());
  }

  /** Fills the box whose title or prompt has this in it. */
  async answer(about, text) {
    await this.page.locator(QUICK, { hasText: about }).waitFor();
    await this.page.locator(`${QUICK} input`).first().fill(text);
    await this.page.keyboard.press('Enter');
  }

  async pick(label) {
    await this.page.locator(`${QUICK} .monaco-list-row`, { hasText: label }).first().click();
  }

  /** The rows of the box that is open. */
  async choices() {
    return (await this.page.locator(`${QUICK} .monaco-list-row`).allInnerTexts()).map(plain);
  }

  /** Chooses the code action at the cursor whose title begins so, as a person would from the menu. */
  async act(start) {
    const row = await this.#openActions(start);
    await row.click();
    await this.page.locator(ACTIONS).waitFor({ state: 'hidden' });
  }

  /** The titles of the code actions at the cursor. */
  async actions() {
    await this.#openActions('tagout: ');
    const titles = (await this.page.locator(`${ACTIONS} .monaco-list-row`).allInnerTexts()).map((text) => plain(text).trim());
    await this.page.keyboard.press('Escape');
    await this.page.locator(ACTIONS).waitFor({ state: 'hidden' });
    return titles;
  }

  /** Opens the menu until an action is in it whose title has this. */
  async #openActions(title) {
    const row = this.page.locator(`${ACTIONS} .monaco-list-row`, { hasText: title }).first();
    await until(`the code action ${title}`, async () => {
      // A notification that was pressed or dismissed keeps the focus.
      await this.page.keyboard.press('Control+1');
      await this.page.keyboard.press('Control+.');
      return row.waitFor({ timeout: 3_000 }).then(() => true, async () => {
        await this.page.keyboard.press('Escape');
        return false;
      });
    });
    return row;
  }

  // ## Notifications

  toast(text) {
    return this.page.locator('.notification-toast', { hasText: text }).first();
  }

  /** Presses a button of a notification, which VS Code puts behind the bell after some seconds. */
  async press(text, button) {
    const item = this.page.locator('.notification-list-item', { hasText: text }).locator('.monaco-button', { hasText: button }).first();
    await item.click({ timeout: 2_000 }).catch(async () => {
      await this.command('Notifications: Show Notifications');
      await item.click();
    });
  }

  async dismissAll() {
    await this.command('Notifications: Clear All Notifications');
  }

  // ## The Changes view

  async showChanges() {
    const icon = this.page.locator('.activitybar .action-item:has(.action-label[aria-label^="tagout"])').first();
    if (!/checked/.test(await icon.getAttribute('class'))) await icon.click();
    await this.page.locator('[id="workbench.view.extension.tagout"]').waitFor();
  }

  /** The rows of the view, each as its text. */
  async rows() {
    return (await this.page.locator(CHANGES).allInnerTexts()).map((text) => plain(text).replace(/\s+/g, ' ').trim());
  }

  row(...texts) {
    return texts.reduce((rows, hasText) => rows.filter({ hasText }), this.page.locator(CHANGES)).first();
  }

  /** Presses one of the buttons of a row until it has its effect: a row that is drawn anew just then loses the click. */
  async rowAction(row, name, effect) {
    await until(`an effect of ${name}`, async () => {
      const pressed = await this.#press(row, name);
      const end = Date.now() + (pressed ? 5_000 : 500);
      while (Date.now() < end) {
        if (await effect()) return true;
        await this.page.waitForTimeout(100);
      }
      return false;
    }, () => this.rows());
  }

  async #press(row, name) {
    try {
      await row.hover({ timeout: 2_000 });
      await row.locator(`.action-label[aria-label="${name}"]`).click({ timeout: 2_000 });
      return true;
    } catch {
      return false;
    }
  }
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
