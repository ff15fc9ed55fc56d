/** A user in front of a browser: a real Dais, its own or that of all files, and a real Chromium. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { chromium, type Browser, type Page } from 'playwright-core';
import { expect, inject } from 'vitest';
import { start } from '../packages/server/src/lib/process.ts';
import { cliVariables } from '../packages/server/src/testing/cli.ts';
import { startDaisProcess, type DaisProcess } from '../packages/server/src/testing/dais-process.ts';
import { sharedDais, type SharedKind } from '../packages/server/src/testing/shared-dais.ts';

/** Longest wait for any element: a busy machine is slow, and the tests measure nothing. */
const PATIENCE_MS = 30_000;

export interface OpenOptions {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  /** The signed-in user, where there are accounts. */
  readonly as?: Person | undefined;
}

export interface Person {
  readonly name: string;
  readonly password: string;
}

/** A separate Dais for this test file. */
interface OwnDais {
  dais: DaisProcess;
  readonly flags: Readonly<Record<string, unknown>>;
  readonly folder: string;
}

interface JourneyDependencies {
  readonly url: string;
  readonly project: string;
  readonly data: string;
  readonly own: OwnDais | undefined;
}

/** Where the console stores the current project. */
const CURRENT_PROJECT = 'dais.project';

export class Journey {
  readonly url: string;
  /** The project of the requests, the commands and the first page. */
  readonly project: string;
  readonly data: string;
  readonly #own: OwnDais | undefined;
  readonly #browser: Browser;
  readonly #problems: string[] = [];

  private constructor({ url, project, data, own }: JourneyDependencies, browser: Browser) {
    this.url = url;
    this.project = project;
    this.data = data;
    this.#own = own;
    this.#browser = browser;
  }

  /** Starts a separate Dais: for organization settings, another configuration, or stopping it. */
  static async start(flags: Readonly<Record<string, unknown>> = {}): Promise<Journey> {
    const folder = await mkdtemp(join(tmpdir(), 'dais-journey-'));
    const data = join(folder, 'data');
    const all = { data, ...flags };
    const own = { dais: startDaisProcess(all), flags: all, folder };
    const url = (await own.dais.ready).replace(/\/$/, '');
    return new Journey({ url, project: 'default', data, own }, await launchBrowser());
  }

  /** Uses the Dais that the test files share, in a project of this name, which no other file uses. */
  static async shared(name: string, kind?: SharedKind): Promise<Journey> {
    const { root, project, data } = await sharedDais(name, kind);
    return new Journey({ url: root, project, data, own: undefined }, await launchBrowser());
  }

  /** The server URL for clients of the project. */
  get projectUrl(): string {
    return this.#own === undefined ? `${this.url}/p/${this.project}` : this.url;
  }

