/** PostgreSQL crashes repeatedly under load; tests callers, watchers and controllers. */
import type { Condition } from '@dais/api';
import { expect } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { codeOf, manifest, type TestKernel } from './test-kernel.ts';
import { freshProject } from './test-project.ts';
import { listAndWatch } from './test-watcher.ts';

const SOON = { timeout: 40_000, interval: 20 };

/**
 * Kills one of PostgreSQL's processes: it then ends all connections and recovers from its log, as after a crash of the
 * machine it runs on, but for the disk.
 */
async function crashDatabase(test_: TestDatabase): Promise<void> {
  const [backend] = await test_.asAdmin('select pg_backend_pid() as pid');
  const pids = await test_.asAdmin(
    `select pid from pg_stat_activity where usename = 'dais' and pid <> ${String(backend!['pid'])} order by backend_start`,
  );
  process.kill(pids[0]!['pid'] as number, 'SIGKILL');
}

const answers = async (test_: TestDatabase) => (await test_.asAdmin('select 1').catch(() => [])).length === 1;

export interface CrashReport {
  /** How calls ended that did not succeed. */
  readonly codes: readonly string[];
  readonly acknowledged: number;
  /** Acknowledged writes that are not there. */
  readonly lost: readonly string[];
  readonly watcherProblems: readonly string[];
  readonly errorsLogged: readonly string[];
}

export async function crashUnderLoad(test_: TestDatabase, dais: TestKernel, crashes: number): Promise<CrashReport> {
  const p = await freshProject(dais);
  const watcher = await listAndWatch(dais, 'part', {}, p.context);
  await expect.poll(() => watcher.caughtUp, SOON).toBe(true);
  const acknowledged: string[] = [];
  const codes = new Set<string>();
  const done = new AbortController();
  const writers = Array.from({ length: 6 }, async (_, writer) => {
    for (let n = 0; !done.signal.aborted; n++) {
      const name = `w${writer}-${n}`;
      const code = await codeOf(
        n % 5 === 4
          ? dais.apply([manifest('Part', name), manifest('Machine', name, { cells: 2 })], {}, p.context)
          : p.create(name),
      );
      if (code === 'ok') acknowledged.push(name);
      else codes.add(code);
    }
  });
  for (let n = 0; n < crashes; n++) {
    const before = acknowledged.length;
    // Some work between two crashes, so that each meets writes under way.
    await expect.poll(() => acknowledged.length, SOON).toBeGreaterThan(before + 10);
    await crashDatabase(test_);
    await expect.poll(() => answers(test_), SOON).toBe(true);
  }
  const before = acknowledged.length;
  await expect.poll(() => acknowledged.length, SOON).toBeGreaterThan(before + 10);
  done.abort();
  await Promise.all(writers);

  // Everything recovers automatically: the order, the watch, the controllers.
  await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
  const names = await allNames(dais, 'part', p.name);
  await expect.poll(() => [...watcher.known.keys()].toSorted(), SOON).toEqual(names);
  const machines = await allNames(dais, 'machine', p.name);
  for (const name of machines) {
    const ready = async () => {
      const { status } = await dais.call('machine.get', { name }, p.context);
      return (status['conditions'] as Condition[] | undefined)?.[0]?.status;
    };
    await expect.poll(ready, SOON).toBe('True');
  }
  await watcher.stop();
  return {
    codes: [...codes].toSorted(),
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((name) => !names.includes(name)),
    watcherProblems: watcher.problems,
    errorsLogged: dais.log
      .filter((entry) => entry.level === 'error')
      .map((entry) => `${entry.message}: ${String(entry.fields?.error)}`),
  };
}

async function allNames(dais: TestKernel, noun: string, project: string): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  do {
    const page: { items: { metadata: { name: string } }[]; nextCursor?: string } = await dais.call(
      `${noun}.list`,
      { limit: 1000, ...(cursor !== undefined && { cursor }) },
      { projects: [project] },
    );
    names.push(...page.items.map((item) => item.metadata.name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return names.toSorted();
}
