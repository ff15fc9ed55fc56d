import type { Resource } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestDatabase } from '#engines/database/testing.ts';
import {
  codeOf,
  manifest,
  seededRandom,
  startKernelDatabase,
  startTestKernel,
  type TestKernel,
} from './testing/test-kernel.ts';
import { freshProject, type Page } from './testing/test-project.ts';
import { listAndWatch, seqOf, watchFrom, type TestWatcher } from './testing/test-watcher.ts';

let test_: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_);
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

const SOON = { timeout: 60_000, interval: 10 };
const versions = (resources: Iterable<Resource>) =>
  Object.fromEntries([...resources].map((one) => [one.metadata.name, one.metadata.resourceVersion]));

/** Waits until all written events are sequenced, and returns the position after them. */
async function presentPosition(): Promise<string> {
  await expect.poll(async () => (await dais.kernel.health()).unsequenced, SOON).toBe(0);
  return (await dais.call<Page<Resource>>('part.list', { limit: 1 })).resourceVersion;
}

describe('one watcher', () => {
  test('receives every change, in order, with the current resource', async () => {
    const p = await freshProject(dais);
    const watcher = await listAndWatch(dais, 'part', {}, p.context);
    await expect.poll(() => watcher.caughtUp, SOON).toBe(true);
    await p.create('a', { size: 1 });
    await expect.poll(() => watcher.lines, SOON).toEqual(['added a']);
    await p.update('a', { size: 2 });
    await expect.poll(() => watcher.lines, SOON).toEqual(['added a', 'modified a']);
    const last = await p.get('a');
    expect(watcher.known.get('a')).toEqual(last);
    await p.remove('a');
    await expect.poll(() => watcher.lines, SOON).toEqual(['added a', 'modified a', 'deleted a']);
    expect(watcher.frames.at(-1)?.object).toEqual(last);
    expect(watcher.problems).toEqual([]);
    await watcher.stop();
  });

  test('without a position starts at the present', async () => {
    const p = await freshProject(dais);
    await p.create('before');
    await presentPosition();
    const watcher = watchFrom(dais, 'part', {}, p.context);
    await expect.poll(() => watcher.caughtUp, SOON).toBe(true);
    await p.create('after');
    await expect.poll(() => watcher.lines, SOON).toEqual(['added after']);
    await watcher.stop();
  });

  test('receives no events of other projects and kinds', async () => {
    const [one, two] = [await freshProject(dais), await freshProject(dais)];
    const watcher = await listAndWatch(dais, 'part', {}, one.context);
    await two.create('theirs');
    await dais.apply([manifest('Machine', 'm')], {}, one.context);
    await one.create('mine');
    await expect.poll(() => watcher.lines, SOON).toEqual(['added mine']);
    await watcher.stop();
  });

  test('that selects by labels receives resources that leave and return', async () => {
    const p = await freshProject(dais);
    await p.create('a', {}, { labels: { team: 'x' } });
    await presentPosition();
    const watcher = await listAndWatch(dais, 'part', { labels: 'team=x' }, p.context);
    expect([...watcher.known.keys()]).toEqual(['a']);
    const steps: [object, string][] = [
      [{ team: 'y' }, 'deleted a'],
      [{ team: 'x' }, 'modified a'],
      [{}, 'deleted a'],
    ];
    const expected: string[] = [];
    for (const [labels, line] of steps) {
      await p.update('a', {}, { labels });
      expected.push(line);
      await expect.poll(() => watcher.lines, SOON).toEqual(expected);
    }
    await p.update('a', { size: 8 });
    await p.create('b', {}, { labels: { team: 'x' } });
    await expect.poll(() => watcher.lines, SOON).toEqual([...expected, 'added b']);
    expect([...watcher.known.keys()]).toEqual(['b']);
    await watcher.stop();
  });

  test('ends immediately when its reader disconnects, and leaves no state', async () => {
    const before = (await dais.kernel.health()).watchers;
    const watchers = Array.from({ length: 20 }, () => watchFrom(dais, 'part'));
    await expect.poll(() => watchers.every((watcher) => watcher.caughtUp), SOON).toBe(true);
    expect((await dais.kernel.health()).watchers).toBe(before + 20);
    await Promise.all(watchers.map((watcher) => watcher.stop()));
    expect(watchers.map((watcher) => watcher.ended)).toEqual(Array(20).fill(undefined));
    expect((await dais.kernel.health()).watchers).toBe(before);
  });

  test('must be permitted', async () => {
    const outsider = { principal: { type: 'service', id: 'step' } } as const;
    expect(await codeOf(dais.watch('part.watch', {}, outsider))).toBe('forbidden');
    expect(
      await codeOf(dais.watch('part.watch', { labels: 'a b' }).then((stream) => stream[Symbol.asyncIterator]().next())),
    ).toBe('invalid_request');
  });
});

