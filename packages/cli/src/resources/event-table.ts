import type { Event } from '@dais/api';
import { age } from '#output/age.ts';
import type { Cell } from '#output/table.ts';
import { valueText } from '#resources/column-values.ts';

export const eventHeads = ['age', 'type', 'about', 'by', 'details'] as const;

export function eventCells(event: Event, nowMs: number): readonly Cell[] {
  const { subject, actor } = event;
  return [
    { text: age(event.at, nowMs) },
    { text: event.type, ...(event.type.endsWith('failed') && { paint: (style) => style.fail }) },
    { text: subject === undefined ? '' : `${subject.kind} ${subject.name}` },
    { text: actor.type === 'system' ? 'dais' : actor.id },
    { text: details(event.data) },
  ];
}

/** Fields of the event in one line; `-o json` has a deleted resource in full. */
function details(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .filter(([key]) => key !== 'object')
    .map(
      ([key, value]) =>
        `${key}=${typeof value === 'object' && !Array.isArray(value) ? pairs(value) : valueText(value)}`,
    )
    .join(' ');
}

function pairs(value: object | null): string {
  return Object.entries(value ?? {})
    .map(([key, item]) => `${key}:${valueText(item)}`)
    .join(',');
}
