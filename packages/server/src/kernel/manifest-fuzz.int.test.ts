import { randomBytes, randomUUID } from 'node:crypto';
import {
  DaisError,
  kinds as kindSpecs,
  manifestSchema,
  resourceSchema,
  type Change,
  type KindSpec,
  type Resource,
} from '@dais/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { systemClock } from '#lib/clock.ts';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import { workshopSlice } from './testing/machine-controller.ts';
import { hostile, KNOWN, withHostileValue, valid } from './testing/schema-arbitrary.ts';
import { fleetKind, machineKind, partKind } from './testing/test-kinds.ts';
import { manifest, startTestKernel, testKinds, type TestKernel } from './testing/test-kernel.ts';

let test_: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  const outbound = await openOutbound({ allowHosts: [] }, '0');
  const keys = openEnvKeys(randomBytes(32).toString('base64'));
  const loaded = await loadKinds({ keys, outbound, clock: systemClock });
  const kinds = [...loaded.kinds, ...testKinds.filter((kind) => kind.tenant === undefined)];
  test_ = await startTestDatabase([...(await loadSlices(kinds)), workshopSlice]);
  dais = await startTestKernel(test_, { kinds, entries: loaded.entries, start: 'none' });
  await dais.apply([
    ...['Fleet', 'Part', 'Machine', 'Secret', 'Team', 'ServiceAccount'].map((kind) => manifest(kind, KNOWN)),
    manifest('User', KNOWN, { email: 'known@example.com' }),
    manifest('Pipeline', KNOWN, { steps: { one: { command: ['true'] } } }),
    ...['Dataset', 'Entity'].map((kind) => manifest(kind, KNOWN)),
    manifest('FeatureView', KNOWN, { source: { type: 'push' }, features: [{ name: 'a', type: 'int64' }] }),
    manifest('Part', 'a', { note: 'x' }),
  ]);
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

const specs: readonly KindSpec[] = [...kindSpecs, fleetKind, partKind, machineKind];
const noun = (kind: KindSpec) => kind.kind.charAt(0).toLowerCase() + kind.kind.slice(1);
const GIVEN = fc.readConfigureGlobal()?.numRuns ?? 100;
/** Each of all kinds and all operations: every day a few, in the long run as many as of any property. */
const RUNS = GIVEN > 100 ? GIVEN : 25;
const PATIENCE = { timeout: 60_000 + 500 * RUNS };

/** `ok`, or the code. An error other than one of the caller is an internal error, and is thrown. */
async function outcome(work: Promise<unknown>): Promise<{ readonly code: string; readonly result?: unknown }> {
  try {
    return { code: 'ok', result: await work };
  } catch (error) {
    if (error instanceof DaisError && error.status < 500) return { code: error.code };
    throw error;
  }
}

/** The text of a document that may hold what JSON has no word for. A list of what is to do, not a recursion: values are
    3,000 levels deep, and how many fit on the stack depends on what has been compiled by then. */
function yamlOf(whole: unknown): string {
  let text = '';
  const todo: { readonly value?: unknown; readonly text?: string }[] = [{ value: whole }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { value } = next;
    if (next.text !== undefined) text += next.text;
    else if (typeof value === 'bigint') text += String(value);
    else if (typeof value === 'number' && !Number.isFinite(value))
      text += Number.isNaN(value) ? '.nan' : value > 0 ? '.inf' : '-.inf';
    else if (typeof value !== 'object' || value === null) text += JSON.stringify(value) ?? 'null';
    else {
      const list = Array.isArray(value);
      const items = Object.entries(value).flatMap(([key, item], at) => [
        { text: `${at === 0 ? '' : ', '}${list ? '' : `${JSON.stringify(key)}: `}` },
        { value: item as unknown },
      ]);
      todo.push(...[{ text: list ? '[' : '{' }, ...items, { text: list ? ']' : '}' }].toReversed());
    }
  }
  return text;
}

/** YAML preserves integers that JSON rounds. */
function bigintAsNumber(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}

type Spec = Readonly<Record<string, unknown>>;

/**
 * Fields that random values never satisfy, by the field that names the kind: texts in their own languages, and parts
 * that reference each other. Other tests cover all of these.
 */