describe('events', () => {
  test('are delivered to watchers and lists alike, each once, with their principal', async () => {
    const p = await freshProject(dais);
    const stop = new AbortController();
    const seen: { type: string; cursor: string; subject?: { name: string }; actor: object; requestId?: string }[] = [];
    const stream = await dais.watch<(typeof seen)[number]>(
      'event.watch',
      { kind: 'Part' },
      { ...p.context, signal: stop.signal },
    );
    const reading = (async () => {
      for await (const event of stream) seen.push(event);
    })();
    await p.create('a');
    await dais.call(
      'part.update',
      { name: 'a', manifest: manifest('Part', 'a', { size: 3 }) },
      { ...p.context, requestId: 'r-7' },
    );
    await p.remove('a');
    const expected = ['resource.created', 'resource.updated', 'resource.deleted'];
    await expect.poll(() => seen.map((event) => event.type), SOON).toEqual(expected);
    expect(seen[1]).toMatchObject({
      requestId: 'r-7',
      actor: { type: 'user', id: 'owner' },
      subject: { name: 'a' },
      project: p.name,
    });
    stop.abort();
    await reading;
    const list = await dais.call<Page<(typeof seen)[number]>>('event.list', { limit: 2 }, p.context);
    expect(list.items.map((event) => event.type)).toEqual(['resource.deleted', 'resource.updated']);
    const rest = await dais.call<Page<(typeof seen)[number]>>(
      'event.list',
      { limit: 2, cursor: list.nextCursor },
      p.context,
    );
    expect([...list.items, ...rest.items].map((event) => event.cursor)).toEqual(
      seen.map((event) => event.cursor).toReversed(),
    );
    const named = await dais.call<Page<object>>('event.list', { type: 'resource.updated', name: 'a' }, p.context);
    expect(named.items).toHaveLength(1);
  });
});

