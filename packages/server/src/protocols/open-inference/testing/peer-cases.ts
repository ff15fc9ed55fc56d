/** For tests: requests for the servers of KServe and MLServer and for Dais, with the same two models. */

export interface PeerCase {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  readonly body?: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The model that the test writes: a tree ensemble with 4 features. */
export const TREES = 'trees';
/** A classifier of scikit-learn: 4 features, a class. */
export const IRIS = 'iris';

const FLOWERS = [
  [5.1, 3.5, 1.4, 0.2],
  [6.7, 3.1, 5.6, 2.4],
  [5.9, 3, 4.2, 1.5],
];

interface Tensor {
  readonly name?: unknown;
  readonly datatype?: unknown;
  readonly shape?: unknown;
  readonly data?: unknown;
  readonly parameters?: unknown;
}

const tensor = (model: string, rows: readonly (readonly number[])[], more: Tensor = {}): Tensor => ({
  name: model === TREES ? 'x' : 'input',
  datatype: model === TREES ? 'FP32' : 'FP64',
  shape: [rows.length, 4],
  data: rows.flat(),
  ...more,
});
const request = (model: string, value: unknown): PeerCase => ({
  path: `/v2/models/${model}/infer`,
  body: JSON.stringify(value),
});
const infer = (model: string, rows: readonly (readonly number[])[], more: Tensor = {}, outer: object = {}) =>
  request(model, { inputs: [tensor(model, rows, more)], ...outer });
const get = (path: string): PeerCase => ({ method: 'GET', path });

function binary(model: string, rows: readonly (readonly number[])[], headerLength?: string): PeerCase {
  const bytes =
    model === TREES
      ? Buffer.from(Float32Array.from(rows.flat()).buffer)
      : Buffer.from(Float64Array.from(rows.flat()).buffer);
  const { data: _, ...described } = tensor(model, rows, { parameters: { binary_data_size: bytes.length } });
  const head = Buffer.from(JSON.stringify({ inputs: [described] }));
  return {
    path: `/v2/models/${model}/infer`,
    body: Buffer.concat([head, bytes]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': headerLength ?? String(head.length),
    },
  };
}

const perModel = Object.fromEntries(
  [TREES, IRIS].flatMap((model): [string, PeerCase][] => [
    [`${model}: one row`, infer(model, FLOWERS.slice(0, 1))],
    [`${model}: three rows`, infer(model, FLOWERS)],
    [`${model}: nested data`, infer(model, FLOWERS, { data: FLOWERS })],
    [`${model}: with an id`, infer(model, FLOWERS, {}, { id: 'mine' })],
    [`${model}: binary`, binary(model, FLOWERS)],
    [`${model}: fewer elements than the shape has`, infer(model, FLOWERS, { data: [1, 2, 3] })],
    [`${model}: more elements than the shape has`, infer(model, FLOWERS, { data: [...FLOWERS.flat(), 1] })],
    [`${model}: the wrong width`, infer(model, [[1, 2, 3]], { shape: [1, 3] })],
    [`${model}: texts for numbers`, infer(model, [], { shape: [1, 4], data: ['a', 'b', 'c', 'd'] })],
    [`${model}: null for a number`, infer(model, [], { shape: [1, 4], data: [1, null, 3, 4] })],
    [
      `${model}: NaN`,
      {
        path: `/v2/models/${model}/infer`,
        body: (infer(model, [[1, 2, 3, 4]]).body as string).replace('[1,2,3,4]', '[NaN,2,3,4]'),
      },
    ],
    [`${model}: a negative size`, infer(model, [[1, 2, 3, 4]], { shape: [-1, 4] })],
    [`${model}: an invalid datatype`, infer(model, [[1, 2, 3, 4]], { datatype: 'FLOAT' })],
    [`${model}: no datatype`, infer(model, [[1, 2, 3, 4]], { datatype: undefined })],
    [`${model}: no shape`, infer(model, [[1, 2, 3, 4]], { shape: undefined })],
    [`${model}: no data`, infer(model, [[1, 2, 3, 4]], { data: undefined })],
    [`${model}: no name`, infer(model, [[1, 2, 3, 4]], { name: undefined })],
    [`${model}: an unknown output`, infer(model, FLOWERS, {}, { outputs: [{ name: 'what' }] })],
    [`${model}: ready`, get(`/v2/models/${model}/ready`)],
    [`${model}: metadata`, get(`/v2/models/${model}`)],
  ]),
);

export const peerCases: Readonly<Record<string, PeerCase>> = {
  ...perModel,
  live: get('/v2/health/live'),
  ready: get('/v2/health/ready'),
  server: get('/v2'),
  'list of models': get('/v2/models'),
  'repository index': { path: '/v2/repository/index', body: '{}' },
  'trees: another input': infer(TREES, FLOWERS, { name: 'other' }),
  'trees: another datatype': infer(TREES, FLOWERS, { datatype: 'INT64', data: [1, 2, 3, 4], shape: [1, 4] }),
  'an unknown model': infer('nobody', FLOWERS),
  'metadata of an unknown model': get('/v2/models/nobody'),
  'ready of an unknown model': get('/v2/models/nobody/ready'),
  'an unknown version': { ...infer(TREES, FLOWERS), path: '/v2/models/trees/versions/99/infer' },
  'invalid JSON': { path: '/v2/models/trees/infer', body: '{"inputs": [' },
  'no body': { path: '/v2/models/trees/infer', body: '' },
  'a list': { path: '/v2/models/trees/infer', body: '[]' },
  'no inputs': request(TREES, {}),
  'inputs that are not a list': request(TREES, { inputs: 3 }),
  'nested deeply': { path: '/v2/models/trees/infer', body: `{"inputs": ${'['.repeat(500)}${']'.repeat(500)}}` },
  'a header length that is too long': binary(TREES, FLOWERS, '99999'),
  'an invalid header length': binary(TREES, FLOWERS, 'x'),
  'no content type': { ...infer(TREES, FLOWERS), headers: { 'content-type': '' } },
  'another method': { method: 'GET', path: '/v2/models/trees/infer' },
  'KServe V1 protocol': { path: '/v1/models/iris:predict', body: JSON.stringify({ instances: FLOWERS }) },
};
