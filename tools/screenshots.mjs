#!/usr/bin/env node
/**
 * Takes the screenshots of the documentation from the demo of the flights: node tools/screenshots.mjs --data DIR, where
 * DIR is the data folder of an `npm run quickstart` that has ended (DAIS_KEYS_FOLDER names its keys). Each page in both
 * themes, as WebP below docs/public/screens; `--png DIR` also stores them as PNG for review.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ensureChromium } from './chromium.mjs';
import { root } from './command.mjs';
import { startServer, untilReady } from './quickstart-phases.mjs';

const SIZE = { width: 1280, height: 800 };
/** Maximum size of one picture: above it, its quality is lowered. */
const MOST_BYTES = 120_000;
const QUALITIES = [85, 75, 60, 45];
const PATIENCE_MS = 60_000;

const WHO = { name: 'ada@example.com', password: 'gravel-orbit-mango-7' };

/**
 * @typedef {object} Shot
 * @property {string} name of its files
 * @property {string} path
 * @property {string} ready a text that is present when the page is ready
 *
 * @param {import('./story/story.mjs').StoryResult} reported
 * @returns {readonly Shot[]}
 */
function shots(reported) {
  const project = '/projects/default';
  const [monitor, version, prediction] = [0, 1, 2].map((at) => {
    const { pathname, search } = new URL(reported.links[at]?.address ?? '/', 'http://x');
    return `${pathname}${search}`;
  });
  return [
    { name: 'home', path: '/', ready: 'Acknowledge' },
    { name: 'dataset', path: `${project}/datasets/nyc_flights`, ready: 'quarantined' },
    { name: 'pipeline', path: `${project}/executions/${reported.second.execution}`, ready: 'judge' },
    { name: 'model', path: `${project}/models/nyc-late`, ready: 'champion' },
    { name: 'version', path: version ?? '', ready: 'frozen_roc_auc' },
    { name: 'endpoint', path: `${project}/endpoints/nyc-late`, ready: 'stable' },
    { name: 'monitor', path: monitor ?? '', ready: 'temp' },
    { name: 'prediction', path: prediction ?? '', ready: 'nyc_training' },
  ];
}

/** @param {readonly string[]} args */
function readOptions(args) {
  const value = (/** @type {string} */ name) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
  const data = value('--data');
  if (data === undefined) throw new Error('say --data DIR: the data folder of a quickstart that has ended');
  return { data, png: value('--png'), only: value('--only')?.split(',') };
}

/**
 * With the bindings that made an administrator of them.
 * @param {string} url
 * @param {string} authorization of the owner
 */
async function takeAway(url, authorization) {
  const remove = (/** @type {string} */ path) =>
    fetch(`${url}/api/v1/${path}`, { method: 'DELETE', headers: { authorization } });
  const held = await remove(`users/${WHO.name}`);
  const { holders = [] } = /** @type {{ holders?: string[] }} */ (held.ok ? {} : await held.json());
  for (const holder of holders) await remove(`organizationrolebindings/${holder.split('/')[1]}`);
  const gone = held.ok ? held : await remove(`users/${WHO.name}`);
  if (!gone.ok) throw new Error(await gone.text());
}

/**
 * An administrator for the pictures, who is taken away again.
 * @param {string} url
 * @param {string} authorization of the owner
 */
async function invite(url, authorization) {
  const json = { 'content-type': 'application/json', origin: url };
  const made = await fetch(`${url}/api/v1/invitations/administrators`, {
    method: 'POST',
    headers: { ...json, authorization },
    body: JSON.stringify({ email: WHO.name }),
  });
  // Left by a run that failed.
  if (made.status === 409) return;
  if (!made.ok) throw new Error(await made.text());
  const { link } = /** @type {{ link: string }} */ (await made.json());
  const body = JSON.stringify({ secret: new URL(link).hash.slice(1), password: WHO.password });
  const accepted = await fetch(`${url}/auth/invitation/accept`, { method: 'POST', headers: json, body });
  if (!accepted.ok) throw new Error(await accepted.text());
}

/**
 * @param {import('playwright-core').Page} page
 * @returns {Promise<Buffer>}
 */
async function picture(page) {
  const session = await page.context().newCDPSession(page);
  let bytes = Buffer.alloc(0);
  for (const quality of QUALITIES) {
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality });
    bytes = Buffer.from(data, 'base64');
    if (bytes.length <= MOST_BYTES) break;
  }
  await session.detach();
  return bytes;
}

/**
 * @param {import('playwright-core').Page} page
 * @param {string} name
 * @param {string} text
 */
async function seen(page, name, text) {
  try {
    await page.getByText(text).first().waitFor();
    return true;
  } catch {
    process.exitCode = 1;
    process.stderr.write(`${name} does not show "${text}" but\n${await page.locator('main').innerText()}\n`);
    return false;
  }
}

/** @param {import('playwright-core').Page} page */
async function atRest(page) {
  // As text: code in the page has other globals than this file.
  await page.evaluate(`(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const finite = document.getAnimations().filter((one) => one.effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(finite.map((one) => one.finished));
  })()`);
}

const { data, png, only } = readOptions(process.argv.slice(2));
const result = JSON.parse(readFileSync(join(data, 'story', 'result.json'), 'utf8'));
const server = startServer({ data });
const ended = new Promise((resolve) => server.once('exit', resolve));
const browser = await chromium.launch({ executablePath: await ensureChromium(), args: ['--no-sandbox'] });
try {
  const url = await untilReady(data, server);
  const authorization = `Bearer ${readFileSync(join(data, 'owner-token'), 'utf8').trim()}`;
  await invite(url, authorization);
  const folder = join(root, 'docs', 'public', 'screens');
  mkdirSync(folder, { recursive: true });
  if (png !== undefined) mkdirSync(png, { recursive: true });
  const context = await browser.newContext({ viewport: SIZE });
  context.setDefaultTimeout(PATIENCE_MS);
  const entered = await context.request.post(`${url}/auth/login`, { data: WHO, headers: { origin: url } });
  if (!entered.ok()) throw new Error(await entered.text());
  for (const { name, path, ready } of shots(result)) {
    if (only !== undefined && !only.includes(name)) continue;
    const page = await context.newPage();
    await page.goto(`${url}${path}`);
    if (!(await seen(page, name, ready))) continue;
    await page.waitForLoadState('networkidle').catch(() => {});
    for (const scheme of /** @type {const} */ (['light', 'dark'])) {
      await page.emulateMedia({ colorScheme: scheme });
      await atRest(page);
      const bytes = await picture(page);
      writeFileSync(join(folder, `${name}-${scheme}.webp`), bytes);
      if (png !== undefined) await page.screenshot({ path: join(png, `${name}-${scheme}.png`) });
      process.stdout.write(`${name}-${scheme}.webp  ${Math.ceil(bytes.length / 1000)} kB\n`);
    }
    await page.close();
  }
  await takeAway(url, authorization);
} finally {
  await browser.close();
  server.kill('SIGTERM');
  await ended;
}