describe('positions', () => {
  test('from every position of a stream, exactly its rest follows', async () => {
    const p = await freshProject(dais);
    const start = await presentPosition();
    for (let n = 0; n < 30; n++) {
      await p.create(`n${n}`);
      if (n % 2 === 0) await p.update(`n${n}`, { size: n + 2 });
      if (n % 5 === 0) await p.remove(`n${n}`);
    }
    await presentPosition();
    const summarize = (watcher: TestWatcher) =>
      watcher.frames.filter((frame) => frame.object !== undefined).map((frame) => frame.resourceVersion);
    const whole = watchFrom(dais, 'part', { resourceVersion: start }, p.context);
    await expect.poll(() => whole.caughtUp, SOON).toBe(true);
    const all = summarize(whole);
    // A resource that was deleted before the past was read is reported only by its deletion.
    expect(all.length).toBeGreaterThan(40);
    for (const [index, position] of all.entries()) {
      const watcher = watchFrom(dais, 'part', { resourceVersion: position }, p.context);
      await expect.poll(() => watcher.caughtUp, SOON).toBe(true);
      expect(summarize(watcher)).toEqual(all.slice(index + 1));
      await watcher.stop();
    }
    await whole.stop();
  });

  test.each<[string, (position: string) => string, string]>([
    ['text that is none', () => 'x', 'invalid_cursor'],
    ['a resource’s version', () => '17', 'invalid_cursor'],
    ['a place in the future', (position) => `${position.split('-')[0]}-${seqOf(position) + 1000n}`, 'invalid_cursor'],
    ['a place of another database', (position) => `00000000-${seqOf(position)}`, 'cursor_expired'],
    ['a number beyond all numbers', (position) => `${position.split('-')[0]}-${'9'.repeat(18)}`, 'invalid_cursor'],
  ])('rejects %s', async (_name, forge, code) => {
    const watcher = watchFrom(dais, 'part', { resourceVersion: forge(await presentPosition()) });
    expect(await watcher.whenEnded()).toMatchObject({ code });
  });

  test('a position that is no longer stored, or from before a restore, requires a new list', async () => {
    const position = await presentPosition();
    await test_.asAdmin(`update kernel.cursor set oldest = ${seqOf(position)}`);
    const kept = watchFrom(dais, 'part', { resourceVersion: position });
    await expect.poll(() => kept.caughtUp, SOON).toBe(true);
    await kept.stop();
    const old = watchFrom(dais, 'part', { resourceVersion: `${position.split('-')[0]}-${seqOf(position) - 1n}` });
    expect(await old.whenEnded()).toMatchObject({ code: 'cursor_expired', status: 410 });
    const [{ epoch }] = (await test_.asAdmin('select epoch from kernel.cursor')) as [{ epoch: string }];
    await test_.asAdmin('update kernel.cursor set epoch = gen_random_uuid()');
    expect(await watchFrom(dais, 'part', { resourceVersion: position }).whenEnded()).toMatchObject({
      code: 'cursor_expired',
    });
    await test_.asAdmin(`update kernel.cursor set epoch = '${epoch}'`);
  });

  test('a reader that is too slow is cut, and resumes where it was without a gap', async () => {
    const p = await freshProject(dais);
    const stop = new AbortController();
    const stream = await dais.watch('part.watch', {}, { ...p.context, signal: stop.signal });
    const frames = stream[Symbol.asyncIterator]();
    await frames.next();
    const documents = (round: number) =>
      Array.from({ length: 500 }, (_, n) => manifest('Part', `n${n}`, { size: round }));
    await p.create('first');
    let position = (await frames.next()).value!.resourceVersion;
    for (let round = 10; round < 16; round++) await p.apply(documents(round));
    const end = seqOf(await presentPosition());
    // Every frame before the disconnect counts; the disconnect loses nothing.
    const read = async () => {
      for (;;) {
        const { value, done } = await frames.next();
        if (done === true) return 'ended';
        position = value.resourceVersion;
        if (seqOf(position) >= end) return 'whole';
      }
    };
    expect(await codeOf(read())).toBe('cursor_expired');
    const rest = watchFrom(dais, 'part', { resourceVersion: position }, p.context);
    await expect.poll(() => seqOf(rest.place!), SOON).toBeGreaterThanOrEqual(end);
    expect(versions(rest.known.values())).toMatchObject(versions((await p.list({ limit: 1000 })).items.slice(1)));
    expect(rest.problems).toEqual([]);
    await rest.stop();
  });
});

describe('many writers', () => {
  test('watchers that start at any time end with the state of a list; no event repeats or is out of order', async () => {
    const p = await freshProject(dais);
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      const random = seededRandom(writer);
      for (let step = 0; step < 40; step++) {
        const name = `n${Math.floor(random() * 12)}`;
        const verb = random();
        const work = verb < 0.4 ? p.create(name) : verb < 0.8 ? p.update(name, { size: step + 2 }) : p.remove(name);
        expect(['ok', 'already_exists', 'not_found']).toContain(await codeOf(work));
      }
    });
    const watchers: TestWatcher[] = [];
    for (let n = 0; n < 6; n++) watchers.push(await listAndWatch(dais, 'part', {}, p.context));
    await Promise.all(writers);
    const end = seqOf(await presentPosition());
    const { items } = await p.list({ limit: 1000 });
    for (const watcher of watchers) {
      // A frame of another project changes no position: wait for the last change of this one.
      await expect.poll(() => versions(watcher.known.values()), SOON).toEqual(versions(items));
      expect(watcher.problems).toEqual([]);
      expect(seqOf(watcher.place!)).toBeLessThanOrEqual(end);
      await watcher.stop();
    }
  });
});
