/** States of endpoints in words and colours, and calls for other places. */
import type { EndpointContract, EndpointVariant, Rollout } from '@dais/api/serving';
import type { State } from '#ui/state-badge.tsx';

interface Word {
  readonly state: State;
  readonly word: string;
}

export const VARIANT_STATES: Readonly<Record<EndpointVariant['state'], Word>> = {
  preparing: { state: 'waiting', word: 'preparing' },
  loading: { state: 'waiting', word: 'loading' },
  ready: { state: 'ok', word: 'ready' },
  idle: { state: 'off', word: 'idle' },
  failed: { state: 'failed', word: 'failed' },
};

export const ROLLOUT_STATES: Readonly<Record<Rollout['state'], Word>> = {
  running: { state: 'running', word: 'under way' },
  paused: { state: 'warning', word: 'paused' },
  promoted: { state: 'ok', word: 'promoted' },
  rolledBack: { state: 'failed', word: 'taken back' },
  aborted: { state: 'off', word: 'aborted' },
  superseded: { state: 'off', word: 'overtaken' },
};

export const VERDICTS: Readonly<Record<Rollout['steps'][number]['verdict'], Word>> = {
  waiting: { state: 'waiting', word: 'waiting' },
  good: { state: 'ok', word: 'good' },
  bad: { state: 'failed', word: 'bad' },
  forced: { state: 'off', word: 'said so' },
};

const SAMPLE: Readonly<Record<string, unknown>> = { BYTES: 'text', BOOL: true };

/** A body to begin with: the stored example, else one row of what the model takes. */
export function firstBody({ example, inputs }: Pick<EndpointContract, 'example' | 'inputs'>): string {
  if (example !== null && example !== undefined) return JSON.stringify(example, null, 2);
  const values = inputs.map(({ name, datatype, shape }) => [name, filled(shape, SAMPLE[datatype] ?? 0)] as const);
  return JSON.stringify({ inputs: Object.fromEntries(values) }, null, 2);
}

/** Open dimensions hold one; larger ones are left to whoever knows what belongs there. */
function filled(shape: readonly number[], value: unknown): unknown {
  const [size, ...rest] = shape;
  if (size === undefined) return value;
  const count = Math.min(size < 0 ? 1 : size, 1000);
  return Array.from({ length: count }, () => filled(rest, value));
}

export function curlCall(url: string, body: string): string {
  return `curl ${quoted(url)} -H 'content-type: application/json' -d ${quoted(compact(body))}`;
}

export function pythonCall(url: string, body: string): string {
  return `import json, urllib.request

body = json.dumps(json.loads(${JSON.stringify(compact(body))})).encode()
request = urllib.request.Request(${JSON.stringify(url)}, body, {"content-type": "application/json"})
print(json.load(urllib.request.urlopen(request)))
`;
}

function compact(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body));
  } catch {
    return body;
  }
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

export function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;
}
