/** A person in front of a browser: a real Dais, its own or that of the worker, a real Chromium, and nothing between them. */
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
import { sharedDais } from '../packages/server/src/testing/shared-dais.ts';

/** Longest wait for anything that is seen: a busy machine is slow, and nothing here is a measurement. */
const PATIENCE_MS = 30_000;

export interface OpenOptions {
  readonly scheme?: 'light' | 'dark';
  readonly width?: number;
  /** Who has signed in already, where there are accounts. */
  readonly as?: Person | undefined;
}

export interface Person {
  readonly name: string;
  readonly password: string;
}

/** A Dais of the journey alone. */
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

/** Where the console keeps the project that it shows. */
const CURRENT_PROJECT = 'dais.project';

export class Journey {
  readonly url: string;
  /** The project of the calls, the commands and the first page. */
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

  /** Starts a Dais of its own: for what concerns the organization, another configuration, or its end. */
  static async start(flags: Readonly<Record<string, unknown>> = {}): Promise<Journey> {
    const folder = await mkdtemp(join(tmpdir(), 'dais-journey-'));
    const data = join(folder, 'data');
    const all = { data, ...flags };
    const own = { dais: startDaisProcess(all), flags: all, folder };
    const url = (await own.dais.ready).replace(/\/$/, '');
    return new Journey({ url, project: 'default', data, own }, await launchBrowser());
  }

  /** Uses the Dais that the files of a worker share, in a project of this name, which no other file uses. */
  static async shared(name: string): Promise<Journey> {
    const { root, project, data } = await sharedDais(name);
    return new Journey({ url: root, project, data, own: undefined }, await launchBrowser());
  }

  /** The server as clients of the project address it. */
  get projectUrl(): string {
    return this.#own === undefined ? `${this.url}/p/${this.project}` : this.url;
  }

  /** Ends the server; `up` starts it again at the same address. */
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

  /** A page in a browser profile of its own. Whatever it complains about is kept for `expectQuiet`. */
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
        // Of what could not be loaded the text says nothing more than the status.
        this.#problems.push(`${page.url()}: ${message.text()} ${message.location().url}`);
      }
    });
    await page.goto(`${this.url}${path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    return page;
  }

  /** What a page of an earlier test still does must not be laid at a later one's door. */
  async closePages(): Promise<void> {
    await Promise.all(this.#browser.contexts().map(async (context) => await context.close()));
  }

  /** No page complained. `provoked`: parts of what a browser always says of what the journey did. */
  expectQuiet(...provoked: readonly string[]): void {
    const problems = this.#problems.filter((problem) => !provoked.some((part) => problem.includes(part)));
    this.#problems.length = 0;
    // oxlint-disable-next-line vitest/no-standalone-expect -- called by tests
    expect(problems).toEqual([]);
  }

  /** What pages said in a test that failed anyhow is not laid at the next one's door. */
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

  /** Keeps a text as an artifact of the project. */
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

  /** As somebody else would meanwhile. */
  async apply(manifest: string): Promise<void> {
    await this.call('/api/v1/apply', manifest);
  }

  /** The command line, where there are accounts as nobody. @throws Error with its output when it fails. */
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
  // Debian's sandbox wants a kernel feature that containers lack; the only pages shown are our own.
  return await chromium.launch({ executablePath: inject('chromium'), args: ['--no-sandbox'] });
}

/** Runs in each document before its own programs. One without an address has no storage. */
function chooseProject([key, project]: readonly [string, string]): void {
  if (location.protocol !== 'http:' || window !== window.top) return;
  if (localStorage.getItem(key) === null) localStorage.setItem(key, project);
}

const EVERYTHING = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** Of those the ones that read colors: axe's rules of its category `cat.color`. */
const COLORS = ['color-contrast', 'link-in-text-block'];

/**
 * WCAG 2.2 AA, as far as a program can tell. `colors`: the page has been judged already, and only its colors are others
 * since: less than half of the CPU.
 */
export async function expectAccessible(page: Page, { colors = false } = {}): Promise<void> {
  // Injected past the page's policy, as a reader's own tool would be.
  await page.evaluate(`(() => { if (!window.axe) { ${axe.source} } })()`);
  await page.evaluate(restOf, 300);
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

/** Runs in the page: waits until nothing has changed for so long. axe fails on elements that go while it reads them. */
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
