/**
 * A whole Dais is killed again and again while versions are made of pushed files: each push must end in one whole version,
 * whatever was killed when, and nothing half made may ever be seen.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatasetVersion, Ingest } from '@dais/api/data';
import { expect } from 'vitest';
import { controlOf, freePort, isAlive, killTree, startDaisProcess, treeOf } from './dais-process.ts';

export interface DataKillReport {
  readonly kills: number;
  readonly versions: number;
  readonly faults: readonly string[];
  readonly exitCode: number | string;
}

const PATIENCE = { timeout: 300_000, interval: 100 };
const DATASET = '/api/v1/data/datasets/killed';

export async function dataKillRounds(
  folder: string,
  { pushes, rows, kills }: { readonly pushes: number; readonly rows: number; readonly kills: number },
  random: () => number,
): Promise<DataKillReport> {
  const faults: string[] = [];
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const launch = async () => {
    const dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys'), port });
    const at = await dais.ready;
    if (!at.endsWith(`:${port}`)) faults.push(`${at} instead of port ${port}`);
    return dais;
  };
  const call = async <Output>(method: string, path: string, body?: string | Buffer): Promise<Output> => {
    const type = typeof body === 'string' ? 'application/json' : 'application/octet-stream';
    const headers = body === undefined ? {} : { 'content-type': type };
    const response = await fetch(`${url}${path}`, { method, headers, ...(body !== undefined && { body }) });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Output;
  };
  const versions = async () => (await call<{ items: DatasetVersion[] }>('GET', `${DATASET}/versions`)).items;
  /** Each version that is seen is whole: its rows are there and are all of one push. */
  const look = async () => {
    const { items } = await call<{ items: { metadata: { name: string } }[] }>('GET', '/api/v1/datasets');
    if (items.length === 0) return;
    for (const { number, rows: count, state } of await versions()) {
      const sql = `select count(*), count(distinct id), count(distinct push) from "killed@${number}"`;
      const told = await call<{ rows: number[][] }>('POST', '/api/v1/data/query', JSON.stringify({ sql }));
      const seen = JSON.stringify([state, count, ...(told.rows[0] ?? [])]);
      if (seen !== JSON.stringify(['ready', rows, rows, rows, 1])) faults.push(`version ${number} is ${seen}`);
    }
  };
  let dais = await launch();
  let done = 0;
  for (let push = 1; push <= pushes; push += 1) {
    const bytes = Buffer.from(`id,push\n${Array.from({ length: rows }, (_, id) => `${id},${push}\n`).join('')}`);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const files = [{ name: 'a.csv', bytes: bytes.length, sha256 }];
    const { id } = await call<Ingest>('POST', `${DATASET}/pushes`, JSON.stringify({ files }));
    await call('PUT', `${DATASET}/pushes/${id}/files?file=a.csv`, bytes);
    await call('POST', `${DATASET}/pushes/${id}/commit`, '{}');
    const ingest = async () => await call<Ingest>('GET', `${DATASET}/ingests/${id}`);
    for (let round = 0; round < kills && (await ingest()).endedAt === undefined; round += 1) {
      await delay(random() * 1500);
      const control = random() < 0.3 ? controlOf(dais.process.pid!) : undefined;
      if (control !== undefined) process.kill(control, 'SIGKILL');
      await killTree(dais);
      done += 1;
      dais = await launch();
      await look();
    }
    await expect.poll(async () => (await ingest()).endedAt !== undefined, PATIENCE).toBe(true);
    const ended = await ingest();
    if (ended.state !== 'done' || ended.version !== push) faults.push(`push ${push} ended ${JSON.stringify(ended)}`);
  }
  await look();
  const made = (await versions()).length;
  const tree = treeOf(dais.process.pid!);
  dais.process.kill('SIGTERM');
  const exitCode = await dais.ended;
  await expect.poll(() => tree.filter(isAlive), PATIENCE).toEqual([]);
  return { kills: done, versions: made, faults, exitCode };
}
