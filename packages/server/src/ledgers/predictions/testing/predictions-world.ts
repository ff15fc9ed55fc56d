/** For tests: a kernel with the predictions ledger and a real query engine, on a database of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endpointHash, predictionId } from '@dais/api/gateway';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import type { Tensor } from '#engines/inference/contract.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { manifest, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { endpoint } from '#kinds/endpoint/index.ts';
import { project } from '#kinds/project/index.ts';
import { lineageEntries, lineageSlice } from '#ledgers/lineage/index.ts';
import { registrySlice } from '#ledgers/registry/index.ts';
import { servingSlice } from '#ledgers/serving/index.ts';
import { ledger as usage, recordUsage } from '#ledgers/usage/index.ts';
import { systemClock } from '#lib/clock.ts';
import { ledger as nodes } from '#ledgers/nodes/index.ts';
import { silentLog } from '#lib/log.ts';
import { predictionsLedger, predictionsSlice, type PredictionsDependencies } from '../index.ts';
import { predictionNodes } from '../lineage-nodes.ts';
import { SegmentWriter, type CapturePolicy, type PredictionRecord } from '../segment.ts';

export interface PredictionsWorld {
  readonly db: TestDatabase;
  /** Folder of blobs, segments and temporary files. */
  readonly root: string;
  readonly dais: TestKernel;
  readonly dependencies: PredictionsDependencies;
  readonly writer: SegmentWriter;
  /** Returns the name of a new endpoint. */
  endpoint(): Promise<string>;
  record(name: string, more?: Partial<PredictionRecord>): Promise<PredictionRecord>;
  stop(): Promise<void>;
}

export const ack: CapturePolicy = { policy: 'ack', share: 1, overflow: 'shed', omit: [] };

export function floats(name: string, ...values: number[]): Tensor {
  return { name, datatype: 'FP64', shape: [values.length], data: Float64Array.from(values) };
}

export function texts(name: string, ...values: string[]): Tensor {
  return { name, datatype: 'BYTES', shape: [values.length], data: values.map((value) => Buffer.from(value)) };
}

/** `jobs: false`: segments are collected only on request. */
export async function startPredictionsWorld({ jobs = true } = {}): Promise<PredictionsWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'dais-predictions-'));
  const db = await startTestDatabase([
    kernelSlice,
    lineageSlice,
    registrySlice,
    servingSlice,
    predictionsSlice,
    usage.slice,
    nodes.slice,
  ]);
  const blobs = await openFsBlobStore({ root: join(folder, 'blobs'), clock: systemClock });
  const content = new Content({ database: db.database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
  const engine = openDuckdbQuery({
    folder: join(folder, 'query'),
    log: silentLog,
    clock: systemClock,
    tempMb: 1024,
    memoryMb: 512,
    threads: 2,
  });
  const dependencies: PredictionsDependencies = {
    database: db.database,
    content,
    blobs,
    clock: systemClock,
    log: silentLog,
    query: async () => await Promise.resolve(engine),
    self: { id: () => undefined, liveCount: () => 1, liveGateways: () => 1, hasGateway: true },
    spool: join(folder, 'spool'),
    folder: join(folder, 'work'),
    days: 30,
    projectBytes: 2 ** 40,
    usage: recordUsage,
  };
  const ledger = predictionsLedger(dependencies);
  const dais = await startTestKernel(db, {
    kinds: [project, endpoint()],
    entries: [...ledger.entries, ...lineageEntries([predictionNodes])],
    jobs: jobs ? ledger.jobs : [],
  });
  const writer = new SegmentWriter({
    folder: join(dependencies.spool, 'g1'),
    gateway: 'g1',
    now: () => Date.now(),
    log: silentLog,
  });
  let made = 0;
  const uids = new Map<string, string>();
  return {
    db,
    root: folder,
    dais,
    dependencies,
    writer,
    endpoint: async () => {
      const name = `endpoint-${++made}`;
      const resource = await dais.call<{ metadata: { uid: string } }>('endpoint.create', {
        manifest: manifest('Endpoint', name, { model: 'models:/flights/3' }),
      });
      uids.set(name, resource.metadata.uid);
      return name;
    },
    record: async (name, more = {}) => {
      const at = more.at ?? Date.now();
      const uid = uids.get(name) ?? '';
      const record: PredictionRecord = {
        id: predictionId({ at, gateway: 1, endpoint: endpointHash(uid) }, (made += 1)),
        at,
        project: 'default',
        endpoint: name,
        endpointUid: uid,
        variant: 'stable',
        model: 'flights',
        version: '3',
        shadowOf: undefined,
        protocol: 'open-inference',
        principal: 'user/ada',
        requestId: `r${made}`,
        callerId: undefined,
        traceparent: undefined,
        status: 200,
        error: undefined,
        latencyMicros: 400,
        inputs: [],
        outputs: [],
        parameters: {},
        ...more,
      };
      await writer.append(record, ack);
      return record;
    },
    stop: async () => {
      await writer.close();
      await dais.stop();
      await engine.close();
      await blobs.close();
      await db.stop();
      await rm(folder, { recursive: true });
    },
  };
}
