import type { Resource } from '@dais/api';

/** Returns the value at a column's path: `spec.send.type`. Conditions have their own syntax. */
export function valueAt(resource: Resource, path: string): unknown {
  let value: unknown = resource;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  return value;
}

/** `Ready` for `status.conditions[Ready]`. */
export function conditionOfPath(path: string): string | undefined {
  return /^status\.conditions\[(\w+)\]$/.exec(path)?.[1];
}

/** As in the columns of `dais get`. */
export function valueText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}
