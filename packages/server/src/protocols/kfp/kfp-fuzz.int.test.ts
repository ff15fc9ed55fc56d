import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startKfpWorld, type KfpWorld } from './testing/kfp-fixture.ts';
import { smallPipeline, WRITES } from './testing/small-pipeline.ts';
import { BASE, routes } from './route-table.ts';
import type { Field, Message } from './wire/message.ts';

const RUNS = Math.ceil((fc.readConfigureGlobal()?.numRuns ?? 100) / 2);

let world: KfpWorld;
beforeAll(async () => {
  world = await startKfpWorld();
  await world.post('/pipelines/create', {
    pipeline: { display_name: 'there' },
    pipeline_version: { pipeline_spec: smallPipeline(WRITES) },
  });
});
afterAll(async () => await world?.stop());

const odd = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    'there',
    'team.5',
    '\0',
    '\ud800',
    'x'.repeat(5000),
    'NaN',
    '2026-01-01T00:00:00Z',
    '%',
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
);

/** Generates valid and invalid values of a field. */
function valueOf(field: Field): fc.Arbitrary<unknown> {
  const right: Record<string, fc.Arbitrary<unknown>> = {
    string: odd,
    int32: fc.oneof(fc.integer(), fc.constantFrom('12', '1e3')),
    int64: fc.oneof(fc.maxSafeInteger(), fc.constantFrom('12', '99999999999999999999')),
    bool: fc.boolean(),
    time: fc.constantFrom(
      '2026-01-01T00:00:00Z',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
      '2026-13-01T00:00:00Z',
    ),
    struct: fc.dictionary(odd, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 3 }),
    texts: fc.dictionary(odd, odd, { maxKeys: 3 }),
    enum: fc.constantFrom(...Object.keys(field.numbers ?? { x: 1 }), 0, 7, 'OTHER'),
    message: field.message === undefined ? fc.constant({}) : messageOf(field.message),
  };
  return fc.oneof(
    { weight: 6, arbitrary: right[field.kind] ?? fc.jsonValue() },
    { weight: 1, arbitrary: fc.jsonValue() },
  );
}

function messageOf(message: Message): fc.Arbitrary<Record<string, unknown>> {
  const fields = Object.fromEntries(Object.entries(message).map(([name, field]) => [name, valueOf(field)]));
  return fc.record(fields, { requiredKeys: [] });
}

const path = (pattern: string, words: readonly string[]) => {
  let at = 0;
  return pattern.replaceAll(/\{\w+\}/g, () => encodeURIComponent(words[at++] ?? 'x'));
};

test.each(routes)('$method $path answers any input with a client error', async (route) => {
  const inQuery = route.method === 'GET' || route.method === 'DELETE';
  const words = fc.array(
    odd.filter((word) => word.isWellFormed() && word !== '' && word.length < 500),
    { minLength: 2, maxLength: 2 },
  );
  await fc.assert(
    fc.asyncProperty(messageOf(route.request), words, async (message, names) => {
      const address = `${BASE}${path(route.path, names)}`;
      const query = new URLSearchParams(
        Object.fromEntries(
          Object.entries(message).map(([name, value]) => [
            name,
            typeof value === 'string' ? value : JSON.stringify(value),
          ]),
        ),
      );
      const { status, json } = await (inQuery
        ? world.send(route.method, `${address}?${query.toString().slice(0, 8000)}`)
        : world.send(route.method, address, message));
      // 501: what this server does not do on purpose.
      expect(
        status < 500 || status === 501,
        `${route.method} ${address} ${JSON.stringify(message)}: ${JSON.stringify(json)}`,
      ).toBe(true);
      expect(status < 400 || (Number.isInteger(json?.code) && typeof json?.message === 'string')).toBe(true);
    }),
    { numRuns: RUNS },
  );
});

test('no uploaded file causes a server error', async () => {
  const spec = JSON.stringify(smallPipeline(WRITES));
  const cut = fc.nat({ max: spec.length }).map((at) => spec.slice(0, at));
  const broken = fc
    .tuple(fc.nat({ max: spec.length }), odd)
    .map(([at, text]) => spec.slice(0, at) + text + spec.slice(at));
  const bytes = fc.uint8Array({ maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(fc.oneof(cut, broken, bytes), odd, async (content, name) => {
      const file = { name: 'p.yaml', bytes: typeof content === 'string' ? content : new Uint8Array(content) };
      const query = new URLSearchParams({ name });
      const { status, json } = await world.upload(`/pipelines/upload?${query.toString()}`, file);
      expect([status < 500, json]).toEqual([true, json]);
    }),
    { numRuns: RUNS },
  );
});
