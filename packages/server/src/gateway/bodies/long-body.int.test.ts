/**
 * Bodies that take long to parse: the gateway serves others meanwhile, and reports the same errors as for short ones.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { servingDoors } from '#compose/serving.ts';
import type { ServingProtocol } from '../serving-protocol.ts';
import {
  endpoint,
  model,
  snapshot,
  startWorld,
  type GatewayResponse,
  type GatewayWorld,
} from '../testing/gateway-world.ts';

const MIB = 1024 * 1024;
/** As many digits as Python writes. */
const NUMBER = '0.12345678901234567';

let world: GatewayWorld;
/** Bodies that are being parsed, and that were parsed. */
const seen = { reading: 0, read: 0 };

beforeAll(async () => {
  world = await startWorld({ doors: servingDoors().map(watched) });
  const variants = [['stable', 'sum', 10_000]] as const;
  await world.gateway.swap(snapshot(1, [model('sum')], [endpoint('sum', variants, { bodyBytes: 64 * MIB })]));
});
afterAll(async () => {
  await world.stop();
});

/** The adapter, counting bodies between their arrival and the end of parsing. */
function watched(protocol: ServingProtocol): ServingProtocol {
  return {
    ...protocol,
    match: (method, path) => {
      const match = protocol.match(method, path);
      if (match?.kind !== 'infer') return match;
      return {
        ...match,
        open: async (body, call) => {
          seen.reading++;
          try {
            return await match.open(body, call);
          } finally {
            seen.reading--;
            seen.read++;
          }
        },
      };
    },
  };
}

const rowsOf = (bytes: number) => Math.floor(bytes / (2 * (NUMBER.length + 1)));
const FORMS = {
  'open-inference': {
    path: '/v2/models/sum/infer',
    type: 'application/json',
    body: (rows: number, last = NUMBER) =>
      `{"inputs": [{"name": "x", "datatype": "FP32", "shape": [${rows}, 2], "data": [${`${NUMBER},`.repeat(2 * rows - 1)}${last}]}]}`,
    answers: ({ json }: GatewayResponse) => (json as { outputs: { data: number[] }[] }).outputs[0]?.data,
  },
  'MLflow, JSON': {
    path: '/endpoints/sum/invocations',
    type: 'application/json',
    body: (rows: number, last = NUMBER) =>
      `{"inputs": [${`[${NUMBER},${NUMBER}],`.repeat(rows - 1)}[${NUMBER},${last}]]}`,
    answers: ({ json }: GatewayResponse) => (json as { predictions: number[] }).predictions,
  },
  'MLflow, CSV': {
    path: '/endpoints/sum/invocations',
    type: 'text/csv',
    body: (rows: number, last = NUMBER) => `a,b\n${`${NUMBER},${NUMBER}\n`.repeat(rows - 1)}${NUMBER},${last}\n`,
    answers: ({ json }: GatewayResponse) => (json as { predictions: number[] }).predictions,
  },
  'KServe’s first': {
    path: '/v1/models/sum:predict',
    type: 'application/json',
    body: (rows: number, last = NUMBER) =>
      `{"instances": [${`[${NUMBER},${NUMBER}],`.repeat(rows - 1)}[${NUMBER},${last}]]}`,
    answers: ({ json }: GatewayResponse) => (json as { predictions: number[] }).predictions,
  },
};

test('health checks respond while 50 MB are parsed', async () => {
  const { path, type, body, answers } = FORMS['open-inference'];
  const rows = rowsOf(50 * MIB);
  const answer = world.ask(path, { body: body(rows), headers: { 'content-type': type } });
  await expect.poll(() => seen.reading, { interval: 1 }).toBe(1);
  let healthy = 0;
  while (seen.reading > 0) {
    expect((await world.ask('/v2/health/ready')).status).toBe(200);
    if (seen.reading > 0) healthy++;
  }
  // If parsing blocked the event loop, none of them would get a response before it ends.
  expect(healthy).toBeGreaterThan(2);
  expect(answers(await answer)).toHaveLength(rows);
});

test.each(Object.entries(FORMS))('%s: a large body gets the same response as a small one', async (_, form) => {
  const headers = { 'content-type': form.type };
  const before = seen.read;
  const short = await world.ask(form.path, { body: form.body(2), headers });
  const [one] = form.answers(short) ?? [];
  const rows = rowsOf(1.1 * MIB);
  const long = await world.ask(form.path, { body: form.body(rows), headers });
  expect(long.status).toBe(200);
  expect(new Set(form.answers(long))).toEqual(new Set([one]));
  expect(form.answers(long)).toHaveLength(rows);
  for (const last of ['"what"', '1]']) {
    const [few, many] = [
      await world.ask(form.path, { body: form.body(2, last), headers }),
      await world.ask(form.path, { body: form.body(rows, last), headers }),
    ];
    expect(few.status).toBe(400);
    const format = ({ bytes }: GatewayResponse) => bytes.toString().replaceAll(/\d+/g, 'N');
    expect([many.status, format(many)]).toEqual([few.status, format(few)]);
  }
  expect(seen.read - before).toBe(6);
});

test('a client that disconnects while its body is parsed affects no other', async () => {
  const { path, type, body } = FORMS['MLflow, JSON'];
  const gone = new AbortController();
  const request = world.ask(path, {
    body: body(rowsOf(4 * MIB)),
    headers: { 'content-type': type },
    signal: gone.signal,
  });
  await expect.poll(() => seen.reading, { interval: 1 }).toBe(1);
  gone.abort();
  await expect(request).rejects.toThrow(/abort/i);
  await expect.poll(() => seen.reading).toBe(0);
  expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
});

test('rejects data that is not Parquet', async () => {
  for (const body of ['', 'PAR1', 'PAR1 and then PAR1', Buffer.alloc(100_000, 255)]) {
    const answer = await world.ask('/endpoints/sum/invocations', {
      body,
      headers: { 'content-type': 'application/vnd.apache.parquet' },
    });
    expect(answer).toMatchObject({ status: 400, json: { message: expect.stringContaining('Parquet') } });
  }
});
