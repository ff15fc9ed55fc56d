/** Stored tasks and annotations, and their presentation. */
import type { Actor } from '@dais/api';
import type { Annotation, LabelTask, Review } from '@dais/api/data';
import type { Sql } from '#engines/database/contract.ts';
import { withoutHidden } from './label-studio.ts';

export interface TaskRow {
  readonly number: number;
  readonly external: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly predictions: readonly unknown[];
  readonly state: LabelTask['state'];
}

export interface AnnotationRow {
  readonly id: string;
  readonly version: number;
  readonly task: number;
  readonly external: string;
  readonly replaced: boolean;
  readonly annotator: string;
  readonly guideline: number;
  readonly label: readonly string[];
  readonly canceled: boolean;
  readonly ground_truth: boolean;
  readonly seconds: number | null;
  readonly labeled_at: bigint | null;
  readonly imported_at: bigint;
  readonly imported_by: Actor;
  readonly body: Readonly<Record<string, unknown>>;
  readonly reviews: readonly Review[];
}

const ANNOTATION = `a.id, a.version, a.task, a.external, a.replaced, a.annotator, a.guideline, a.label, a.canceled, a.ground_truth,
  a.seconds, a.labeled_at, a.imported_at, a.imported_by, a.body,
  (select coalesce(json_agg(json_build_object('decision', r.decision, 'by', r.by, 'at', r.at, 'reason', r.reason) order by r.seq), '[]')
   from labeling.review r where r.annotation = a.id and r.version = a.version) as reviews`;

export function presentAnnotation(row: AnnotationRow): Annotation {
  return {
    id: row.id,
    task: row.task,
    external: row.external,
    version: row.version,
    replaced: row.replaced,
    annotator: row.annotator,
    guideline: row.guideline,
    label: [...row.label],
    canceled: row.canceled,
    groundTruth: row.ground_truth,
    ...(row.seconds !== null && { seconds: row.seconds }),
    ...(row.labeled_at !== null && { labeledAt: Number(row.labeled_at) }),
    importedAt: Number(row.imported_at),
    importedBy: row.imported_by,
    reviews: [...row.reviews],
  };
}

export function presentTask(
  row: TaskRow,
  annotations: readonly AnnotationRow[],
  hidden: ReadonlySet<string>,
): LabelTask {
  return {
    number: row.number,
    external: row.external,
    state: row.state,
    data: withoutHidden(row.body['data'], hidden),
    annotations: annotations.filter(({ task }) => task === row.number).map(presentAnnotation),
  };
}

export interface TaskPage {
  readonly after: bigint | undefined;
  readonly limit: number;
  readonly state?: string | undefined;
  readonly disagreed?: boolean;
  readonly numbers?: readonly number[];
}

/** Lists tasks by number after `after`. */
export async function listTaskRows(sql: Sql, set: bigint, page: TaskPage): Promise<readonly TaskRow[]> {
  const { after, limit, state, disagreed, numbers } = page;
  return await sql.query<TaskRow>(
    `select number, external, body, predictions, state from labeling.task
     where label_set = $1 and ($2::bigint is null or number > $2) and ($4::text is null or state = $4)
       and ($5::boolean is null or disagreed = $5) and ($6::int[] is null or number = any($6))
     order by number limit $3`,
    [set, after ?? null, limit, state ?? null, disagreed ?? null, numbers ?? null],
    'list_label_tasks',
  );
}

/** Lists current annotations by task, oldest first. */
export async function annotationsOf(
  sql: Sql,
  set: bigint,
  tasks: readonly number[],
): Promise<readonly AnnotationRow[]> {
  return await sql.query<AnnotationRow>(
    `select ${ANNOTATION} from labeling.annotation a where a.label_set = $1 and a.task = any($2::int[]) and not a.replaced
     order by a.task, a.position, a.imported_at, a.id`,
    [set, tasks],
    'annotations_of_tasks',
  );
}

/** Lists annotations before `before`, newest first. */
export async function versionsOf(
  sql: Sql,
  set: bigint,
  id: string,
  { before, limit }: { readonly before: bigint | undefined; readonly limit: number },
): Promise<readonly AnnotationRow[]> {
  return await sql.query<AnnotationRow>(
    `select ${ANNOTATION} from labeling.annotation a where a.label_set = $1 and a.id = $2 and ($3::bigint is null or a.version < $3)
     order by a.version desc limit $4`,
    [set, id, before ?? null, limit],
    'versions_of_annotation',
  );
}
