/** The label in what a labelling tool wrote. Pure. */

/** One entry of `result`: a control, and what somebody did with it. */
export type ResultEntry = Readonly<Record<string, unknown>>;

/** Letters of a label that are kept. */
const LABEL_LENGTH = 1000;
/** Labels of one annotation that are kept. */
const MOST_LABELS = 100;

/** What stands under `value`, by the type of the control, where that is not the type's own name. */
const FIELDS: Readonly<Record<string, string>> = {
  textarea: 'text',
  pairwise: 'selected',
  paragraphlabels: 'paragraphlabels',
};

/**
 * The values of one control, sorted, each once: choices, ratings, numbers and texts as they are; of regions and spans which
 * labels there are, not where. `control`: its `from_name`; absent: the first that has values.
 */
export function labelIn(result: readonly ResultEntry[], control: string | undefined): readonly string[] {
  const of = control ?? result.find((entry) => valuesOf(entry).length > 0)?.['from_name'];
  const values = result.filter((entry) => entry['from_name'] === of).flatMap(valuesOf);
  return [...new Set(values)].toSorted().slice(0, MOST_LABELS);
}

function valuesOf(entry: ResultEntry): readonly string[] {
  const { type, value } = entry;
  if (typeof type !== 'string' || value === null || typeof value !== 'object') return [];
  const found = (value as Readonly<Record<string, unknown>>)[FIELDS[type] ?? type];
  const list = Array.isArray(found) ? (found as readonly unknown[]) : [found];
  return list.flatMap((one) => textOf(one) ?? []).map((text) => text.slice(0, LABEL_LENGTH));
}

/** A step of a taxonomy is a path of names. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.length > 0) return value.map((part) => textOf(part) ?? '').join(' / ');
  return undefined;
}
