/** Extracts labels from the results of a labeling tool. Pure. */

/** One entry of `result`: a control and its value. */
export type ResultEntry = Readonly<Record<string, unknown>>;

/** Maximum length of a label. */
const LABEL_LENGTH = 1000;
/** Maximum number of labels per annotation. */
const MOST_LABELS = 100;

/** The field of `value`, by control type, if it is not the name of the type. */
const FIELDS: Readonly<Record<string, string>> = {
  textarea: 'text',
  pairwise: 'selected',
  paragraphlabels: 'paragraphlabels',
};

/**
 * Returns the distinct values of one control, sorted: choices, ratings, numbers and texts unchanged; for regions and spans the
 * labels without positions. `control`: its `from_name`; default: the first control with values.
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

/** Joins the path of a taxonomy. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.length > 0) return value.map((part) => textOf(part) ?? '').join(' / ');
  return undefined;
}
