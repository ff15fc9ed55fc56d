/**
 * Repeats the recorded requests to a real MLflow server and compares the responses, except for intended differences.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDais, type StartedDais } from '#testing/start-dais.ts';
import {
  corpusGroups,
  differences,
  exchangesOf,
  filled,
  normalized,
  reconciled,
  valueAt,
  type Exchange,
} from '#protocols/mlflow/testing/corpus.ts';

let dais: StartedDais;
beforeAll(async () => {
  dais = await startDais();
});
afterAll(async () => await dais?.stop());

const known = differences();
const deliberate = new Map(known.flatMap(({ exchanges = {} }) => Object.entries(exchanges)));

describe.each(corpusGroups())('%s', (group) => {
  test('is answered as MLflow answers it', { timeout: 120_000 }, async () => {
    const base = await project(`corpus-${group}`);
    const kept = new Map<string, string>();
    const [answered, expected]: [unknown[], unknown[]] = [[], []];
    for (const exchange of exchangesOf(group)) {
      const { status, answer } = await ask(base, exchange, kept);
      for (const [name, location] of Object.entries(exchange.keep ?? {})) kept.set(name, valueAt(answer, location));
      const name = `${group}/${exchange.name}`;
      const want = deliberate.get(name) ?? exchange;
      const recorded = normalized(want.answer, new Map());
      answered.push({ name, status, answer: reconciled(normalized(answer, kept), recorded, known) });
      expected.push({ name, status: want.status, answer: recorded });
    }
    expect(answered).toEqual(expected);
  });
});

test('every difference is one, and of an exchange that there is', () => {
  const recorded = new Map(
    corpusGroups().flatMap((group) => exchangesOf(group).map((one) => [`${group}/${one.name}`, one])),
  );
  const none = new Map<string, string>();
  for (const [name, { status, answer }] of deliberate) {
    const { status: before, answer: theirs } = recorded.get(name) ?? { status: 0, answer: undefined };
    expect([name, before]).not.toEqual([name, 0]);
    expect([status, normalized(answer, none)]).not.toEqual([before, normalized(theirs, none)]);
  }
  expect(recorded.size).toBeGreaterThan(350);
});

/** Creates it and returns its base URL. */
async function project(name: string): Promise<string> {
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name }, spec: {} });
  const answer = await fetch(`${dais.url}/api/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sources: [{ file: `${name}.json`, text }] }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return `${dais.url}/p/${name}`;
}

async function ask(base: string, { request }: Exchange, kept: ReadonlyMap<string, string>) {
  const { method, path, query = [], body, raw, headers } = request;
  const parameters = new URLSearchParams(query.map(([name, value]): [string, string] => [name, filled(value, kept)]));
  const sent = raw ?? (body === undefined ? undefined : filled(JSON.stringify(body), kept));
  const response = await fetch(`${base}${filled(path, kept)}${query.length > 0 ? `?${parameters.toString()}` : ''}`, {
    method,
    headers: headers ?? (sent === undefined ? {} : { 'content-type': 'application/json' }),
    ...(sent !== undefined && { body: sent }),
  });
  const text = await response.text();
  return { status: response.status, answer: parsed(text) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
