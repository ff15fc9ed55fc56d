/**
 * A whole Dais is killed again and again while versions are made of pushed files: each push must end in one whole version,
 * whatever was killed when, and nothing half made may ever be seen.
 */
import { createHash } from 'node:crypto';
import type { DatasetVersion, Ingest } from '@dais/api/data';
import { KillableDais, type LeftContent } from './killable-dais.ts';

interface DataKillReport {
  readonly kills: number;
  readonly versions: number;
  readonly faults: readonly string[];
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
  const look = async () => {
    for (const { number, rows: count, state } of await versions()) {
      const sql = `select count(*), count(distinct id), count(distinct push) from "killed@${number}"`;
      const told = await dais.call<{ rows: number[][] }>('POST', '/data/query', { sql });
      const seen = JSON.stringify([state, count, ...(told.rows[0] ?? [])]);
      if (seen !== JSON.stringify(['ready', rows, rows, rows, 1])) dais.faults.push(`version ${number} is ${seen}`);
    }
  };
  for (let push = 1; push <= pushes; push += 1) {
    const text = `id,push\n${Array.from({ length: rows }, (_, id) => `${id},${push}\n`).join('')}`;
    const id = await pushRows(dais, 'killed', text);
    const ingest = async () => await dais.call<Ingest>('GET', `${DATASET}/ingests/${id}`);
    const ended = async () => (await ingest()).endedAt !== undefined;
    await dais.killUntil({ most: kills, withinMs: 1500 }, { ended, look });
    const made = await ingest();
    if (made.state !== 'done' || made.version !== push) {
      dais.faults.push(`push ${push} ended with ${JSON.stringify(made)}`);
    }
  }
  const made = (await versions()).length;
  const exitCode = await dais.stop();
  return { kills: dais.kills, versions: made, faults: dais.faults, left: await dais.leftContent(), exitCode };
}

/** Sends one file of CSV; gives the id of what reads it. */
export async function pushRows(dais: KillableDais, dataset: string, csv: string): Promise<string> {
  const bytes = Buffer.from(csv);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const pushes = `/data/datasets/${dataset}/pushes`;
  const { id } = await dais.call<Ingest>('POST', pushes, { files: [{ name: 'a.csv', bytes: bytes.length, sha256 }] });
  await dais.call('PUT', `${pushes}/${id}/files?file=a.csv`, bytes);
  await dais.call('POST', `${pushes}/${id}/commit`, {});
  return id;
}
