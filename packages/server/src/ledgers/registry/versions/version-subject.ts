/** Model versions as subjects of comments: by the internal number of the model, which does not change on renaming. */
import type { Transaction } from '#kernel/transaction.ts';
import type { CommentLocation, CommentSubject } from '#ledgers/comments/index.ts';
import { modelNotFound, versionNotFound } from '../model-rows.ts';

export const versionKey = (model: bigint, version: number) => `model-version/${model}.${version}`;

/** Locks the version against deletion while a comment is written. @throws DaisError `not_found`. */
export async function versionSubject(
  { sql, projectId, writable }: Transaction,
  name: string,
  version: number,
): Promise<CommentSubject> {
  const [model] = await sql.query<{ id: bigint; uid: string }>(
    'select id, uid from registry.model where project_id = $1 and name = $2',
    [projectId, name],
    'model_of_subject',
  );
  if (model === undefined) throw modelNotFound(name);
  const found = await sql.query(
    `select 1 from registry.version where model = $1 and version = $2 ${writable ? 'for key share' : ''}`,
    [model.id, version],
    writable ? 'hold_version' : 'see_version',
  );
  if (found.length === 0) throw versionNotFound(name, version);
  return {
    key: versionKey(model.id, version),
    subject: { kind: 'Model', name, uid: model.uid },
    data: { version },
  };
}

/** Returns the versions with comments that are among `keys`. */
export async function commentedVersions(
  { sql, projectId }: Transaction,
  keys: readonly string[],
): Promise<ReadonlyMap<string, CommentLocation>> {
  const parts = keys.flatMap((key) => {
    const [, model, version] = /^model-version\/(\d{1,18})\.(\d{1,9})$/.exec(key) ?? [];
    return model === undefined ? [] : [{ model: BigInt(model), version: Number(version) }];
  });
  if (parts.length === 0) return new Map();
  const rows = await sql.query<{ id: bigint; name: string }>(
    'select id, name from registry.model where project_id = $1 and id = any($2::bigint[])',
    [projectId, [...new Set(parts.map(({ model }) => model))]],
    'commented_models',
  );
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  return new Map(
    parts.flatMap(({ model, version }): [string, CommentLocation][] => {
      const name = names.get(model);
      if (name === undefined) return [];
      return [[versionKey(model, version), { kind: 'Model', name, version, title: `${name}/${version}` }]];
    }),
  );
}
