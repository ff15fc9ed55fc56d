/** The permissions of a principal as table rows, one for each kind. Pure functions. */
import { kinds } from '@dais/api';
import type { OwnAccess } from '@dais/api/access';

export type AccessItem = OwnAccess['items'][number];

export interface AccessRow {
  readonly kind: string;
  /** Actions of most kinds, each with its own column. */
  readonly read: AccessItem | undefined;
  readonly write: AccessItem | undefined;
  readonly delete: AccessItem | undefined;
  /** All other actions. */
  readonly further: readonly AccessItem[];
}

export interface AccessGroup {
  readonly scope: 'project' | 'org' | 'other';
  readonly rows: readonly AccessRow[];
}

/** Kinds of the project, kinds of the organization, then other nouns; in the order of the kinds. */
export function accessGroups(items: readonly AccessItem[]): readonly AccessGroup[] {
  const words = [...kinds.map(({ kind }) => kind), ...items.map(({ kind }) => kind)];
  const rows = [...new Set(words)].flatMap((kind) => {
    const own = items.filter((item) => item.kind === kind);
    return own.length === 0 ? [] : [rowOf(kind, own)];
  });
  const scopeOf = ({ kind }: AccessRow) => kinds.find((one) => one.kind === kind)?.scope ?? 'other';
  return (['project', 'org', 'other'] as const).flatMap((scope) => {
    const own = rows.filter((row) => scopeOf(row) === scope);
    return own.length === 0 ? [] : [{ scope, rows: own }];
  });
}

function rowOf(kind: string, items: readonly AccessItem[]): AccessRow {
  const common = (verb: string) => items.find((item) => verbOf(item.action) === verb);
  const [read, write, remove] = ['read', 'write', 'delete'].map(common);
  const further = items.filter((item) => item !== read && item !== write && item !== remove);
  return { kind, read, write, delete: remove, further };
}

/** `read` of `secret:read`. */
export function verbOf(action: string): string {
  return action.slice(action.indexOf(':') + 1);
}

/** Ids of all sources of permissions: roles, and policies that permit. */
export function grantsOf(items: readonly AccessItem[]): readonly string[] {
  const ids = items.flatMap(({ reasons }) => reasons.filter(({ effect }) => effect === 'permit').map(({ id }) => id));
  return [...new Set(ids)];
}
