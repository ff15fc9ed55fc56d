/**
 * Kills a whole Dais repeatedly during materialization, pushes, data checks and label publication. Acknowledged changes
 * exist exactly once at the end; incomplete states are never visible.
 */
import { createHash } from 'node:crypto';
import type { DatasetVersion, Ingest, LabelPublication, Materialization, OnlineFeatures } from '@dais/api/data';
import { expect } from 'vitest';
import { KillableDais, KILL_TIMEOUT, type LeftContent } from './killable-dais.ts';

interface FeatureKillReport {
  readonly kills: number;
  readonly problems: readonly string[];
  readonly left: LeftContent;
  readonly exitCode: number | string;
}

type Work = 'full' | 'incremental' | 'push' | 'good check' | 'bad check' | 'publish';

interface Size {
  readonly rounds: number;
  readonly entities: number;
  /** Kills of one piece of work. */
  readonly kills: number;
  /** Which pieces are killed; default: all of them. */
  readonly killed?: readonly Work[];
}

const MOMENT_MS = 1200;
const TASKS = 400;

export async function featureKillRounds(
  folder: string,
  { rounds, entities, kills, killed }: Size,
  random: () => number,
): Promise<FeatureKillReport> {
  const dais = await KillableDais.start(folder, random);
  const limits = (work: Work) => ({ most: (killed?.includes(work) ?? true) ? kills : 0, withinMs: MOMENT_MS });
  const world = { dais, entities, limits };
  await prepare(world);
  for (let round = 1; round <= rounds; round += 1) {
    await materialized(world, round, 'full');
    await materialized(world, round, 'incremental');
    await pushed(world, round);
    await checked(world, round);
    await published(world, round);
  }
  const exitCode = await dais.stop();
  return { kills: dais.kills, problems: dais.problems, left: await dais.leftContent(), exitCode };
}

interface World {
  readonly dais: KillableDais;
  readonly entities: number;
  readonly limits: (work: Work) => { readonly most: number; readonly withinMs: number };
}

async function prepare({ dais }: World): Promise<void> {
  const document = (kind: string, name: string, spec: object) =>
    JSON.stringify({ apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec });
  const view = (dataset: string) => ({
    entities: ['k'],
    source: { type: 'dataset', dataset },
    eventTime: 'at',
    features: [{ name: 'v', type: 'int64' }],
  });
  const documents = [
    document('Dataset', 'facts', {}),
    document('Dataset', 'grown', {}),
    document('Dataset', 'checked', { expectations: [{ type: 'range', columns: ['x'], min: 0, severity: 'block' }] }),
    document('Entity', 'k', { type: 'int64' }),
    document('FeatureView', 'counted', view('facts')),
    document('FeatureView', 'growing', view('grown')),
  ];
  await dais.call('POST', '/apply', { sources: [{ file: 'all.yaml', text: documents.join('\n---\n') }] });
  await newVersion(dais, 'grown', 'k,at,v\n0,2026-01-01T00:00:00Z,0\n');
}

async function newVersion(dais: KillableDais, dataset: string, csv: string): Promise<number> {
  const id = await pushRows(dais, dataset, csv);
  const ingest = async () => await dais.call<Ingest>('GET', `/data/datasets/${dataset}/ingests/${id}`);
  await expect.poll(async () => (await ingest()).state, KILL_TIMEOUT).toBe('succeeded');
  return (await ingest()).version ?? 0;
}