const SENSE: Readonly<Record<string, (spec: Spec) => object>> = {
  cedar: () => ({
    cedar: `@id("${randomUUID()}") forbid(principal, action == Dais::Action::"secret:delete", resource);`,
    tests: undefined,
  }),
  when: ({ when }) => ({
    when: {
      ...(when as Spec),
      ...((when as Spec)['type'] === 'cron' && { cron: '0 6 * * MON-FRI', zone: 'Asia/Tokyo' }),
    },
    endAt: undefined,
    parameters: undefined,
    version: undefined,
  }),
  steps: ({ steps, parameters = {} }) => ({
    steps: Object.fromEntries(Object.entries(steps as object).map(([name, step]) => [name, alone(step as Spec)])),
    parameters: Object.fromEntries(
      Object.entries(parameters as object).map(([name, one]) => [
        name,
        { ...(one as Spec), default: undefined, choices: undefined },
      ]),
    ),
    outputs: undefined,
  }),
  // An Endpoint: addresses of models, and shares, steps and numbers of instances that fit together.
  model: () => ({
    model: 'models:/known@champion',
    ...Object.fromEntries(
      ['variants', 'pins', 'shadow', 'sticky', 'rollout', 'scaling'].map((name) => [name, undefined]),
    ),
  }),
  // A list in a Dataset; a FeatureView has names by name there.
  columns: ({ columns }) => (Array.isArray(columns) ? datasetOf(columns as Spec[]) : {}),
  features: (spec) => (spec['source'] === undefined ? serviceOf(spec) : viewOf(spec)),
};

/** The same, whichever fields there are. */
const SENSE_OF_KIND: Readonly<Record<string, (spec: Spec) => object>> = {
  // Something to monitor, and checks, times and alerts for it.
  Monitor: () => ({
    dataset: KNOWN,
    checks: [{ type: 'drift' }, { type: 'quality', name: 'known' }],
    ...Object.fromEntries(
      ['endpoint', 'baseline', 'silence', 'onAlert', 'keepWindows'].map((name) => [name, undefined]),
    ),
  }),
  // Tests that expect one number of what they name.
  Model: ({ tests = [] }) => ({
    tests: firstOfEach(
      (tests as Spec[]).filter(({ check }) => check === 'value').map((one): Spec => ({ ...one, expected: 1 })),
      ({ name }) => name,
    ),
  }),
};

const firstOfEach = <Item>(items: readonly Item[], name: (item: Item) => unknown): Item[] => [
  ...new Map(items.toReversed().map((item) => [name(item), item])).values(),
];

/** A Dataset with a pinned schema names existing columns, each once. */
function datasetOf(columns: readonly Spec[]): object {
  const kept = firstOfEach(columns, ({ name }) => String(name).toLowerCase());
  const [{ name }] = kept as [Spec];
  return {
    columns: kept,
    keys: [name],
    label: name,
    eventTime: undefined,
    createdTime: undefined,
    sensitive: undefined,
    protected: undefined,
  };
}

/** A FeatureService whose views have different names, with all of their features. */
function serviceOf({ features }: Spec): object {
  const parts = (features as Spec[]).map(({ features: _features, ...part }): Spec => part);
  return { features: firstOfEach(parts, ({ as, view }) => as ?? view) };
}

/** A FeatureView with the fields that its source requires, and without fields that require others. */
function viewOf({ source, features, eventTime = 'at' }: Spec): object {
  const { type } = source as Spec;
  const named = firstOfEach(features as Spec[], ({ name }) => name).map((one): Spec =>
    Object.fromEntries(Object.entries(one).filter(([key]) => key !== 'expression')),
  );
  if (type === 'push') return { features: named, refresh: undefined };
  if (type !== 'onDemand') return { features: named, eventTime };
  const requested = { name: 'requested', type: named[0]?.['type'] };
  return {
    source: { type, request: [requested] },
    features: named.map((one) => ({ ...one, type: requested.type, expression: requested.name })),
    entities: undefined,
    eventTime: undefined,
    createdTime: undefined,
    refresh: undefined,
  };
}

/** A step without inputs and dependencies. */
function alone({ command = ['true'], ...step }: Spec): object {
  const { run: _run, python: _python, pipeline: _pipeline, needs: _needs, when: _when, ...others } = step;
  return { ...others, command, forEach: undefined, inputs: undefined };
}

function readable({ kind, spec }: { readonly kind?: string; readonly spec?: object }): object {
  if (spec === undefined) return {};
  const sense = Object.entries(SENSE).flatMap(([field, of]) => (Object.hasOwn(spec, field) ? [of(spec as Spec)] : []));
  return { spec: Object.assign({}, spec, ...sense, SENSE_OF_KIND[kind ?? '']?.(spec as Spec)) as object };
}

/** An accepted manifest must match the schema of its kind, and a second apply must change nothing. */
async function expectSound(kind: KindSpec, resource: Resource, authored: Record<string, unknown>): Promise<void> {
  const parsed = resourceSchema(kind).safeParse(resource);
  expect(parsed.error?.issues).toBeUndefined();
  const hidden = (kind.writeOnly ?? []).some((field) => Object.hasOwn(authored['spec'] as object, field));
  const [again] = await dais.plan(yamlOf(authored));
  expect(again?.action === 'unchanged' || hidden).toBe(true);
}

