/** For tests of the whole: a Dais on one folder and port that is killed and started again, with calls to it. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';
import { Collector } from '#content/content-collector.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { loadConfig } from '#config-load.ts';
import { withInstallation } from '#installation/installation.ts';
import { controlOf, freePort, isAlive, killTree, startDaisProcess, treeOf, type DaisProcess } from './dais-process.ts';

export const KILL_TIMEOUT = { timeout: 300_000, interval: 100 } as const;
/** Of kills that take the control process alone first: its supervisor starts another. */
const CONTROL_FIRST = 0.3;

export interface LeftContent {
  /** Stored content without references, after a collection. */
  readonly unowned: number;
  /** Content that something refers to, and that is not there. */
  readonly missing: number;
}

export class KillableDais {
  /** What must never be. */
  readonly problems: string[] = [];
  kills = 0;
  readonly #flags: Readonly<Record<string, unknown>>;
  readonly #port: number;
  readonly #random: () => number;
  #dais: DaisProcess | undefined;

  private constructor(flags: Readonly<Record<string, unknown>>, port: number, random: () => number) {
    this.#flags = flags;
    this.#port = port;
    this.#random = random;
  }

  static async start(
    folder: string,
    random: () => number,
    flags: Readonly<Record<string, unknown>> = {},
  ): Promise<KillableDais> {
    const port = await freePort();
    const made = new KillableDais(
      { ...flags, data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), port },
      port,
      random,
    );
    // Cleans up even after a failed test.
    onTestFinished(async () => {
      if (made.#dais !== undefined) await killTree(made.#dais);
    });
    await made.#launch();
    return made;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async call<Output>(method: string, path: string, body?: object | Buffer): Promise<Output> {
    const bytes = Buffer.isBuffer(body);
    const headers =
      body === undefined ? {} : { 'content-type': bytes ? 'application/octet-stream' : 'application/json' };
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/v1${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: bytes ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as Output;
  }

  /** Kills at some moment of the next `withinMs`, and starts again. */
  async kill(withinMs: number): Promise<void> {
    const dais = this.#running();
    await delay(this.#random() * withinMs);
    const control = this.#random() < CONTROL_FIRST ? controlOf(dais.process.pid!) : undefined;
    if (control !== undefined) process.kill(control, 'SIGKILL');
    this.#dais = undefined;
    await killTree(dais);
    this.kills += 1;
    await this.#launch();
  }

  /** Kills until the work has ended or `most` kills were made, checks after each, and waits for the end. */
  async killUntil(
    { most, withinMs }: { readonly most: number; readonly withinMs: number },
    { ended, verify }: { readonly ended: () => Promise<boolean>; readonly verify: () => Promise<void> },
  ): Promise<void> {
    for (let round = 0; round < most && !(await ended()); round += 1) {
      await this.kill(withinMs);
      await verify();
    }
    await vi.waitUntil(async () => await ended().catch(() => false), KILL_TIMEOUT);
    await verify();
  }

  /** Ends as a person would end it. @returns its exit code. */
  async stop(): Promise<number | string> {
    const dais = this.#running();
    const tree = treeOf(dais.process.pid!);
    dais.process.kill('SIGTERM');
    const exitCode = await dais.ended;
    this.#dais = undefined;
    await vi.waitUntil(() => tree.filter(isAlive).length === 0, KILL_TIMEOUT);
    return exitCode;
  }

  /** Of one that was stopped: what a collection leaves when every lease of an upload is over. */
  async leftContent(): Promise<LeftContent> {
    const config = await loadConfig({ flags: this.#flags as Record<string, string> });
    return await withInstallation(config, silentLog, { beside: false }, async ({ database, blobs }) => {
      const all = { mode: 'write', projectId: 'all' } as const;
      await transact(database, all, async ({ sql }) => {
        await sql.query(`update kernel.upload_lease set expires_at = clock_timestamp() - interval '1 s'`, [], 'expire');
      });
      const dependencies = { database, blobs, clock: systemClock, claimMs: 30_000 };
      await new Collector({ ...dependencies, graceMs: -60_000, sweepMs: 0 }).collect(new AbortController().signal);
      const rows = await transact(database, all, async ({ sql }) => {
        return await sql.query<{ locator: string }>('select distinct locator from kernel.blob_ref', [], 'referred');
      });
      const referred = new Set(rows.map(({ locator }) => locator));
      const there = new Set<string>();
      for await (const { locator } of blobs.list()) there.add(locator);
      return {
        unowned: [...there].filter((one) => !referred.has(one)).length,
        missing: [...referred].filter((one) => !there.has(one)).length,
      };
    });
  }

  #running(): DaisProcess {
    if (this.#dais === undefined) throw new Error('it does not run');
    return this.#dais;
  }

  async #launch(): Promise<void> {
    this.#dais = startDaisProcess(this.#flags);
    const at = await this.#dais.ready;
    // The next port is used only if this one is occupied: by an orphan of the previous round.
    if (!at.endsWith(`:${this.#port}`)) this.problems.push(`${at} instead of port ${this.#port}`);
  }
}