/** Values identify their version: an online row is completely from one version. */
async function materialized({ dais, entities, limits }: World, round: number, mode: 'full' | 'incremental') {
  const generation = round * 2 + (mode === 'full' ? 0 : 1);
  const lines = Array.from({ length: entities }, (_, k) => {
    const at = new Date(Date.UTC(2026, 0, generation)).toISOString();
    return `${k},${at},${generation * entities + k}`;
  });
  await newVersion(dais, 'facts', `k,at,v\n${lines.join('\n')}\n`);
  const { id } = await dais.call<Materialization>('POST', '/features/materialize', {
    view: 'counted',
    mode,
    end: new Date(Date.UTC(2026, 0, generation, 1)).toISOString(),
  });
  const get = async () => await dais.call<Materialization>('GET', `/features/materializations/${id}`);
  const sample = Array.from({ length: 200 }, (_, n) => Math.floor((n * entities) / 200));
  const values = async () => {
    const request = { features: ['counted:v'], entities: { k: sample } };
    return (await dais.call<OnlineFeatures>('POST', '/features/online', request)).features[0]?.values ?? [];
  };
  const verify = async () => {
    for (const [n, value] of (await values()).entries()) {
      const known =
        value === null || (Number(value) % entities === sample[n] && Number(value) < (generation + 1) * entities);
      if (!known) dais.problems.push(`entity ${sample[n]} has ${JSON.stringify(value)}`);
    }
  };
  const ended = async () => !['pending', 'running'].includes((await get()).state);
  await dais.killUntil(limits(mode), { ended, verify });
  const { state, entities: brought, error } = await get();
  const end = JSON.stringify([state, brought, error]);
  if (end !== JSON.stringify(['succeeded', entities, undefined])) dais.problems.push(`${mode} ${round} ended ${end}`);
  const expected = sample.map((k) => generation * entities + k);
  if (JSON.stringify((await values()).map(Number)) !== JSON.stringify(expected)) {
    dais.problems.push(`${mode} ${round} is not online`);
  }
}

/**
 * Rows that were acknowledged are in the dataset exactly once; rows without a response are there once or not at all.
 */
async function pushed({ dais, limits }: World, round: number): Promise<void> {
  const reported: number[] = [];
  const tried: number[] = [];
  const rows = async () => {
    const sql = 'select k, count(*) from grown group by k order by k';
    return (await dais.call<{ rows: number[][] }>('POST', '/data/query', { sql })).rows;
  };
  const verify = async () => {
    for (const [k, count] of await rows()) if (count !== 1) dais.problems.push(`${k} was pushed ${count} times`);
  };
  const { most, withinMs } = limits('push');
  for (let kill = 0; kill < Math.max(1, most); kill += 1) {
    const sending = (async () => {
      for (let n = 0; n < 40; n += 1) {
        const k = round * 10_000 + kill * 100 + n;
        tried.push(k);
        const one = { k: [k], at: ['2026-02-01T00:00:00Z'], v: [k] };
        await dais.call('POST', '/features/push', { view: 'growing', rows: one, to: 'both' });
        reported.push(k);
      }
    })().catch(() => {});
    await dais.kill(withinMs * 2);
    await sending;
    await verify();
  }
  const missing = async () => {
    const there = new Set((await rows()).map(([k]) => k));
    return reported.filter((k) => !there.has(k));
  };
  await expect.poll(missing, KILL_TIMEOUT).toEqual([]);
  await verify();
  const online = await dais.call<OnlineFeatures>('POST', '/features/online', {
    features: ['growing:v'],
    entities: { k: reported },
  });
  if (JSON.stringify(online.features[0]?.values.map(Number)) !== JSON.stringify(reported)) {
    dais.problems.push(`what was pushed in round ${round} is not online`);
  }
  const strange = (await rows()).filter(([k = 0]) => k >= round * 10_000 && !tried.includes(k));
  if (strange.length > 0) dais.problems.push(`${JSON.stringify(strange)} nobody pushed`);
}

/** One version that passes its expectation and one that violates it: `@latest` is never the latter. */
async function checked({ dais, limits }: World, round: number): Promise<void> {
  for (const good of [true, false]) {
    const first = good ? round : -round;
    const lines = Array.from({ length: 20_000 }, (_, n) => (n === 0 ? first : n));
    const number = await newVersion(dais, 'checked', `x\n${lines.join('\n')}\n`);
    const version = async () => await dais.call<DatasetVersion>('GET', `/data/datasets/checked/versions/${number}`);
    const verify = async () => {
      const { state } = await version();
      if (!good && state === 'ready') dais.problems.push(`version ${number} is ready although it is broken`);
      const latest = await dais
        .call<{ rows: number[][] }>('POST', '/data/query', { sql: 'select min(x) from checked' })
        .catch(() => undefined);
      if ((latest?.rows[0]?.[0] ?? 0) < 0) dais.problems.push(`@latest is a version that broke its expectation`);
    };
    const work = good ? 'good check' : 'bad check';
    await dais.killUntil(limits(work), { ended: async () => (await version()).state !== 'building', verify });
    const { state } = await version();
    if (state !== (good ? 'ready' : 'quarantined')) dais.problems.push(`version ${number} ended ${state}`);
  }
}

