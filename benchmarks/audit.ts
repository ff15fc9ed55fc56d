/**
 * What the audit ledger costs and how fast it is verified: entries appended from a backlog of events, entries verified
 * from an export, and writes by 16 clients with the ledger compared with the same writes without it, in alternating
 * rounds of one run. The database is a test server on the same machine (no fsync). Compare ratios, and consider the
 * printed load.
 */
import { randomBytes } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { LogVerifier } from '../packages/api/src/tlog/index.ts';
import { openFsBlobStore } from '../packages/server/src/engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase } from '../packages/server/src/engines/database/testing.ts';
import { openEnvKeys } from '../packages/server/src/engines/keys/env/env-keys.ts';
import { kernelSlice } from '../packages/server/src/kernel/slice.ts';
import { workshopSlice } from '../packages/server/src/kernel/testing/machine-controller.ts';
import { manifest, startTestKernel, type TestKernel } from '../packages/server/src/kernel/testing/test-kernel.ts';
import { treeHasher } from '../packages/server/src/ledgers/audit/hashing.ts';
import { auditLedger, auditSlice } from '../packages/server/src/ledgers/audit/index.ts';
import { systemClock } from '../packages/server/src/lib/clock.ts';
import { TestNet } from '../packages/server/src/lib/outbound/outbound.testing.ts';
import { Claims } from './lib/claims.mjs';
import { benchmarkFolder } from './lib/cleanup.mjs';

const BACKLOG = 50_000;
const LANES = 16;
const WRITES = 2000;
const ROUNDS = 5;

const claims = new Claims();
/** Returns the text of a requirement for a measured value. */
const requirement = (what: string, value: number, least: number) =>
  `(target: ${least.toLocaleString('en')}: ${claims.judge(what, value >= least, value.toLocaleString('en', { maximumFractionDigits: 0 }))})`;
const medianOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const test = await startTestDatabase([kernelSlice, auditSlice, workshopSlice]);
const folder = benchmarkFolder('audit');
const net = new TestNet();
const ledger = auditLedger({
  database: test.database,
  keys: openEnvKeys(randomBytes(32).toString('base64')),
  blobs: await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock }),
  outbound: net.client(),
  clock: systemClock,
  log: { debug: () => {}, info: () => {}, warn: console.error, error: console.error },
  holder: 'bench',
  checkpointFolders: [join(folder, 'checkpoints')],
  checkpointWebhook: undefined,
  days: 400,
});

const seconds = (from: number) => (performance.now() - from) / 1000;
const count = async (sql: string) => Number((await test.asAdmin(sql))[0]?.['n']);
const until = async (reached: () => Promise<boolean>) => {
  while (!(await reached())) await new Promise((resolve) => void setTimeout(resolve, 5));
};
const size = () => count('select size::int as n from audit.state');
const sequenced = () => count('select seq::int as n from kernel.cursor');

console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(2)}, Node ${process.version}\n`);

// A backlog, as after an outage: events of requests with all that an entry can hold.
const plain = await startTestKernel(test);
await test.asAdmin(
  `insert into kernel.event (type, v, project_id, subject_kind, subject_name, subject_uid, data, actor, request_id, via, decision)
   select 'resource.updated', 1, t.id, 'Part', 'part-' || n % 500, gen_random_uuid(),
     '{"generation":7,"operation":"apply","fields":["spec.size","spec.note"]}',
     jsonb_build_object('type', 'user', 'id', 'user-' || n % 50 || '@example.com'), gen_random_uuid()::text,
     '{"method":"token","credential":"01a210d5-4d88-70f3","mfa":true,"address":"192.0.2.7","userAgent":"dais/0.1 node"}',
     '{"policies":["role.editor","org.mfa-for-prod"],"set":"2befcfd80ffb7e5ae930b7e9a38042dd7d86362aab8d9f868849a4f0f7931147"}'
   from generate_series(1, ${BACKLOG}) n, kernel.tenant t where t.name = 'default'`,
);
await until(async () => (await plain.kernel.health()).unsequenced === 0);
await plain.stop();
const audited = await startTestKernel(test, {
  subscribers: ledger.subscribers,
  jobs: ledger.jobs,
  entries: ledger.entries,
});
let from = performance.now();
const first = await size();
await until(async () => (await size()) >= BACKLOG);
const appended = (BACKLOG - first) / seconds(from);
console.log(
  `appended from a backlog    ${appended.toFixed(0)} entries/s ${requirement('entries per second, appended from a backlog', appended, 5000)}`,
);

const rows = await test.asAdmin(`select seq::int, convert_from(body, 'UTF8') as body from audit.entry order by seq`);
const entries = rows.map((row) => ({ seq: row['seq'] as number, body: row['body'] as string }));
const verified: number[] = [];
for (let round = 0; round < 3; round++) {
  from = performance.now();
  const verifier = new LogVerifier(treeHasher, []);
  for (const entry of entries) verifier.add(entry);
  if (verifier.end().findings.length > 0) throw new Error('the log does not fit');
  verified.push(entries.length / seconds(from));
}
const verifying = medianOf(verified);
console.log(
  `verified in memory         ${verifying.toFixed(0)} entries/s, the median of ${verified.map((rate) => rate.toFixed(0)).join(', ')} ${requirement('entries per second, verified', verifying, 100_000)}`,
);

/** Writes per second, with every event in order (and in the log, when there is one) at the end. */
async function write(dais: TestKernel, round: string, done: () => Promise<boolean>): Promise<number> {
  let next = 0;
  const begin = performance.now();
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let n = next++; n < WRITES; n = next++) {
        await dais.call('part.create', { manifest: manifest('Part', `${round}-${n}`, { size: n }) });
      }
    }),
  );
  const rate = WRITES / seconds(begin);
  await until(done);
  return rate;
}

const rates: { without: number; with: number }[] = [];
await audited.stop();
for (let round = 0; round <= ROUNDS; round++) {
  const without = await startTestKernel(test);
  const quiet = async () => (await without.kernel.health()).unsequenced === 0;
  const bare = await write(without, `a${round}`, quiet);
  await without.stop();
  const chained = await startTestKernel(test, {
    subscribers: ledger.subscribers,
    jobs: ledger.jobs,
    entries: ledger.entries,
  });
  await until(async () => (await size()) === (await sequenced()));
  const full = await write(chained, `b${round}`, async () => (await size()) === (await sequenced()));
  await chained.stop();
  // The first round warms up.
  if (round > 0) rates.push({ without: bare, with: full });
}
for (const rate of rates) {
  const ratio = (100 * rate.with) / rate.without;
  console.log(
    `${LANES} clients, writes/s        ${rate.with.toFixed(0)} with, ${rate.without.toFixed(0)} without: ${ratio.toFixed(0)} %`,
  );
}
const ratio = 100 * medianOf(rates.map((rate) => rate.with / rate.without));
console.log(
  `median                     ${ratio.toFixed(0)} % ${requirement('writes with the ledger (% of writes without it)', ratio, 80)}`,
);

await net.end();
await test.stop();
claims.end();
