import type { Column, Condition, Resource } from '@dais/api';
import type { Cell } from '#output/table.ts';
import type { Style } from '#output/style.ts';

/** The value at a column's path: `spec.description`, `status.conditions[Ready]`. */
export function columnCell(resource: Resource, column: Column): Cell {
  const condition = /^status\.conditions\[(\w+)\]$/.exec(column.path)?.[1];
  if (condition !== undefined) return conditionCell(resource, condition);
  let value: unknown = resource;
  for (const key of column.path.split('.')) value = (value as Record<string, unknown> | undefined)?.[key];
  return { text: valueText(value) };
}

/** `True`, `False Reason`, `Unknown Reason`; `Pending` until the platform has reconciled the current generation. */
function conditionCell(resource: Resource, type: string): Cell {
  const found = conditionsOf(resource).find((condition) => condition.type === type);
  if (found === undefined) return { text: '' };
  if (found.observedGeneration < resource.metadata.generation) return { text: 'Pending', paint: (style) => style.warn };
  const text = found.status === 'True' ? 'True' : `${found.status} ${found.reason}`;
  return { text, paint: paintOf(found.status) };
}

export function conditionsOf(resource: Resource): readonly Condition[] {
  return (resource.status as { conditions?: readonly Condition[] }).conditions ?? [];
}

export function paintOf(status: Condition['status']): (style: Style) => (text: string) => string {
  if (status === 'True') return (style) => style.ok;
  return status === 'False' ? (style) => style.fail : (style) => style.warn;
}

export function valueText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value)) return value.map(valueText).join(', ');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `team=vision,stage=dev` */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => (value === '' ? key : `${key}=${value}`))
    .join(',');
}
