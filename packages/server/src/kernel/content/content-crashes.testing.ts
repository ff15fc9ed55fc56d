import { expect } from 'vitest';
import { findProblems, garbage, type ContentWorld } from '#kernel/content/content.testing.ts';
import { APPLICATION, type CrashLine, type CrashWork } from '#kernel/content/crash-worker.testing.ts';
import { linesUntilKilled } from '#lib/system/killed-worker.testing.ts';
import { uuidv7 } from '#lib/ids.ts';

/** Starts the worker on the same data `rounds` times and kills it each time, after 1 to about 60 lines. */
export async function killRepeatedly(world: ContentWorld, rounds: number, random: () => number): Promise<void> {
  const projects = [await world.project(), await world.project()];
  const owners = [0, 1, 0, 1].map((n) => ({ projectId: projects[n]!, uid: uuidv7() }));
  const work: CrashWork = { connection: world.db.connection, root: world.root, owners };
  /** What may be under each name: one text, or the old and the new one when the last change was cut. */
  const state = new Map<string, readonly (string | null)[]>();
  for (let round = 0; round < rounds; round += 1) {
    for (const line of await runAndKill(work, 1 + Math.floor(random() ** 2 * 60))) {
      const key = `${line.owner} ${line.name}`;
      const before = state.get(key) ?? [null];
      state.set(key, line.at === 'end' ? [line.text] : [...before, line.text]);
    }
    await expect.poll(async () => await connections(world)).toBe(0);
    expect(await findProblems(world)).toEqual([]);
    for (const [key, allowed] of state) {
      const text = await world.textOf(
        owners.find((owner) => key.startsWith(owner.uid))!,
        key.split(' ')[1]!,
      );
      expect(allowed.map(brief), `round ${round}, ${key}`).toContain(brief(text));
      state.set(key, [text]);
    }
  }
  expect(await garbage(world)).toEqual([]);
}

const brief = (text: string | null): string => (text === null ? 'nothing' : `${text.slice(0, 10)}… ${text.length}`);

async function connections(world: ContentWorld): Promise<number> {
  const rows = await world.db.asAdmin(
    `select count(*)::int as n from pg_stat_activity where application_name = '${APPLICATION}'`,
  );
  return Number(rows[0]!['n']);
}

async function runAndKill(work: CrashWork, killAfter: number): Promise<CrashLine[]> {
  const module = new URL('crash-worker.testing.ts', import.meta.url);
  return await linesUntilKilled<CrashLine>({ module, name: 'workUntilKilled', setup: work, killAfter });
}
