/** Kills a controller's process at each point of its work, and checks the recovery by the next process. */
import type { Condition } from '@dais/api';
import { expect } from 'vitest';
import { manifest, type TestKernel } from './test-kernel.ts';
import { freshProject } from './test-project.ts';
import type { Replica, ReplicaSetup } from './replica.ts';

const CELLS = 3;
const SOON = { timeout: 40_000, interval: 20 };

export interface CrashResult {
  /** What ended the first process. */
  readonly died: number | string;
  readonly cells: readonly number[];
  readonly status: string;
  /** Cells that remain after the machine was deleted, with a crash at the same point. */
  readonly left: number;
}

export async function crashEverywhere(
  dais: TestKernel,
  launch: (setup: Partial<ReplicaSetup> & { readonly name: string }) => Promise<Replica>,
  points: readonly NonNullable<ReplicaSetup['crash']>[],
): Promise<CrashResult[]> {
  const results: CrashResult[] = [];
  for (const crash of points) {
    const p = await freshProject(dais);
    const machine = () => dais.call('machine.get', { name: 'm' }, p.context);
    const condition = async () => ((await machine()).status['conditions'] as Condition[] | undefined)?.[0];
    const cellsOf = (uid: string) =>
      dais.write(({ sql }) => sql.query<{ n: number }>('select n from workshop.cell where uid = $1 order by n', [uid]));
    const crashing = await launch({ name: 'crashing', crash });
    await dais.apply([manifest('Machine', 'm', { cells: CELLS })], {}, p.context);
    const died = await crashing.ended;
    const next = await launch({ name: 'next' });
    await expect.poll(async () => (await condition())?.status, SOON).toBe('True');
    const { metadata, status } = await machine();
    const { status: state, reason } = (await condition())!;
    const cells = (await cellsOf(metadata.uid)).map((row) => row.n);
    next.kill('SIGKILL');
    await next.ended;
    // The same for the deletion: the finalizer keeps the machine until nothing is left.
    const crashingAgain = await launch({ name: 'crashing again', crash });
    await dais.call('machine.delete', { name: 'm' }, p.context);
    await crashingAgain.ended;
    const last = await launch({ name: 'last' });
    const gone = () =>
      machine().then(
        () => false,
        (error: { code?: string }) => error.code === 'not_found',
      );
    await expect.poll(gone, SOON).toBe(true);
    last.kill('SIGKILL');
    await last.ended;
    results.push({
      died,
      cells,
      status: `${state} ${reason} ${String(status['cells'])}`,
      left: (await cellsOf(metadata.uid)).length,
    });
  }
  return results;
}
