import { DaisError, matchesSelector, parseSelector, type Resource } from '@dais/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import { manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { freshProject, type TestProject } from './testing/test-project.ts';
import { listAndWatch, type TestWatcher } from './testing/test-watcher.ts';

/**
 * Compares the kernel with an in-memory model: random commands run on both, and after each both must agree. fast-check
 * prints seed and path of a failure; set them in the parameters below to reproduce it, and keep the case as an example.
 */
let test_: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_, { start: 'controller' });
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

interface Spec {
  readonly size?: number;
  readonly home?: string;
  readonly uses?: readonly string[];
}
interface Revision {
  readonly spec: Spec;
  readonly labels: Readonly<Record<string, string>>;
}
interface Part extends Revision {
  readonly owner: string | undefined;
  /** Oldest first; the last is the present one. */
  readonly revisions: readonly Revision[];
}
type PartMap = ReadonlyMap<string, Part>;
interface Wish extends Revision {
  readonly name: string;
}

interface Real {
  readonly p: TestProject;
  readonly watcher: TestWatcher;
}

/** The model of the project, and the effect of each operation: the next state, or a code. Pure. */
class Model {
  parts: PartMap = new Map();

  create(wish: Wish): PartMap | string {
    return this.parts.has(wish.name) ? 'already_exists' : settled(this.parts, [wish]);
  }

  update(wish: Wish): PartMap | string {
    return this.parts.has(wish.name) ? settled(this.parts, [wish]) : 'not_found';
  }

  rollback(name: string, generation: number | undefined): PartMap | string {
    const part = this.parts.get(name);
    if (part === undefined) return 'not_found';
    const revision = part.revisions[(generation ?? part.revisions.length - 1) - 1];
    return revision === undefined ? 'nothing_to_roll_back' : settled(this.parts, [{ name, ...revision }]);
  }

  remove(name: string): PartMap | string {
    return this.parts.has(name) ? without(this.parts, [name]) : 'not_found';
  }

  apply(wishes: readonly Wish[], owner: string | undefined, prune: boolean): PartMap | string {
    const after = settled(this.parts, wishes, owner);
    if (typeof after === 'string' || !prune) return after;
    const kept = new Set(wishes.map((wish) => wish.name));
    return without(
      after,
      [...after].filter(([name, part]) => part.owner === owner && !kept.has(name)).map(([name]) => name),
    );
  }
}

/** Writes what differs, then checks what it refers to. */
function settled(parts: PartMap, wishes: readonly Wish[], owner?: string): PartMap | string {
  const after = new Map(parts);
  const changed: string[] = [];
  for (const { name, spec, labels } of wishes) {
    const before = parts.get(name);
    if (before !== undefined && before.spec.home !== spec.home) return 'immutable_field';
    const same =
      before !== undefined && JSON.stringify([before.spec, before.labels]) === JSON.stringify([spec, labels]);
    if (!same) changed.push(name);
    const revisions = same ? before.revisions : [...(before?.revisions ?? []), { spec, labels }];
    after.set(name, { spec, labels, revisions, owner: owner ?? before?.owner });
  }
  const dangling = changed.some((name) => after.get(name)!.spec.uses?.some((target) => !after.has(target)));
  return dangling ? 'reference_not_found' : after;
}

function without(parts: PartMap, names: readonly string[]): PartMap | string {
  const held = [...parts].some(
    ([name, { spec }]) => !names.includes(name) && spec.uses?.some((target) => names.includes(target)),
  );
  return held ? 'still_referenced' : new Map([...parts].filter(([name]) => !names.includes(name)));
}

/** Does the same to both. */
async function both(model: Model, next: PartMap | string, work: Promise<unknown>): Promise<void> {
  const code = await work.then(
    () => 'ok',
    (error: unknown) => {
      if (error instanceof DaisError) return error.code;
      throw error;
    },
  );
  expect(code).toBe(typeof next === 'string' ? next : 'ok');
  if (typeof next !== 'string') model.parts = next;
}

async function expectListed({ parts }: Model, p: TestProject, labels: string): Promise<void> {
  const selector = parseSelector(labels);
  const expected = [...parts].filter(([, part]) => matchesSelector(part.labels, selector)).map(([one]) => one);
  expect(await p.names({ labels })).toEqual(expected.toSorted());
}