  /** Stops the server; `up` starts it again at the same URL. */
  async down(): Promise<void> {
    if (this.#own === undefined) throw new Error('other files use this Dais: it is not ended');
    this.#own.dais.process.kill('SIGTERM');
    await this.#own.dais.ended;
  }

  async up(): Promise<void> {
    if (this.#own === undefined) throw new Error('other files use this Dais: it runs');
    this.#own.dais = startDaisProcess({ ...this.#own.flags, port: Number(new URL(this.url).port) });
    await this.#own.dais.ready;
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    if (this.#own === undefined) return;
    await this.down();
    await rm(this.#own.folder, { recursive: true, force: true });
  }

  /** A page in its own browser profile. Its errors are collected for `expectQuiet`. */
  async open(path: string, { scheme = 'light', width = 1280, as }: OpenOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width, height: 800 }, colorScheme: scheme });
    context.setDefaultTimeout(PATIENCE_MS);
    if (this.#own === undefined) await context.addInitScript(chooseProject, [CURRENT_PROJECT, this.project] as const);
    if (as !== undefined) {
      const answer = await context.request.post(`${this.url}/auth/login`, { data: as, headers: { origin: this.url } });
      if (!answer.ok()) throw new Error(await answer.text());
    }
    const page = await context.newPage();
    page.on('pageerror', (error) => this.#problems.push(`${page.url()}: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') {
        // For failed loads, the text has only the status.
        this.#problems.push(`${page.url()}: ${message.text()} ${message.location().url}`);
      }
    });
    await page.goto(`${this.url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  }

  /** Errors of a previous test's page must not be attributed to a later one. */
  async closePages(): Promise<void> {
    await Promise.all(this.#browser.contexts().map(async (context) => await context.close()));
  }

  /** Expects no errors of a page. `provoked`: parts of browser messages that the test causes. */
  expectQuiet(...provoked: readonly string[]): void {
    const problems = this.#problems.filter((problem) => !provoked.some((part) => problem.includes(part)));
    this.#problems.length = 0;
    // oxlint-disable-next-line vitest/no-standalone-expect -- called by tests
    expect(problems).toEqual([]);
  }

  /** Errors of pages in a failed test are not attributed to the next one. */
  discardProblems(): void {
    this.#problems.length = 0;
  }

  /** Calls the server without a browser, where there are accounts as the owner; without a body it reads. */
  async call(path: string, body?: string | object): Promise<unknown> {
    const text = typeof body === 'string';
    const response = await fetch(`${this.projectUrl}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        'content-type': text ? 'application/yaml' : 'application/json',
        authorization: await this.#ownerToken(),
      },
      ...(body !== undefined && { body: text ? body : JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(await response.text());
    return await response.json();
  }

  /** Uploads a text as an artifact of the project. */
  async keepArtifact(path: string, text: string): Promise<void> {
    const response = await fetch(
      `${this.projectUrl}/api/v1/tracking/artifacts/content?path=${encodeURIComponent(path)}`,
      {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream', authorization: await this.#ownerToken() },
        body: text,
      },
    );
    if (!response.ok) throw new Error(await response.text());
  }

  async #ownerToken(): Promise<string> {
    return `Bearer ${await readFile(join(this.data, 'owner-token'), 'utf8')}`.trim();
  }

  /** The same as the owner. */
  async daisAsOwner(args: readonly string[]): Promise<string> {
    return await this.dais(args, '', (await this.#ownerToken()).replace('Bearer ', ''));
  }

  /** As another user meanwhile. */
  async apply(manifest: string): Promise<void> {
    await this.call('/api/v1/apply', manifest);
  }

  /** The command line, where there are accounts as an anonymous user. @throws Error with its output when it fails. */
  async dais(args: readonly string[], input = '', token = ''): Promise<string> {
    const program = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
    const where = ['--url', this.url, ...(this.#own === undefined ? ['--project', this.project] : []), '--no-color'];
    const child = start(process.execPath, [program, ...args, ...where], {
      env: {
        PATH: '/usr/bin:/bin',
        HOME: '/nonexistent',
        ...cliVariables(),
        ...(token !== '' && { DAIS_TOKEN: token }),
      },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString('utf8');
      });
    }
    child.stdin?.end(input);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`dais ${args.join(' ')} ended with ${code}:\n${output}`);
    return output;
  }
}

async function launchBrowser(): Promise<Browser> {
  // Debian's sandbox requires a kernel feature that containers lack; the only pages are our own.
  return await chromium.launch({ executablePath: inject('chromium'), args: ['--no-sandbox'] });
}

/** Runs in each document before its own programs. One without a URL has no storage. */
function chooseProject([key, project]: readonly [string, string]): void {
  if (location.protocol !== 'http:' || window !== window.top) return;
  if (localStorage.getItem(key) === null) localStorage.setItem(key, project);
}

const EVERYTHING = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** The rules among them that read colors: axe's category `cat.color`. */
const COLORS = ['color-contrast', 'link-in-text-block'];

/**
 * WCAG 2.2 AA, as far as a program can check it. `colors`: the page has been checked, and only its colors have changed
 * since: less than half of the CPU time.
 */
export async function expectAccessible(page: Page, { colors = false } = {}): Promise<void> {
  // Injected past the page's policy, as a user's own tool would be.
  await page.evaluate(`(() => { if (!window.axe) { ${axe.source} } })()`);
  await page.evaluate(restOf, 300);
  await settledStyles(page);
  const runOnly = colors ? { type: 'rule', values: COLORS } : { type: 'tag', values: EVERYTHING };
  const found = await page.evaluate(async (only) => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<AxeResult> } };
    const { violations } = await axe.run({ runOnly: only });
    return violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.html.slice(0, 160)} ${node.any[0]?.message ?? ''}`),
    );
  }, runOnly);
  expect(found).toEqual([]);
}

/** Waits for the end of color transitions and resize observers: on a busy machine, axe reads colors halfway otherwise. */
export async function settledStyles(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const finite = document
      .getAnimations()
      .filter((animation) => animation.effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(finite.map(async (animation) => await animation.finished));
  });
}

/**
 * Runs in the page: waits until nothing has changed for a while. axe fails on elements that are removed while it reads
 * them.
 */
async function restOf(quietMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = () => {
      observer.disconnect();
      resolve();
    };
    let timer = setTimeout(done, quietMs);
    const observer = new MutationObserver(() => {
      clearTimeout(timer);
      timer = setTimeout(done, quietMs);
    });
    observer.observe(document, { subtree: true, childList: true });
  });
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly {
      readonly target: readonly string[];
      readonly html: string;
      readonly any: readonly { readonly message: string }[];
    }[];
  }[];
}

/** One secret, with labels to filter by. */
export function secretManifest(name: string, description: string, team = 'vision'): string {
  return `apiVersion: dais.dev/v1
kind: Secret
metadata:
  name: ${name}
  labels:
    team: ${team}
spec:
  description: ${description}
  data:
    value: not-for-reading
`;
}
