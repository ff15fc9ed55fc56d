/** Operations on label schemas: questions for the reviewers of the traces of an experiment. */
import { DaisError } from '@dais/api';
import {
  createLabelSchemaOperation,
  deleteLabelSchemaOperation,
  listLabelSchemasOperation,
  readLabelSchemaOperation,
  updateLabelSchemaOperation,
  type LabelInput,
  type LabelSchema,
} from '@dais/api/tracking';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Bind } from '#lib/composed-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import {
  activeExperiment,
  experimentDeleted,
  publicId,
  requireExperiment,
  type ExperimentRow,
} from '../experiments/experiment-lookup.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { findRows, foreignCursor, rowCondition } from '../search/search-page.ts';

interface LabelSchemaRow {
  readonly id: string;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly name: string;
  readonly type: LabelSchema['type'];
  readonly instruction: string | null;
  readonly comments: boolean;
  readonly input: LabelInput;
  readonly created_at: bigint;
  readonly updated_at: bigint;
}

const COLUMNS = `r.id, r.experiment, e.is_default, r.name, r.type, r.instruction, r.comments, r.input, r.created_at,
  r.updated_at`;
const FROM = 'tracking.label_schema r join tracking.experiment e on e.id = r.experiment and e.deleted_at is null';

/** The question that every experiment has. It is not stored. */
const DEFAULT_NAME = 'Feedback';
const DEFAULT_ID = /^ls-default-(\d{1,18})$/;

export function labelSchemaEntries({ clock, random }: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(createLabelSchemaOperation, async (tx, { input }) => {
      requireFree(input.name);
      requireValid(input.input);
      const now = clock.now();
      const experiment = await activeExperiment(tx, input.experimentId, now);
      const id = input.id ?? `ls-${random(16).toString('hex')}`;
      if (DEFAULT_ID.test(id)) throw isDefault('changed');
      const rows = await tx.sql.query(
        `insert into tracking.label_schema
           (project_id, id, experiment, name, type, instruction, comments, input, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $9) on conflict do nothing returning 1`,
        [
          tx.projectId,
          id,
          experiment.id,
          input.name,
          input.type,
          input.instruction ?? null,
          input.comments,
          JSON.stringify(input.input),
          now,
        ],
        'insert_label_schema',
      );
      if (rows.length === 0) throw taken(input.name, input.experimentId);
      return present(await requireRow(tx, id));
    }),
    entry(readLabelSchemaOperation, async (tx, { input: { id } }) => {
      const number = DEFAULT_ID.exec(id)?.[1];
      if (number === undefined) return present(await requireRow(tx, id));
      const experiment = await requireExperiment(tx, number);
      if (experiment.deleted_at !== null) throw noSchema(id);
      return defaultOf(experiment);
    }),
    entry(listLabelSchemasOperation, async (tx, call) => await listSchemas(tx, call)),
    entry(updateLabelSchemaOperation, async (tx, { input }) => await updateSchema(tx, input, clock.now())),
    entry(deleteLabelSchemaOperation, async (tx, { input: { id } }) => {
      if (DEFAULT_ID.test(id)) throw isDefault('deleted');
      await tx.sql.query(
        'delete from tracking.label_schema where project_id = $1 and id = $2',
        [tx.projectId, id],
        'delete_label_schema',
      );
      return {};
    }),
  ];
}

async function requireRow({ sql, projectId }: Transaction, id: string, lock: '' | 'for update of r' = '') {
  const [row] = await sql.query<LabelSchemaRow>(
    `select ${COLUMNS} from ${FROM} where r.project_id = $1 and r.id = $2 ${lock}`,
    [projectId, id],
    lock === '' ? 'label_schema' : 'locked_label_schema',
  );
  if (row === undefined) throw noSchema(id);
  return row;
}

async function updateSchema(
  tx: Transaction,
  input: CallOf<typeof updateLabelSchemaOperation>['input'],
  now: number,
): Promise<LabelSchema> {
  const { id, name, input: answer } = input;
  if (DEFAULT_ID.test(id)) throw isDefault('changed');
  if (name !== undefined) requireFree(name);
  if (answer !== undefined) requireValid(answer);
  const before = await requireRow(tx, id, 'for update of r');
  if (answer !== undefined) requireSameKind(before.input, answer);
  if (name !== undefined && name !== before.name) {
    const rows = await tx.sql.query(
      'select 1 from tracking.label_schema where experiment = $1 and name = $2',
      [before.experiment, name],
      'label_schema_named',
    );
    if (rows.length > 0) throw taken(name, publicId({ id: before.experiment, is_default: before.is_default }));
  }
  await tx.sql.query(
    `update tracking.label_schema set name = coalesce($2, name), instruction = coalesce($3, instruction),
       comments = coalesce($4, comments), input = coalesce($5::jsonb, input), updated_at = greatest(updated_at, $6)
     where id = $1 and project_id = $7`,
    [
      id,
      name ?? null,
      input.instruction ?? null,
      input.comments ?? null,
      answer === undefined ? null : JSON.stringify(answer),
      now,
      tx.projectId,
    ],
    'update_label_schema',
  );
  return present(await requireRow(tx, id));
}

