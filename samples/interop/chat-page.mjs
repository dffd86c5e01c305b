// The chat page in headless Chromium: two tabs are two users who talk to each other; the module is published by its button.
// usage: node chat-page.mjs URL [directory for screenshots]      env: CHROMIUM (default: chromium in PATH), CHAT_DB
// Prints one JSON document; the exit code is 0 if every step succeeded.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { Report } from './report.mjs';

const [url, out = 'screenshots'] = process.argv.slice(2);
if (!url) {
  console.error('usage: node chat-page.mjs URL [directory for screenshots]');
  process.exit(2);
}
const database = process.env.CHAT_DB ?? 'chat';
const page = new URL(`/samples/chat/?db=${encodeURIComponent(database)}`, url).href;
const report = new Report('chat page');
const timeout = 15_000;
const mark = Math.random().toString(36).slice(2, 8);
mkdirSync(out, { recursive: true });

const inPath = process.env.PATH.split(path.delimiter).map((directory) => path.join(directory, 'chromium')).find(existsSync);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? inPath,
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
const problems = [];

/** A tab of its own; all tabs share one browser context, as the tabs of one window do. */
const context = await browser.newContext({ viewport: { width: 1100, height: 720 } });
context.setDefaultTimeout(timeout);
async function openTab() {
  const tab = await context.newPage();
  tab.on('pageerror', (error) => problems.push(String(error)));
  tab.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(url).host && !request.url().startsWith('data:')) {
      problems.push(`external request: ${request.url()}`);
    }
  });
  await tab.goto(page);
  return tab;
}

async function shot(tab, name) {
  await tab.bringToFront(); // a tab in the background is not painted
  await tab.screenshot({ path: path.join(out, `${name}.png`) });
}
const online = (tab) => tab.locator('#status[data-state=open]').waitFor();
const said = (tab, text) => tab.locator('#messages .said', { hasText: text }).waitFor();
async function setName(tab, name) {
  await tab.fill('#name', name);
  await tab.click('#name-form button');
  await tab.locator('#online li', { hasText: `${name} (you)` }).waitFor();
}
async function say(tab, text) {
  await tab.fill('#text', text);
  await tab.click('#send-form button');
}

let ann, bob;
await report.check('the first tab opens and publishes the module if it is not there', async () => {
  ann = await openTab();
  const button = ann.locator('#publish');
  await ann.locator('#status[data-state=open], #publish:not([hidden])').first().waitFor();
  if (await button.isVisible()) {
    await shot(ann, 'publish');
    await button.click();
  }
  await online(ann);
});
await report.check('the second tab is another user', async () => {
  bob = await openTab();
  await online(bob);
  await setName(ann, `Ann ${mark}`);
  await setName(bob, `Bob ${mark}`);
  await ann.locator('#online li', { hasText: `Bob ${mark}` }).waitFor();
  await bob.locator('#online li', { hasText: `Ann ${mark}` }).waitFor();
});
await report.check('messages go both ways', async () => {
  await say(ann, `Hello Bob! ${mark}`);
  await said(bob, `Hello Bob! ${mark}`);
  await say(bob, `Hi Ann, I can see you. ${mark}`);
  await said(ann, `Hi Ann, I can see you. ${mark}`);
  await say(ann, `<b>not bold</b> & "quoted" ${mark}`);
  await said(bob, `<b>not bold</b> & "quoted" ${mark}`);
});
await report.check('a name that is taken is refused, with the reason', async () => {
  await bob.fill('#name', `Ann ${mark}`);
  await bob.click('#name-form button');
  await bob.locator('#error', { hasText: 'is taken' }).waitFor();
  await setName(bob, `Bob ${mark}`);
});
await report.check('both tabs were looked at', async () => {
  await shot(ann, 'chat-first-tab');
  await shot(bob, 'chat-second-tab');
  await bob.setViewportSize({ width: 390, height: 780 });
  await shot(bob, 'chat-phone');
});
await report.check('a reloaded tab is the same user and sees what was said', async () => {
  await bob.reload();
  await online(bob);
  await bob.locator('#online li', { hasText: `Bob ${mark} (you)` }).waitFor();
  await said(bob, `Hello Bob! ${mark}`);
});
await report.check('who leaves is offline', async () => {
  await bob.close();
  await ann.locator('#offline li', { hasText: `Bob ${mark}` }).waitFor();
  await shot(ann, 'chat-bob-left');
});
await report.check('no script errors, no external requests', () => {
  if (problems.length) throw new Error(problems.join('; '));
});
await browser.close();
report.finish();
process.exit();