async function expectHistory({ parts }: Model, p: TestProject, name: string): Promise<void> {
  const part = parts.get(name);
  if (part === undefined) return;
  const { items } = await p.history(name);
  expect(items.map(({ spec, labels }) => ({ spec, labels }))).toEqual(part.revisions.toReversed());
}

async function expectReported(model: Model, watcher: TestWatcher): Promise<void> {
  const listReported = () => stateOf(watcher.known.values());
  await expect.poll(listReported, { timeout: 60_000, interval: 5 }).toEqual(modeled(model));
  expect(watcher.problems).toEqual([]);
}

type Command = fc.AsyncCommand<Model, Real>;

const command = (text: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => text,
});

const name = fc.constantFrom('a', 'b', 'c', 'd');
const labels = fc.constantFrom<Record<string, string>>({}, { team: 'x' }, { team: 'y' }, { team: 'x', stage: 'dev' });
// Fields in one order, so that the model may compare text.
const spec = fc
  .record({
    size: fc.constantFrom(undefined, 1, 2),
    home: fc.constantFrom(undefined, undefined, 'north'),
    uses: fc.option(fc.subarray(['a', 'b', 'c', 'd'], { maxLength: 2 }), { nil: undefined }),
  })
  .map((fields) => JSON.parse(JSON.stringify(fields)) as Spec);
const wish = fc.record({ name, spec, labels });
const document = (one: Wish) => manifest('Part', one.name, one.spec, { labels: one.labels });

const commands: fc.Arbitrary<Command>[] = [
  wish.map((one) =>
    command(`create ${JSON.stringify(one)}`, (model, { p }) =>
      both(model, model.create(one), p.create(one.name, one.spec, { labels: one.labels })),
    ),
  ),
  wish.map((one) =>
    command(`update ${JSON.stringify(one)}`, (model, { p }) =>
      both(model, model.update(one), p.update(one.name, one.spec, { labels: one.labels })),
    ),
  ),
  name.map((one) => command(`delete ${one}`, (model, { p }) => both(model, model.remove(one), p.remove(one)))),
  fc
    .tuple(name, fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }))
    .map(([one, generation]) =>
      command(`rollback ${one} ${generation}`, (model, { p }) =>
        both(
          model,
          model.rollback(one, generation),
          p.call('rollback', { name: one, ...(generation !== undefined && { generation }) }),
        ),
      ),
    ),
  fc
    .tuple(
      fc.uniqueArray(wish, { selector: (one) => one.name }),
      fc.constantFrom('one', 'two', undefined),
      fc.boolean(),
    )
    .map(([wishes, owner, prune]) =>
      command(`apply ${JSON.stringify({ wishes, owner, prune })}`, (model, { p }) => {
        const pruning = prune && owner !== undefined;
        const options = { ...(owner !== undefined && { owner }), prune: pruning };
        return both(model, model.apply(wishes, owner, pruning), p.apply(wishes.map(document), options));
      }),
    ),
  fc
    .constantFrom('', 'team=x', 'team!=x', 'stage', '!team', 'team=x,stage=dev')
    .map((labels) => command(`list ${labels}`, (model, { p }) => expectListed(model, p, labels))),
  name.map((one) => command(`history ${one}`, (model, { p }) => expectHistory(model, p, one))),
  fc.constant(command('watch', (model, { watcher }) => expectReported(model, watcher))),
];

/** The state of a resource that both represent. */
const stateOf = (resources: Iterable<Resource>) =>
  Object.fromEntries(
    [...resources].map(({ metadata, spec }) => [
      metadata.name,
      { spec, labels: metadata.labels, owner: metadata.owner, generation: metadata.generation },
    ]),
  );
const modeled = ({ parts }: Model) =>
  Object.fromEntries(
    [...parts].map(([one, { spec, labels, owner, revisions }]) => [
      one,
      { spec, labels, owner, generation: revisions.length },
    ]),
  );

test('random commands do the same to the kernel as to a model of it', { timeout: 600_000 }, async () => {
  const runs = fc.readConfigureGlobal()?.numRuns ?? 100;
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 25 }), async (sequence) => {
      const p = await freshProject(dais);
      const watcher = await listAndWatch(dais, 'part', {}, p.context);
      const model = new Model();
      await fc.asyncModelRun(() => ({ model, real: { p, watcher } }), sequence);
      expect(stateOf((await p.list()).items)).toEqual(modeled(model));
      await watcher.stop();
    }),
    { numRuns: Math.ceil(runs / 2) },
  );
});
