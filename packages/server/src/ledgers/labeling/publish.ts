/** Publishes accepted labels as a dataset version. */
import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError, eventTypes, type Actor } from '@dais/api';
import type { DatasetVersion, LabelPublication, publishLabelsOperation } from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { marksOf, type SensitiveColumn } from '#ledgers/data/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { LabelsDependencies } from './labels-dependencies.ts';
import { requireSet, type LabelSetRow } from './set-rows.ts';
import { actorOf, emitAboutSet } from './sets.ts';
import { annotationsOf, listTaskRows, type AnnotationRow, type TaskRow } from './task-rows.ts';

const QUEUE = 'labels publish';
/** Tasks per read. */
const BATCH = 500;

/** Starts a publication. @throws DaisError `not_found`, `invalid_state` without accepted labels */
export async function publishLabels(
  tx: Transaction,
  call: CallOf<typeof publishLabelsOperation>,
  now: number,
): Promise<LabelPublication> {
  const { input, tenant } = call;
  const row = await requireSet(tx.sql, tenant.id, input.set);
  const [{ labels } = { labels: 0 }] = await tx.sql.query<{ labels: number }>(
    `select count(*)::int as labels from labeling.task where label_set = $1 and state = 'accepted'`,
    [row.id],
    'count_accepted',
  );
  if (labels === 0) {
    throw new DaisError(
      'invalid_state',
      `Label set ${row.name} has no accepted label yet. Review labels first (dais labels review).`,
    );
  }
  const dataset = input.dataset ?? row.name;
  // Permission to publish labels does not include writing to any dataset.
  await call.authorize({ kind: 'Dataset', name: dataset }, tenant, 'dataset:write');
  const id = uuidv7(now);
  await tx.sql.query(
    `insert into labeling.publication (id, label_set, project_id, dataset, message, labels, created_at, created_by)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [id, row.id, tenant.id, dataset, input.message, labels, now, JSON.stringify(actorOf(call))],
    'insert_publication',
  );
  tx.enqueue({ queue: QUEUE, projectId: tenant.id, payload: { publication: id }, uniqueKey: id, maxAttempts: 5 });
  return await readPublication(tx, row, id);
}

interface PublicationRow {
  readonly id: string;
  readonly dataset: string;
  readonly message: string;
  readonly state: LabelPublication['state'];
  readonly labels: number;
  readonly version: number | null;
  readonly error: string | null;
  readonly created_at: bigint;
  readonly created_by: Actor;
}

const COLUMNS = 'p.id, p.dataset, p.message, p.state, p.labels, p.version, p.error, p.created_at, p.created_by';

export async function readPublication(
  tx: Transaction,
  { id: set, name }: Pick<LabelSetRow, 'id' | 'name'>,
  id: string,
): Promise<LabelPublication> {
  const [row] = await tx.sql.query<PublicationRow>(
    `select ${COLUMNS} from labeling.publication p where p.label_set = $1 and p.id = $2`,
    [set, id],
    'read_publication',
  );
  if (row === undefined) throw new DaisError('not_found', `Label set ${name} has no publication ${id}.`);
  return {
    id: row.id,
    set: name,
    dataset: row.dataset,
    state: row.state,
    labels: row.labels,
    ...(row.version !== null && { version: row.version }),
    ...(row.error !== null && { error: row.error }),
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
  };
}

interface Started {
  readonly publication: PublicationRow;
  readonly set: LabelSetRow;
  readonly source: DatasetVersion | undefined;
  /** Returns the sensitive columns of the labeled dataset. */
  readonly sensitive: readonly SensitiveColumn[];
  /** Returns fields that the target dataset does not mask, and which must not be published. */
  readonly left: ReadonlySet<string>;
}

export function publishHandler(dependencies: LabelsDependencies): JobHandler {
  return {
    queue: QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 2000, capMs: 300_000 },
    run: async ({ payload, projectId }, io) => {
      const id = String(payload['publication']);
      const started = await io.read(async (tx) => await start(tx, id, dependencies));
      const { publication, set, source, sensitive, left } = started;
      if (publication.state === 'succeeded') return {};
      const folder = join(dependencies.folder, `labels-${randomUUID()}`);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      try {
        const path = join(folder, 'labels.ndjson');
        await pipeline(Readable.from(lines(io, set, left)), createWriteStream(path, { mode: 0o600 }), {
          signal: io.signal,
        });
        const version = await dependencies.makeVersion(
          {
            projectId,
            dataset: publication.dataset,
            spec: {
              description: `Accepted labels of ${set.name}`,
              label: 'label',
              ...(sensitive.length > 0 && { sensitive }),
            },
            path,
            versions: source === undefined ? [] : [source.id],
            message: publication.message === '' ? `Accepted labels of ${set.name}` : publication.message,
            by: publication.created_by,
          },
          io,
          async (tx, made) => await finish(tx, started, made),
        );
        return { version: version.number };
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    ended: async (tx, job, end) => {
      if (end.state !== 'failed' && end.state !== 'canceled') return;
      await tx.enter(job.projectId);
      await tx.sql.query(
        `update labeling.publication set state = 'failed', error = $2 where id = $1 and state = 'pending'`,
        [String(job.payload['publication']), (end.error ?? 'it was canceled').slice(0, 2000)],
        'fail_publication',
      );
    },
  };
}

async function start(tx: Transaction, id: string, dependencies: LabelsDependencies): Promise<Started> {
  const [row] = await tx.sql.query<PublicationRow & { readonly set_name: string }>(
    `select ${COLUMNS}, s.name as set_name from labeling.publication p join labeling.label_set s on s.id = p.label_set where p.id = $1`,
    [id],
    'start_publication',
  );
  if (row === undefined) throw new JobFailed('the label set was deleted');
  const set = await requireSet(tx.sql, tx.projectId, row.set_name);
  const source = set.version === null ? undefined : await dependencies.resolveVersion(tx, set.version);
  const masks = await dependencies.masks(tx, set.dataset_name);
  const existing = await readResource(tx.sql, tx.projectId, 'Dataset', row.dataset);
  const masked = new Set(
    existing === undefined ? [] : (await dependencies.masks(tx, row.dataset)).map(({ column }) => column),
  );
  return {
    publication: row,
    set,
    source,
    sensitive: marksOf(masks),
    left: new Set(
      existing === undefined ? [] : masks.map(({ column }) => column).filter((column) => !masked.has(column)),
    ),
  };
}

async function* lines(io: JobIo, set: LabelSetRow, left: ReadonlySet<string>): AsyncGenerator<string> {
  for (let after: bigint | undefined; ;) {
    io.signal.throwIfAborted();
    const position = after;
    const { tasks, annotations } = await io.read(async (tx) => {
      const found = await listTaskRows(tx.sql, set.id, { after: position, limit: BATCH, state: 'accepted' });
      const numbers = found.map(({ number }) => number);
      return { tasks: found, annotations: await annotationsOf(tx.sql, set.id, numbers) };
    });
    for (const task of tasks) {
      const row = tableRow(
        task,
        annotations.filter((one) => one.task === task.number),
        left,
      );
      if (row !== undefined) yield `${JSON.stringify(row)}\n`;
    }
    const last = tasks.at(-1);
    if (last === undefined) return;
    after = BigInt(last.number);
  }
}

async function finish(tx: Transaction, { publication, set }: Started, version: DatasetVersion): Promise<void> {
  const ended = await tx.sql.query(
    `update labeling.publication set state = 'succeeded', version = $2 where id = $1 and state = 'pending' returning id`,
    [publication.id, version.number],
    'end_publication',
  );
  if (ended.length === 0) return;
  const data = { set: set.name, dataset: publication.dataset, version: version.number, labels: version.rows };
  emitAboutSet(tx, set, eventTypes.labelsPublished, data);
}

/** Columns of the labels, in addition to those of `data`. */
const OWN = ['label', 'label_result', 'label_guideline', 'label_agreeing', 'label_at'] as const;

/**
 * Returns the fields of `data`, nested values as JSON text, and the label. A field with the name of a label column gets the prefix
 * `data_`. Annotators are not included. Undefined for a task without an accepted label.
 */
function tableRow(
  { body, number }: TaskRow,
  annotations: readonly AnnotationRow[],
  left: ReadonlySet<string>,
): Readonly<Record<string, unknown>> | undefined {
  const accepted = annotations.find(({ reviews }) => reviews.at(-1)?.decision === 'accepted');
  if (accepted === undefined) return undefined;
  const label = accepted.label.join(' + ');
  const data = Object.entries((body['data'] ?? {}) as Record<string, unknown>)
    .filter(([key]) => !left.has(key) && key !== '')
    .map(([key, value]) => [renamed(key), flat(value)] as const);
  return {
    label_task: number,
    ...Object.fromEntries(data),
    label,
    label_result: JSON.stringify(accepted.body['result'] ?? []),
    label_guideline: accepted.guideline,
    label_agreeing: annotations.filter((one) => !one.canceled && one.label.join(' + ') === label).length,
    label_at: accepted.labeled_at === null ? null : new Date(Number(accepted.labeled_at)).toISOString(),
  };
}

function renamed(key: string): string {
  return key === 'label_task' || OWN.some((own) => own === key) ? `data_${key}` : key;
}

function flat(value: unknown): unknown {
  return value !== null && typeof value === 'object' ? JSON.stringify(value) : value;
}