describe.each(specs.map((spec) => [spec.kind, spec] as const))('%s', (_name, kind) => {
  const right = fc.tuple(valid(manifestSchema(kind)), fc.nat(9)).map(([value, dice]) => {
    const { metadata, ...rest } = value as { metadata: object };
    // A missing project or version hides all other errors, so it is generated rarely.
    const hiding = dice === 0 ? {} : { project: undefined, resourceVersion: undefined };
    const made = { ...rest, ...readable(rest), metadata: { ...metadata, ...hiding } };
    return JSON.parse(JSON.stringify(made)) as Record<string, unknown>;
  });
  // Reasons that only the database, or a rule across fields, can know.
  const known = [
    'ok',
    'reference_not_found',
    'already_exists',
    'invalid_manifest',
    'project_mismatch',
    'precondition_failed',
    'not_found',
    // Generated projects can have any quota, and later kinds can be in one of them.
    'quota_exceeded',
  ];
  let kept = 0;
  let taken = 0;

  test('a manifest that its schema accepts is stored completely', PATIENCE, async () => {
    await fc.assert(
      fc.asyncProperty(right, async (value) => {
        const { code, result } = await outcome(dais.call(`${noun(kind)}.create`, { manifest: value }));
        expect(known).toContain(code);
        // Of a thousand, a quarter repeat an earlier name.
        if (code === 'already_exists') taken += 1;
        if (code !== 'ok') return;
        kept += 1;
        await expectSound(kind, result as Resource, value);
      }),
      { numRuns: RUNS },
    );
    // Were all of them refused, nothing would have been tried.
    expect(kept).toBeGreaterThan((RUNS - taken) / 5);
  });

  test('hostile values in any field are rejected or stored correctly, by every API', PATIENCE, async () => {
    await fc.assert(
      fc.asyncProperty(withHostileValue(right), async (value) => {
        const authored = value as Record<string, unknown>;
        const created = await outcome(dais.call(`${noun(kind)}.create`, { manifest: value }));
        if (created.code === 'ok') await expectSound(kind, created.result as Resource, authored);
        const text = yamlOf(value);
        const planned = await outcome(dais.plan(text));
        const applied = await outcome(dais.apply(text));
        expect(applied.code).toBe(planned.code);
        const [change] = (applied.result ?? []) as Change[];
        if (change === undefined) return;
        const context = change.project === undefined ? {} : { projects: [change.project] };
        const named = { name: change.name };
        const made = specs.find((spec) => spec.kind === change.kind)!;
        await expectSound(made, await dais.call(`${noun(made)}.get`, named, context), authored);
        const json = JSON.parse(JSON.stringify(value, bigintAsNumber)) as unknown;
        const updated = await outcome(dais.call(`${noun(made)}.update`, { ...named, manifest: json }, context));
        expect(['ok', 'precondition_failed']).toContain(updated.code);
      }),
      { numRuns: 3 * RUNS },
    );
  });
});

test('every operation responds to any input without an internal error', PATIENCE, async () => {
  const operations = dais.kernel.dispatcher.operations.filter((operation) => operation.mode !== 'watch');
  expect(operations.length).toBeGreaterThan(40);
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...operations),
      fc.infiniteStream(fc.boolean()),
      fc.gen(),
      async (operation, _flags, gen) => {
        const input = gen(() => fc.oneof(withHostileValue(valid(operation.input)), valid(operation.input), hostile));
        const name = gen(() => fc.constantFrom('default', 'a', '\0', '', '../x', 'x'.repeat(300)));
        await outcome(dais.call(operation.name, input, { projects: operation.scope === 'org' ? [] : [name] }));
      },
    ),
    // Values of a generator inside a property shrink for hours.
    { numRuns: 5 * RUNS, endOnFailure: true },
  );
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('so does every watch', PATIENCE, async () => {
  const watches = dais.kernel.dispatcher.operations.filter((operation) => operation.mode === 'watch');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...watches), fc.gen(), async (operation, gen) => {
      const input = gen(() => withHostileValue(valid(operation.input)));
      const stop = new AbortController();
      const open = async () => {
        const stream = await dais.watch(operation.name, input, { signal: stop.signal });
        const frames = stream[Symbol.asyncIterator]();
        // Without a loop that reads events nothing follows the first bookmark; events have none.
        const first =
          operation.name.startsWith('event') || operation.name.startsWith('organization')
            ? undefined
            : await frames.next();
        stop.abort();
        await frames.return?.();
        return first;
      };
      await outcome(open());
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
});