const KEYS: readonly SortKey[] = [
  { sql: 'r.created_at', type: 'bigint', ascending: false },
  { sql: 'r.id', type: 'text', ascending: true },
];

async function listSchemas(tx: Transaction, { input, rows }: CallOf<typeof listLabelSchemasOperation>) {
  const { experimentId, name, limit, cursor } = input;
  const binding = ['label schemas', tx.projectId, experimentId, name];
  const position = decodePageCursor(binding, cursor);
  const experiment = await requireExperiment(tx, experimentId);
  if (experiment.deleted_at !== null) throw experimentDeleted(experimentId);
  const query = {
    columns: COLUMNS,
    keys: KEYS,
    of: (bind: Bind) => ({
      from: FROM,
      where: [
        `r.experiment = ${bind(experiment.id)}::int8`,
        name !== undefined && `r.name = ${bind(name)}::text`,
        rowCondition(rows, bind),
      ],
    }),
  };
  const found = await findRows<LabelSchemaRow>(tx, query, position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  const isLast = next.nextCursor === undefined && (name === undefined || name === DEFAULT_NAME);
  return { items: [...page.map(present), ...(isLast ? [defaultOf(experiment)] : [])], ...next };
}

function defaultOf(experiment: ExperimentRow): LabelSchema {
  const experimentId = publicId(experiment);
  return {
    id: `ls-default-${experimentId}`,
    experimentId,
    name: DEFAULT_NAME,
    type: 'FEEDBACK',
    instruction: 'Share any feedback on this trace.',
    comments: false,
    input: { kind: 'text' },
    isDefault: true,
    createdAt: Number(experiment.created_at),
    updatedAt: Number(experiment.created_at),
  };
}

function requireFree(name: string): void {
  if (name.trim().toLowerCase() !== DEFAULT_NAME.toLowerCase()) return;
  throw new DaisError(
    'invalid_request',
    `The name "${name}" is reserved for the default question. Choose another name.`,
  );
}

/** Rules across the fields of an input. */
function requireValid(input: LabelInput): void {
  if (input.kind === 'passFail' && input.positive === input.negative) {
    throw new DaisError('invalid_request', `Both answers have the label "${input.positive}". Use different labels.`);
  }
  if (input.kind === 'categorical' && new Set(input.options).size < input.options.length) {
    throw new DaisError('invalid_request', 'An option is listed twice. Remove the duplicate.');
  }
  if (input.kind === 'numeric' && input.min !== undefined && input.max !== undefined && input.min >= input.max) {
    throw new DaisError(
      'invalid_request',
      `The lowest value ${input.min} is not below the highest value ${input.max}.`,
    );
  }
}

/** Existing labels would lose their meaning. */
function requireSameKind(before: LabelInput, after: LabelInput): void {
  const isMultiple = (input: LabelInput) => input.kind === 'categorical' && input.multiple;
  if (before.kind === after.kind && isMultiple(before) === isMultiple(after)) return;
  throw new DaisError(
    'invalid_request',
    `The answers have the kind ${before.kind}${isMultiple(before) ? ' with several options' : ''}, which cannot change. Create another label schema.`,
  );
}

function taken(name: string, experimentId: string): DaisError {
  return new DaisError(
    'already_exists',
    `Experiment ${experimentId} has a label schema "${name}", or its id is taken. Choose another name.`,
  );
}

function isDefault(what: 'changed' | 'deleted'): DaisError {
  return new DaisError('invalid_request', `The default question of an experiment cannot be ${what}.`);
}

function noSchema(id: string): DaisError {
  return new DaisError('not_found', `Label schema "${id}" does not exist.`);
}

function present(row: LabelSchemaRow): LabelSchema {
  return {
    id: row.id,
    experimentId: publicId({ id: row.experiment, is_default: row.is_default }),
    name: row.name,
    type: row.type,
    ...(row.instruction !== null && { instruction: row.instruction }),
    comments: row.comments,
    input: row.input,
    isDefault: false,
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}
