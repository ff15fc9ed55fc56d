import { DaisError, eventTypes, type EventType } from '@dais/api';
import {
  deleteDefinitionOperation,
  listDefinitionsOperation,
  MOST_DEFINITION_BYTES,
  putDefinitionOperation,
  readDefinitionOperation,
  type Definition,
} from '@dais/api/data';
import { applyDocuments } from '#kernel/apply.ts';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { Transaction } from '#kernel/transaction.ts';

export interface DefinitionDependencies {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns the kinds. A function, because they are composed after this ledger. */
  readonly kinds: () => KindRegistry;
}

export function definitionEntries({ now, kinds }: DefinitionDependencies): readonly OperationEntry[] {
  return [
    entry(putDefinitionOperation, async (tx, call) => await putDefinition(tx, call, kinds, now())),
    entry(readDefinitionOperation, readDefinition),
    entry(listDefinitionsOperation, listDefinitions),
    entry(deleteDefinitionOperation, deleteDefinition),
  ];
}

/** Limit of definitions of one format in a project. It also limits the effect of faulty programs. */
const MOST = 20_000;

interface DefinitionRow {
  readonly format: string;
  readonly type: string;
  readonly name: string;
  readonly body: Buffer;
  readonly refers_to: string[];
  readonly created_at: bigint;
  readonly updated_at: bigint;
}

interface Named {
  readonly format: string;
  readonly type: string;
  readonly name: string;
}

const COLUMNS = 'format, type, name, body, refers_to, created_at, updated_at';

/**
 * Stores a definition and applies its manifests in the same transaction. An equal body changes nothing.
 * @throws DaisError `too_large`, `quota_exceeded`, and errors of the manifests.
 */
async function putDefinition(
  tx: Transaction,
  call: CallOf<typeof putDefinitionOperation>,
  kinds: () => KindRegistry,
  now: number,
): Promise<Definition> {
  const { format, type, name, manifests, refersTo } = call.input;
  const body = Buffer.from(call.input.body, 'base64');
  if (body.length > MOST_DEFINITION_BYTES) {
    throw new DaisError(
      'too_large',
      `The definition has ${body.length} bytes, and the limit is ${MOST_DEFINITION_BYTES}.`,
    );
  }
  if (manifests.length > 0) {
    const text = manifests.map((manifest) => JSON.stringify(manifest)).join('\n---\n');
    const input = { sources: [{ file: `${type} ${name}`, text }], prune: false, takeOver: false };
    await applyDocuments(tx, kinds(), { ...call, input }, false);
    await tx.enter(call.tenant.id);
  }
  const [row] = await tx.sql.query<DefinitionRow & { readonly changed: boolean }>(
    `insert into definitions.definition as d (project_id, ${COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $7)
     on conflict (project_id, format, type, name) do update
       set body = excluded.body, refers_to = excluded.refers_to,
           updated_at = case when d.body = excluded.body then d.updated_at else excluded.updated_at end
     returning ${COLUMNS}, updated_at = $7 as changed`,
    [tx.projectId, format, type, name, body, refersTo, now],
    'put_definition',
  );
  if (row === undefined) throw new Error('the upsert returned no row');
  if (row.changed) {
    if (row.created_at === row.updated_at) await checkCount(tx, format);
    emitDefinitionEvent(tx, eventTypes.definitionWritten, row);
  }
  return present(row);
}

/** @throws DaisError `not_found`. */
async function readDefinition(tx: Transaction, { input }: CallOf<typeof readDefinitionOperation>): Promise<Definition> {
  const [row] = await tx.sql.query<DefinitionRow>(
    `select ${COLUMNS} from definitions.definition where project_id = $1 and format = $2 and type = $3 and name = $4`,
    [tx.projectId, input.format, input.type, input.name],
    'read_definition',
  );
  if (row === undefined)
    throw new DaisError('not_found', `There is no ${input.format} ${input.type} "${input.name}" in this project.`);
  return present(row);
}

/** Lists definitions by type and name. @throws DaisError `invalid_cursor`. */
async function listDefinitions(
  tx: Transaction,
  { input }: CallOf<typeof listDefinitionsOperation>,
): Promise<{ items: readonly Definition[]; nextCursor?: string }> {
  const { format, type, refersTo, limit } = input;
  const filter = [tx.projectId, format, type ?? null, refersTo ?? null];
  const [afterType, afterName] = positionOf(decodePageCursor(filter, input.cursor));
  const rows = await tx.sql.query<DefinitionRow>(
    `select ${COLUMNS} from definitions.definition
     where project_id = $1 and format = $2 and ($3::text is null or type = $3)
       and ($4::text is null or $4 = any(refers_to)) and (type, name) > ($5, $6)
     order by type, name limit $7`,
    [...filter, afterType, afterName, limit + 1],
    'list_definitions',
  );
  const { page, next } = cutPage(rows, limit, filter, (row) => JSON.stringify([row.type, row.name]));
  return { items: page.map(present), ...next };
}

/** @throws DaisError `not_found`. */
async function deleteDefinition(
  tx: Transaction,
  { input }: CallOf<typeof deleteDefinitionOperation>,
): Promise<Record<string, never>> {
  const { format, type, name } = input;
  const gone = await tx.sql.query<Named>(
    `delete from definitions.definition where project_id = $1 and format = $2 and type = $3 and name = $4
     returning format, type, name`,
    [tx.projectId, format, type, name],
    'delete_definition',
  );
  if (gone.length === 0) throw new DaisError('not_found', `There is no ${format} ${type} "${name}" in this project.`);
  emitDefinitionEvent(tx, eventTypes.definitionDeleted, input);
  return {};
}

/** Deletes the definitions of a deleted project. */
export async function removeProjectDefinitions(tx: Transaction, projectId: string): Promise<void> {
  await tx.sql.query('delete from definitions.definition where project_id = $1', [projectId], 'forget_definitions');
}

async function checkCount(tx: Transaction, format: string): Promise<void> {
  const [held] = await tx.sql.query<{ count: number }>(
    'select count(*)::int as count from definitions.definition where project_id = $1 and format = $2',
    [tx.projectId, format],
    'count_definitions',
  );
  if ((held?.count ?? 0) > MOST) {
    throw new DaisError(
      'quota_exceeded',
      `The project already has ${MOST} definitions of format ${format}, which is the limit. Delete some first.`,
    );
  }
}

function positionOf(position: string | undefined): readonly [type: string, name: string] {
  if (position === undefined) return ['', ''];
  try {
    const [type, name] = JSON.parse(position) as unknown[];
    if (typeof type === 'string' && typeof name === 'string') return [type, name];
  } catch {
    // Falls through: the cursor is invalid.
  }
  throw new DaisError('invalid_cursor', 'The cursor belongs to another list. Start again without a cursor.');
}

function emitDefinitionEvent(tx: Transaction, type: EventType, { format, type: of, name }: Named): void {
  tx.emit({ type, projectId: tx.projectId, data: { format, type: of, name } });
}

function present(row: DefinitionRow): Definition {
  return {
    format: row.format,
    type: row.type,
    name: row.name,
    body: row.body.toString('base64'),
    refersTo: row.refers_to,
    createdAt: new Date(Number(row.created_at)).toISOString(),
    updatedAt: new Date(Number(row.updated_at)).toISOString(),
  };
}
