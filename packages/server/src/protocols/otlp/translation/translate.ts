/** Adds MLflow's attributes to spans of other conventions, as MLflow's server does when it stores them. */
import { plainMap, simpleValue } from '@dais/api/access';
import type { ResourceSpans, Span } from '@dais/api/tracking';
import { decoded, isEmpty, lookUp, own, type Attributes, type Convention, type SpanEvent } from './convention.ts';
import { conventions } from './conventions.ts';
import { costOf } from './model-cost.ts';

export const NAMES = {
  type: 'mlflow.spanType',
  inputs: 'mlflow.spanInputs',
  outputs: 'mlflow.spanOutputs',
  usage: 'mlflow.chat.tokenUsage',
  cost: 'mlflow.llm.cost',
  format: 'mlflow.message.format',
  tools: 'mlflow.chat.tools',
  model: 'mlflow.llm.model',
  provider: 'mlflow.llm.provider',
} as const;

type Part = keyof typeof NAMES;

/**
 * Translates the spans of a resource. A root span also gets the name of the service, which readers of one trace do not
 * see otherwise.
 */
export function translateResource({ resource, spans }: ResourceSpans): ResourceSpans {
  const service = own(resource ?? {}, SERVICE);
  return {
    ...(resource !== undefined && { resource }),
    spans: spans.map((span) => {
      const attributes = translateSpan(span);
      const isNamed = service === undefined || span.parentId !== undefined || Object.hasOwn(attributes, SERVICE);
      return { ...span, attributes: isNamed ? attributes : { ...attributes, [SERVICE]: service } };
    }),
  };
}

const SERVICE = 'service.name';

/**
 * Returns the attributes of the span with those of MLflow, and with the cost of a call of a language model. Existing ones
 * of MLflow stay, except for an unknown type.
 */
export function translateSpan(span: Span): Record<string, unknown> {
  return withCost(translateAttributes(span), span.startNs);
}

/** MLflow's clients leave the cost to the server, too. */
function withCost(attributes: Record<string, unknown>, startNs: string): Record<string, unknown> {
  if (Object.hasOwn(attributes, NAMES.cost) || !Object.hasOwn(attributes, NAMES.usage)) return attributes;
  const read = (part: Part) => decoded(simpleValue(own(attributes, NAMES[part])));
  const [model, provider, usage] = [read('model'), read('provider'), read('usage')];
  if (typeof model !== 'string' || typeof usage !== 'object' || usage === null) return attributes;
  const cost = costOf({
    model,
    provider: typeof provider === 'string' ? provider : undefined,
    usage: usage as Attributes,
    at: new Date(Number(BigInt(startNs) / 1_000_000n)),
  });
  return cost === undefined ? attributes : { ...attributes, [NAMES.cost]: plainMap(cost) };
}

function translateAttributes({ attributes = {}, events = [] }: Span): Record<string, unknown> {
  if (
    events.length === 0 &&
    Object.keys(attributes).every((key) => key.startsWith('mlflow.') && key !== NAMES.inputs)
  ) {
    return attributes;
  }
  const simple = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, simpleValue(value)]));
  const added: Partial<Record<Part, unknown>> = {};
  const add = (part: Part, value: unknown) => {
    if (value !== undefined && !Object.hasOwn(attributes, NAMES[part])) added[part] = value;
  };
  const isForeign = Object.keys(simple).some((key) => !key.startsWith('mlflow.'));
  if (isForeign || events.length > 0) {
    const seen = events.map(({ name, attributes: inner = {} }) => ({
      name,
      attributes: simpleValue(inner) as Attributes,
    }));
    addContents(simple, seen, add);
    if (isUnknown(own(simple, NAMES.type))) {
      const type = firstOf((convention) => convention.type?.(simple));
      if (type !== undefined) added.type = type;
    }
  }
  add('model', modelOf(simple, added));
  if (Object.keys(added).length === 0) return attributes;
  return {
    ...attributes,
    ...Object.fromEntries(Object.entries(added).map(([part, value]) => [NAMES[part as Part], plainOf(value)])),
  };
}

function addContents(
  simple: Attributes,
  events: readonly SpanEvent[],
  add: (part: Part, value: unknown) => void,
): void {
  const text = (value: unknown) => {
    const plain = decoded(value);
    return typeof plain === 'string' && plain !== '' ? plain : undefined;
  };
  add('inputs', content((one) => one.inputs?.(simple)) ?? content((one) => one.inputsOfEvents?.(events, simple)));
  add('outputs', content((one) => one.outputs?.(simple)) ?? content((one) => one.outputsOfEvents?.(events, simple)));
  add(
    'usage',
    firstOf((one) => one.tokens?.(simple)),
  );
  add(
    'format',
    firstOf((one) => one.format?.(simple)),
  );
  add(
    'tools',
    content((one) => one.tools?.(simple)),
  );
  add(
    'model',
    firstOf((one) => text(one.model?.(simple))),
  );
  add(
    'provider',
    firstOf((one) => text(one.provider?.(simple))),
  );
}

function firstOf<Value>(read: (convention: Convention) => Value | undefined): Value | undefined {
  for (const convention of conventions) {
    const value = read(convention);
    if (value !== undefined) return value;
  }
  return undefined;
}

function content(read: (convention: Convention) => unknown): unknown {
  return decoded(
    firstOf((convention) => {
      const value = read(convention);
      return isEmpty(value) ? undefined : value;
    }),
  );
}

function isUnknown(type: unknown): boolean {
  return type === undefined || lookUp({ UNKNOWN: 'UNKNOWN' }, type) !== undefined;
}

/** Requests and responses of language models name the model. */
function modelOf(simple: Attributes, added: Partial<Record<Part, unknown>>): unknown {
  if (added.model !== undefined) return added.model;
  for (const part of ['inputs', 'outputs'] as const) {
    const value = decoded(added[part] ?? own(simple, NAMES[part]));
    const model = typeof value === 'object' && value !== null ? own(value as Attributes, 'model') : undefined;
    if (typeof model === 'string' && model !== '') return model;
  }
  return undefined;
}

/** Writes a value of JSON in the form of attributes. */
function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plainOf);
  return plainMap(Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plainOf(one)])));
}
