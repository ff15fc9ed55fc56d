/** Processes that tests kill: a writer and a collector of segments. Each prints a line before and after each action. */
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import type { ConnectionOptions, Database } from '#engines/database/contract.ts';
import { openDatabase } from '#engines/database/database.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { Collector } from '../collect.ts';
import type { PredictionsDependencies } from '../predictions-dependencies.ts';
import { SegmentWriter, type PredictionRecord } from '../segment.ts';

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

export interface WriterSetup {
  readonly folder: string;
  readonly record: Omit<PredictionRecord, 'inputs' | 'outputs'>;
  /** The last four hex digits of its ids are counted. */
  readonly prefix: string;
}

/** Writes continuously, 16 at a time, and prints each acknowledged id. */
export async function writeContinuously({ folder, record, prefix }: WriterSetup): Promise<void> {
  const writer = new SegmentWriter({
    folder,
    gateway: 'killed',
    now: () => Date.now(),
    log: silentLog,
    segmentBytes: 20_000,
  });
  let count = 0;
  const lane = async () => {
    while (count < 0xffff) {
      const id = prefix + (count += 1).toString(16).padStart(4, '0');
      const data = Float64Array.of(count);
      const inputs = [{ name: 'n', datatype: 'FP64', shape: [1], data }] as const;
      await writer.append(
        { ...record, id, inputs, outputs: [] },
        { policy: 'ack', share: 1, overflow: 'shed', omit: [] },
      );
      say({ id });
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
}

export interface CollectorSetup {
  readonly connection: ConnectionOptions;
  readonly root: string;
}

/** Collects continuously; prints each action before and after it. */
export async function collectContinuously({ connection, root }: CollectorSetup): Promise<void> {
  const opened = openDatabase(connection, { poolSize: 4, applicationName: 'killed' });
  const database: Database = Object.assign(Object.create(opened) as Database, {
    transaction: async (...args: Parameters<Database['transaction']>) => {
      say({ begins: 'transaction' });
      const result: unknown = await opened.transaction(...args);
      say({ ended: 'transaction' });
      return result;
    },
  });
  const blobs = await openFsBlobStore({ root: `${root}/blobs`, clock: systemClock });
  const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  const engine = openDuckdbQuery({
    folder: `${root}/killed-query`,
    log: silentLog,
    clock: systemClock,
    tempMb: 1024,
    memoryMb: 512,
    threads: 1,
  });
  const dependencies: PredictionsDependencies = {
    database,
    content,
    blobs,
    clock: systemClock,
    log: silentLog,
    query: async () => await Promise.resolve(engine),
    self: { id: () => undefined, liveCount: () => 1, liveGateways: () => 1, hasGateway: true },
    spool: `${root}/spool`,
    folder: `${root}/work`,
    days: 30,
    projectBytes: 2 ** 40,
  };
  const collector = new Collector(dependencies);
  for (;;) say(await collector.collect());
}
