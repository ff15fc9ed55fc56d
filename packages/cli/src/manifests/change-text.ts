import type { Change, FieldChange } from '@dais/api';
import type { Style } from '#output/style.ts';
import { cutTo, printable } from '#output/width.ts';

export type Tense = 'did' | 'would';

const WORDS = {
  create: { sign: '+', did: 'created', would: 'would be created' },
  update: { sign: '~', did: 'updated', would: 'would be updated' },
  delete: { sign: '-', did: 'deleted', would: 'would be deleted' },
  unchanged: { sign: '=', did: 'unchanged', would: 'unchanged' },
} as const;

/** Longer values are truncated: `-o json` has them in full. */
const VALUE_COLUMNS = 60;

/** Changes of each resource, field by field, then a summary in one line. */
export function changesText(changes: readonly Change[], tense: Tense, style: Style): string {
  const lines = changes.flatMap((change) => [
    changeLine(change, tense, style),
    ...fieldLines(change, style),
    ...noteLines(change, style),
  ]);
  return [...lines, summaryLine(changes, tense), ''].join('\n');
}

function changeLine(change: Change, tense: Tense, style: Style): string {
  const word = WORDS[change.action];
  const paint = { create: style.ok, update: style.warn, delete: style.fail, unchanged: style.dim }[change.action];
  const project = change.project === undefined ? '' : ` in ${printable(change.project)}`;
  return `${paint(word.sign)} ${change.kind} ${style.bold(printable(change.name))}${project} ${paint(word[tense])}`;
}

/** The manifest shows a new resource in full; a deleted one has no fields. */
function fieldLines(change: Change, style: Style): string[] {
  if (change.action !== 'update') return [];
  return change.fields.map((field) => `    ${printable(field.path)}: ${fieldText(field, style)}`);
}

function noteLines({ notes = [] }: Change, style: Style): string[] {
  return notes.map((note) => `    ${style.warn('note')}: ${printable(note)}`);
}

function fieldText(field: FieldChange, style: Style): string {
  const before = 'before' in field ? style.fail(shown(field.before)) : undefined;
  const after = 'after' in field ? style.ok(shown(field.after)) : undefined;
  if (before === undefined) return `${after ?? ''} (added)`;
  return after === undefined ? `${before} (removed)` : `${before} → ${after}`;
}

function shown(value: unknown): string {
  return cutTo(printable(JSON.stringify(value) ?? 'nothing'), VALUE_COLUMNS);
}

/** `2 created, 1 updated, 40 unchanged` */
export function summaryLine(changes: readonly Change[], tense: Tense): string {
  const counts = Object.entries(WORDS).flatMap(([action, word]) => {
    const count = changes.filter((change) => change.action === action).length;
    return count === 0 ? [] : [`${count} ${action === 'unchanged' ? word.did : word[tense].replace('would be ', '')}`];
  });
  if (counts.length === 0) return 'No documents in the manifests.';
  if (tense === 'did') return `${counts.join(', ')}.`;
  return changes.some((change) => change.action !== 'unchanged')
    ? `Plan: ${counts.join(', ')}. No changes were made.`
    : 'No changes.';
}
