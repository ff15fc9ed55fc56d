import type { FieldChange } from '#operations/platform.ts';
import { formatPath } from '#validation.ts';

/** Returns the differences of two values field by field; lists are compared by position. Equal values have none. */
export function diffFields(before: unknown, after: unknown, path: readonly PropertyKey[] = []): FieldChange[] {
  if (isRecord(before) && isRecord(after)) {
    const keys = [...Object.keys(after), ...Object.keys(before).filter((key) => !Object.hasOwn(after, key))];
    return keys.flatMap((key) =>
      diffFields(
        Object.hasOwn(before, key) ? before[key] : undefined,
        Object.hasOwn(after, key) ? after[key] : undefined,
        [...path, key],
      ),
    );
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    return Array.from({ length: Math.max(before.length, after.length) }, (_, index) => index).flatMap((index) =>
      diffFields(before[index], after[index], [...path, index]),
    );
  }
  if (Object.is(before, after) || (before === 0 && after === 0)) return [];
  return [
    {
      path: formatPath(path),
      ...(before !== undefined && { before }),
      ...(after !== undefined && { after }),
    },
  ];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
