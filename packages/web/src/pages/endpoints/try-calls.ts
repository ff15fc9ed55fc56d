/** An initial request body, and the same request for other clients. Pure functions. */
import type { EndpointContract } from '@dais/api/serving';

const SAMPLE: Readonly<Record<string, unknown>> = { BYTES: 'text', BOOL: true };

/** Returns an initial body: the stored example, or else one row that fits the signature. */
export function firstBody({ example, inputs }: Pick<EndpointContract, 'example' | 'inputs'>): string {
  if (example !== null && example !== undefined) return JSON.stringify(example, null, 2);
  const values = inputs.map(({ name, datatype, shape }) => [name, filled(shape, SAMPLE[datatype] ?? 0)] as const);
  return JSON.stringify({ inputs: Object.fromEntries(values) }, null, 2);
}

/** Open dimensions have size one; users who know the model can enlarge them. */
function filled(shape: readonly number[], value: unknown): unknown {
  const [size, ...rest] = shape;
  if (size === undefined) return value;
  const count = Math.min(size < 0 ? 1 : size, 1000);
  return Array.from({ length: count }, () => filled(rest, value));
}

export interface EndpointCall {
  readonly url: string;
  readonly body: string;
  /** The endpoint requires a token, which is in the caller's environment. */
  readonly accounts: boolean;
}

export function curlCall({ url, body, accounts }: EndpointCall): string {
  const token = accounts ? ' -H "authorization: Bearer $DAIS_TOKEN"' : '';
  return `curl ${quoted(url)}${token} -H 'content-type: application/json' -d ${quoted(compact(body))}`;
}

export function pythonCall({ url, body, accounts }: EndpointCall): string {
  const headers = accounts
    ? '{"content-type": "application/json", "authorization": "Bearer " + os.environ["DAIS_TOKEN"]}'
    : '{"content-type": "application/json"}';
  return `import json, ${accounts ? 'os, ' : ''}urllib.request

body = json.dumps(json.loads(${JSON.stringify(compact(body))})).encode()
request = urllib.request.Request(${JSON.stringify(url)}, body, ${headers})
print(json.load(urllib.request.urlopen(request)))
`;
}

export function typeScriptCall({ url, body, accounts }: EndpointCall): string {
  const token = accounts ? ", authorization: `Bearer ${process.env['DAIS_TOKEN']}`" : '';
  return `const response = await fetch(${JSON.stringify(url)}, {
  method: 'POST',
  headers: { 'content-type': 'application/json'${token} },
  body: JSON.stringify(${compact(body)}),
});
if (!response.ok) throw new Error(await response.text());
console.log(await response.json());
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
