/** The suite of the compute engine where a machine permits no namespaces. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { computeSuite, expectRefusal, shell } from '../suite.ts';
import { startEngine } from './engine.testing.ts';
import { openProcessCompute } from './process-compute.ts';

const withoutNamespaces = () => openIsolation({ boundaries: ['landlock'], limits: 'rlimit' });

computeSuite('process, isolated without namespaces and control groups', async () => {
  const root = await mkdtemp(join(tmpdir(), 'dais-compute-'));
  const isolation = withoutNamespaces();
  const compute = await openProcessCompute({ root, clock: systemClock, log: silentLog, limits: 'rlimit', isolation });
  const { isolationProblem } = await compute.abilities();
  if (isolationProblem !== undefined) throw new Error(isolationProblem);
  return {
    compute,
    isolation: 'required',
    end: async () => {
      for await (const attempt of compute.attempts()) await compute.forget(attempt);
      await compute.close();
      await rm(root, { recursive: true });
    },
  };
});

test('rejects specs that need namespaces with the reason', async () => {
  const engine = await startEngine({ isolation: withoutNamespaces() });
  try {
    const image = { folders: [], path: [], variables: {}, root: '/usr' };
    await expectRefusal(
      engine.compute.submit(shell('true', { isolation: 'required', environment: image })),
      'invalid_request',
      /Images need namespaces/,
    );
    await expectRefusal(
      engine.compute.submit(shell('true', { isolation: 'required', network: true })),
      'invalid_request',
      /needs network access/,
    );
  } finally {
    await engine.end();
  }
});