async function published({ dais, limits }: World, round: number): Promise<void> {
  const set = `labels-${round}`;
  await dais.call('POST', '/labels/sets', { name: set, dataset: 'grown' });
  const tasks = Array.from({ length: TASKS }, (_, id) => {
    const result = [
      { from_name: 'kind', to_name: 'text', type: 'choices', value: { choices: [id % 2 === 0 ? 'a' : 'b'] } },
    ];
    return {
      id: id + 1,
      data: { text: `t${id}` },
      annotations: [{ id: id + 1, completed_by: 1, result, was_cancelled: false }],
    };
  });
  await dais.call('POST', `/labels/sets/${set}/import`, { tasks });
  await dais.call('POST', `/labels/sets/${set}/accept-agreed`, { atLeast: 1 });
  const { id } = await dais.call<LabelPublication>('POST', `/labels/sets/${set}/publish`, {});
  const get = async () => await dais.call<LabelPublication>('GET', `/labels/sets/${set}/publications/${id}`);
  const verify = async () => {
    const { items } = await dais
      .call<{ items: DatasetVersion[] }>('GET', `/data/datasets/${set}/versions`)
      .catch(() => ({ items: [] }));
    const seen = items.map(({ number, rows }) => [number, rows]);
    if (seen.length > 0 && JSON.stringify(seen) !== JSON.stringify([[1, TASKS]])) {
      dais.problems.push(`versions of ${set}: ${JSON.stringify(seen)}`);
    }
  };
  await dais.killUntil(limits('publish'), { ended: async () => (await get()).state !== 'pending', verify });
  const { state, version } = await get();
  if (state !== 'succeeded' || version !== 1) dais.problems.push(`${set} ended ${state} with version ${version}`);
}

interface DataKillReport {
  readonly kills: number;
  readonly versions: number;
  readonly problems: readonly string[];
  readonly left: LeftContent;
  readonly exitCode: number | string;
}

const DATASET = '/data/datasets/killed';

export async function dataKillRounds(
  folder: string,
  { pushes, rows, kills }: { readonly pushes: number; readonly rows: number; readonly kills: number },
  random: () => number,
): Promise<DataKillReport> {
  const dais = await KillableDais.start(folder, random);
  const versions = async () => (await dais.call<{ items: DatasetVersion[] }>('GET', `${DATASET}/versions`)).items;
  /** Each version that is seen is whole: its rows are there and are all of one push. */
  const verify = async () => {
    for (const { number, rows: count, state } of await versions()) {
      const sql = `select count(*), count(distinct id), count(distinct push) from "killed@${number}"`;
      const result = await dais.call<{ rows: number[][] }>('POST', '/data/query', { sql });
      const seen = JSON.stringify([state, count, ...(result.rows[0] ?? [])]);
      if (seen !== JSON.stringify(['ready', rows, rows, rows, 1])) dais.problems.push(`version ${number} is ${seen}`);
    }
  };
  for (let push = 1; push <= pushes; push += 1) {
    const text = `id,push\n${Array.from({ length: rows }, (_, id) => `${id},${push}\n`).join('')}`;
    const id = await pushRows(dais, 'killed', text);
    const ingest = async () => await dais.call<Ingest>('GET', `${DATASET}/ingests/${id}`);
    const ended = async () => (await ingest()).endedAt !== undefined;
    await dais.killUntil({ most: kills, withinMs: 1500 }, { ended, verify });
    const made = await ingest();
    if (made.state !== 'succeeded' || made.version !== push) {
      dais.problems.push(`push ${push} ended with ${JSON.stringify(made)}`);
    }
  }
  const made = (await versions()).length;
  const exitCode = await dais.stop();
  return { kills: dais.kills, versions: made, problems: dais.problems, left: await dais.leftContent(), exitCode };
}

/** Sends one CSV file; returns the id of its ingestion. */
export async function pushRows(dais: KillableDais, dataset: string, csv: string): Promise<string> {
  const bytes = Buffer.from(csv);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const pushes = `/data/datasets/${dataset}/pushes`;
  const { id } = await dais.call<Ingest>('POST', pushes, { files: [{ name: 'a.csv', bytes: bytes.length, sha256 }] });
  await dais.call('PUT', `${pushes}/${id}/files?file=a.csv`, bytes);
  await dais.call('POST', `${pushes}/${id}/commit`, {});
  return id;
}
