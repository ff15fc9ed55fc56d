import { DaisError, eventTypes, type EventType } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import type { LockedModel } from './model-rows.ts';

/** The tag changes of an update of a model or version. */
export interface TagChanges {
  readonly tags?: Readonly<Record<string, string>>;
  readonly removeTags?: readonly string[];
  /** For tags that are set on creation. */
  readonly initial?: true;
}

/** Most characters of a tag value in an event: the registry stores up to 100,000. */
const MAX_RETURNED = 1000;

/** Does not split a surrogate pair. */
function cut(text: string): string {
  const half = /[\ud800-\udbff]/.test(text.charAt(MAX_RETURNED - 1));
  return text.length <= MAX_RETURNED ? text : text.slice(0, half ? MAX_RETURNED - 1 : MAX_RETURNED);
}

/** Sets, then removes tags; at most two statements. */
export async function changeTags(
  tx: Transaction,
  model: LockedModel,
  version: number | undefined,
  { tags = {}, removeTags = [], initial }: TagChanges,
): Promise<void> {
  const keys = Object.keys(tags);
  const both = removeTags.find((key) => Object.hasOwn(tags, key));
  if (both !== undefined) {
    throw new DaisError('invalid_request', `The tag "${both}" cannot be both set and removed.`, {
      issues: [{ path: 'removeTags', message: `names "${both}", which \`tags\` sets`, expected: 'one of the two' }],
    });
  }
  if (keys.length > 0) await setTags(tx, model, version, tags, initial);
  if (removeTags.length > 0) await removeTagsOf(tx, model, version, removeTags);
}

async function setTags(
  tx: Transaction,
  model: LockedModel,
  version: number | undefined,
  tags: Readonly<Record<string, string>>,
  initial: true | undefined,
): Promise<void> {
  const keys = Object.keys(tags);
  const values = Object.values(tags);
  await (version === undefined
    ? tx.sql.query(
        `insert into registry.model_tag (model, project_id, key, value)
         select $1, $2, k, v from unnest($3::text[], $4::text[]) as t(k, v)
         on conflict (model, key) do update set value = excluded.value`,
        [model.id, tx.projectId, keys, values],
        'set_model_tags',
      )
    : tx.sql.query(
        `insert into registry.version_tag (model, version, project_id, key, value)
         select $1, $5, $2, k, v from unnest($3::text[], $4::text[]) as t(k, v)
         on conflict (model, version, key) do update set value = excluded.value`,
        [model.id, tx.projectId, keys, values, version],
        'set_version_tags',
      ));
  const type = version === undefined ? eventTypes.modelTagged : eventTypes.modelVersionTagged;
  for (const [at, key] of keys.entries()) {
    emitTag(tx, model, type, version, { key, value: cut(values[at] ?? ''), ...(initial && { initial }) });
  }
}

/** Returns tags for events. */
export function tagsForEvent(tags: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, cut(value)]));
}

async function removeTagsOf(
  tx: Transaction,
  model: LockedModel,
  version: number | undefined,
  keys: readonly string[],
): Promise<void> {
  const removed = await (version === undefined
    ? tx.sql.query<{ key: string }>(
        'delete from registry.model_tag where model = $1 and key = any($2::text[]) returning key',
        [model.id, keys],
        'remove_model_tags',
      )
    : tx.sql.query<{ key: string }>(
        'delete from registry.version_tag where model = $1 and version = $3 and key = any($2::text[]) returning key',
        [model.id, keys, version],
        'remove_version_tags',
      ));
  const type = version === undefined ? eventTypes.modelUntagged : eventTypes.modelVersionUntagged;
  for (const { key } of removed) emitTag(tx, model, type, version, { key });
}

function emitTag(
  tx: Transaction,
  model: LockedModel,
  type: EventType,
  version: number | undefined,
  data: Readonly<Record<string, string | true>>,
): void {
  emitAbout(tx, model, type, { ...(version !== undefined && { version }), ...data });
}

/** Emits an event about a model, in the project of the transaction. */
export function emitAbout(
  tx: Transaction,
  { uid, name }: Pick<LockedModel, 'uid' | 'name'>,
  type: EventType,
  data: Readonly<Record<string, unknown>>,
): void {
  tx.emit({ type, projectId: tx.projectId, subject: { kind: 'Model', name, uid }, data });
}
