/**
 * The cost of the kernel without HTTP: CPU time of this process for one read, one write and one applied document, and
 * the share of YAML parsing in an apply. The database is a test server on the same machine (no fsync), so times show
 * the program's share, not the disk's. Consider the printed load.
 */
import { cpus, loadavg } from 'node:os';
import { readDocuments } from '../packages/server/src/kernel/manifest-text.ts';
import { manifest, startKernelDatabase, startTestKernel } from '../packages/server/src/kernel/testing/test-kernel.ts';

const test = await startKernelDatabase();
const dais = await startTestKernel(test, { start: 'none' });

/** Runs `work` `times` times, `lanes` of them concurrently; prints wall and CPU microseconds of each. */
async function measure(
  name: string,
  times: number,
  lanes: number,
  work: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const cpu = process.cpuUsage();
  const from = performance.now();
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let n = next++; n < times; n = next++) await work(n);
    }),
  );
  const wall = performance.now() - from;
  const { user, system } = process.cpuUsage(cpu);
  const each = (us: number) => (us / times).toFixed(0).padStart(7);
  console.log(`${name.padEnd(46)} wall ${each(wall * 1000)} µs   CPU ${each(user + system)} µs`);
}

console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}\n`);

const documents = (round: number) =>
  Array.from({ length: 1000 }, (_, n) =>
    manifest(
      'Part',
      `n${n}`,
      { size: round, note: `part ${n}`, extra: { a: 1, b: 'x' } },
      { labels: { team: `t${n % 7}` } },
    ),
  );
const text = (round: number) =>
  documents(round)
    .map((one) => JSON.stringify(one))
    .join('\n---\n');
const yaml = (round: number) =>
  documents(round)
    .map(
      (one) =>
        `apiVersion: dais.dev/v1\nkind: Part\nmetadata:\n  name: ${(one['metadata'] as { name: string }).name}\n  labels:\n    team: t1\nspec:\n  size: ${round}\n  note: a part\n  extra:\n    a: 1\n    b: x\n`,
    )
    .join('---\n');

await dais.apply(text(1));
for (let round = 0; round < 3; round++) await dais.plan(text(1));

await measure('read one, one at a time', 5000, 1, (n) => dais.call('part.get', { name: `n${n % 1000}` }));
await measure('read one, 16 at once', 20_000, 16, (n) => dais.call('part.get', { name: `n${n % 1000}` }));
await measure('list 100', 300, 4, () => dais.call('part.list', { limit: 100 }));
await measure('create one, 8 at once', 2000, 8, (n) =>
  dais.call('part.create', { manifest: manifest('Part', `c${n}`, { size: n }) }),
);
await measure('update one, 8 at once', 2000, 8, (n) =>
  dais.call('part.update', { name: `c${n}`, manifest: manifest('Part', `c${n}`, { size: n + 7 }) }),
);
await measure('apply 1,000 new documents (JSON)', 1, 1, () => dais.apply(text(1).replaceAll('"name":"n', '"name":"m')));
await measure('apply 1,000 changed documents (JSON)', 5, 1, (n) => dais.apply(text(n + 2)));
await measure('apply 1,000 changed documents (YAML)', 5, 1, (n) => dais.apply(yaml(n + 20)));
await measure('apply 1,000 unchanged documents', 5, 1, () => dais.apply(yaml(24)));
await measure('plan 1,000 changed documents', 5, 1, (n) => dais.plan(yaml(n + 30)));
await measure('of which reading the YAML', 5, 1, async (n) => readDocuments('bench.yaml', yaml(n + 30)));

await dais.stop();
await test.stop();
