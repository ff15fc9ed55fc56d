/** Placeholders such as `{{$.inputs.parameters['x']}}` in constants of a task: resolved at planning, or from its inputs. */
import type { Composed, Json } from '#ledgers/executions/index.ts';

const PLACEHOLDER = /\{\{\$\.([^{}]*)\}\}/g;
const PARAMETER = /^inputs\.parameters\[(?:'([^']*)'|"([^"]*)")\]$/;

/** Returns the input parameter of a placeholder. */
export function parameterIn(inner: string): string | undefined {
  const found = PARAMETER.exec(inner);
  return found === null ? undefined : (found[1] ?? found[2]);
}

/**
 * @param known values of placeholders that are constant in the run, by the text between `{{$.` and `}}`
 * @param inputs names of available inputs; placeholders of other inputs are unchanged
 */
export function composedOf(value: Json, known: ReadonlyMap<string, string>, inputs: ReadonlySet<string>): Composed {
  if (typeof value === 'string') return textOf(value, known, inputs);
  if (typeof value !== 'object' || value === null) return { value };
  if (Array.isArray(value)) {
    const list = (value as readonly Json[]).map((one) => composedOf(one, known, inputs));
    return list.every((one) => 'value' in one) ? { value: list.map(({ value: one }) => one) } : { list };
  }
  const members = Object.entries(value as Readonly<Record<string, Json>>).map(([key, one]): [string, Composed] => [
    plainText(key, known),
    composedOf(one, known, inputs),
  ]);
  return members.every(([, one]) => 'value' in one)
    ? { value: Object.fromEntries(members.map(([key, one]) => [key, 'value' in one ? one.value : null])) }
    : { members: Object.fromEntries(members) };
}

function textOf(text: string, known: ReadonlyMap<string, string>, inputs: ReadonlySet<string>): Composed {
  const parts: (string | { readonly input: string })[] = [];
  let from = 0;
  const push = (part: string) => {
    const last = parts.at(-1);
    if (typeof last === 'string') parts[parts.length - 1] = last + part;
    else if (part !== '') parts.push(part);
  };
  for (const found of text.matchAll(PLACEHOLDER)) {
    push(text.slice(from, found.index));
    const inner = found[1] ?? '';
    const input = parameterIn(inner);
    if (input !== undefined && inputs.has(input)) parts.push({ input });
    else push(known.get(inner) ?? found[0]);
    from = found.index + found[0].length;
  }
  push(text.slice(from));
  return parts.every((part) => typeof part === 'string') ? { value: parts.join('') } : { text: parts };
}

function plainText(text: string, known: ReadonlyMap<string, string>): string {
  return text.replaceAll(PLACEHOLDER, (whole, inner: string) => known.get(inner) ?? whole);
}
