import type { Event } from '@dais/api';
import type { Comment, Experiment, Mention, Run } from '@dais/api/tracking';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CallContext } from '#kernel/context.ts';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import {
  person,
  startRegistryWorld,
  type RegistryProject,
  type RegistryWorld,
} from '#ledgers/registry/testing/registry-world.ts';

let world: RegistryWorld;
let p: RegistryProject;

beforeAll(async () => {
  world = await startRegistryWorld();
  p = await world.project();
  const people = ['ada', 'bob', 'ida', 'vic', 'max@example.com'];
  await world.apply(people.map((name) => manifest('User', name, { email: `${name.split('@')[0]}@example.com` })));
  await world.apply(
    [
      manifest('RoleBinding', 'editors', { role: 'editor', users: ['ada', 'bob'] }),
      manifest('RoleBinding', 'approvers', { role: 'approver', users: ['ida'] }),
      manifest('RoleBinding', 'viewers', { role: 'viewer', users: ['vic'] }),
    ],
    p.name,
  );
});
afterAll(async () => {
  await world.stop();
});

const as = (who: string): Partial<CallContext> => person(who);

interface Page {
  readonly items: readonly Comment[];
  readonly nextCursor?: string;
}

/** A new model version or run as subject, with the names of its operations. */
async function subject(of: 'Version' | 'Run', project = p) {
  if (of === 'Version') {
    const name = await project.model();
    await project.call('modelVersion.create', { name, source: 's3://bucket/m' });
    return { of, about: { name, version: '1' }, event: name };
  }
  const { id: experimentId } = await project.call<Experiment>('experiment.create', { name: `e${Math.random()}` });
  const { id } = await project.call<Run>('run.create', { experimentId });
  return { of, about: { run: id }, event: id };
}

/** Waits for a number of events, newest first: events get their positions shortly after their transaction. */
async function eventsOf(name: string, count: number): Promise<readonly Event[]> {
  let found: readonly Event[] = [];
  await expect
    .poll(async () => {
      const { items } = await p.call<{ items: readonly Event[] }>('event.list', { name });
      found = items.filter(({ type }) => type.startsWith('comment.'));
      return found.length;
    })
    .toBe(count);
  return found;
}

describe.each(['Version', 'Run'] as const)('on a %s', (of) => {
  test('permitted users comment and read comments in order of time', async () => {
    const { about, event } = await subject(of);
    const text = '@ida and @max@example.com: **worse** at night, see https://github.com/o/r/issues/7. `@nobody`';
    const made = await p.call<Comment>(`comment.createOf${of}`, { ...about, text }, as('ada'));
    expect(made).toMatchObject({
      author: { type: 'user', id: 'ada' },
      text,
      mentions: ['ida', 'max@example.com'],
      links: ['https://github.com/o/r/issues/7'],
    });
    for (const who of ['ida', 'bob']) await p.call(`comment.createOf${of}`, { ...about, text: `from ${who}` }, as(who));
    const seen: string[] = [];
    for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
      const input = { ...about, limit: 2, ...(cursor !== undefined && { cursor }) };
      const page: Page = await p.call(`comment.listOf${of}`, input, as('vic'));
      seen.push(...page.items.map(({ author }) => author.id));
      cursor = page.nextCursor;
    }
    expect(seen).toEqual(['ada', 'ida', 'bob']);
    expect(await codeOf(p.call(`comment.createOf${of}`, { ...about, text: 'me too' }, as('vic')))).toBe('forbidden');
    const items = await eventsOf(event, 3);
    expect(items.map(({ actor }) => actor.id)).toEqual(['bob', 'ida', 'ada']);
    expect(items[2]?.data).toEqual({
      comment: made.id,
      mentions: ['ida', 'max@example.com'],
      ...(of === 'Version' && { version: 1 }),
    });
    // Comments can be deleted, so their text must not be in events.
    expect(JSON.stringify(items)).not.toContain('at night');
  });

  test('authors edit and delete their own comments, and an administrator deletes any', async () => {
    const { about, event } = await subject(of);
    const { id } = await p.call<Comment>(`comment.createOf${of}`, { ...about, text: 'first' }, as('ada'));
    const edited = await p.call<Comment>(`comment.updateOf${of}`, { ...about, id, text: 'second @bob' }, as('ada'));
    expect(edited).toMatchObject({ id, text: 'second @bob', mentions: ['bob'] });
    expect(edited.editedAt).toBeGreaterThanOrEqual(edited.createdAt);
    for (const operation of ['updateOf', 'deleteOf'] as const) {
      const input = { ...about, id, ...(operation === 'updateOf' && { text: 'mine now' }) };
      expect(await codeOf(p.call(`comment.${operation}${of}`, input, as('bob')))).toBe('forbidden');
    }
    expect(await codeOf(p.call(`comment.removeOf${of}`, { ...about, id }, as('bob')))).toBe('forbidden');
    await p.call(`comment.removeOf${of}`, { ...about, id });
    // A missing comment is not an error.
    expect(await p.call(`comment.deleteOf${of}`, { ...about, id }, as('ada'))).toEqual({});
    expect(await p.call(`comment.removeOf${of}`, { ...about, id })).toEqual({});
    const again = await p.call<Comment>(`comment.createOf${of}`, { ...about, text: 'again' }, as('ada'));
    await p.call(`comment.deleteOf${of}`, { ...about, id: again.id }, as('ada'));
    expect(await p.call(`comment.listOf${of}`, about)).toEqual({ items: [] });
    const reported = (await eventsOf(event, 5)).map(({ type, actor }) => [type, actor.id]);
    expect(reported.toReversed()).toEqual([
      ['comment.created', 'ada'],
      ['comment.edited', 'ada'],
      ['comment.deleted', 'owner'],
      ['comment.created', 'ada'],
      ['comment.deleted', 'ada'],
    ]);
  });

  test('invalid input is rejected', async () => {
    const { about } = await subject(of);
    const other = await subject(of);
    const create = (text: unknown) => p.call(`comment.createOf${of}`, { ...about, text }, as('ada'));
    expect(await errorOf(create('@idda look'))).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('Unknown user: @idda. Put text that is not a mention in backticks.'),
      issues: [{ path: 'text', message: 'mentions the unknown user "@idda"' }],
    });
    for (const text of ['', ' \n ', 'a'.repeat(10_001), 3, 'a\0b']) {
      expect(await codeOf(create(text))).toBe('invalid_request');
    }
    const { id } = await p.call<Comment>(`comment.createOf${of}`, { ...other.about, text: 'elsewhere' });
    // A comment is found only on its own subject.
    expect(await codeOf(p.call(`comment.updateOf${of}`, { ...about, id, text: 'x' }))).toBe('not_found');
    expect(await codeOf(p.call(`comment.deleteOf${of}`, { ...about, id: 'x' }))).toBe('invalid_request');
    for (const cursor of ['x', Buffer.from('["a","b"]').toString('base64url')]) {
      expect(await codeOf(p.call(`comment.listOf${of}`, { ...about, cursor }))).toBe('invalid_cursor');
    }
    const gone = of === 'Run' ? { run: 'nope' } : { name: 'nope', version: '1' };
    expect(await codeOf(p.call(`comment.listOf${of}`, gone))).toBe('not_found');
    expect(await codeOf(p.call(`comment.createOf${of}`, { ...gone, text: 'x' }))).toBe('not_found');
  });
});

test('comments on a version follow its model when it is renamed or deleted', async () => {
  const { about } = await subject('Version');
  await p.call('modelVersion.create', { name: about.name, source: 's3://bucket/m' });
  for (const version of ['1', '2'])
    await p.call('comment.createOfVersion', { ...about, version, text: `of ${version}` });
  await p.call('registeredModel.rename', { name: about.name, to: 'renamed' });
  const moved = await p.call<Page>('comment.listOfVersion', { name: 'renamed', version: '1' });
  expect(moved.items.map(({ text }) => text)).toEqual(['of 1']);
  const left = async () => await world.rowsSeenBy(p.id, `select body from comments.comment where body like 'of %'`);
  await p.call('modelVersion.delete', { name: 'renamed', version: '2' });
  expect(await left()).toEqual([{ body: 'of 1' }]);
  await p.call('registeredModel.delete', { name: 'renamed' });
  expect(await left()).toEqual([]);
});

test('another project cannot read or change comments', async () => {
  const other = await world.project();
  const { about } = await subject('Run');
  const { id } = await p.call<Comment>('comment.createOfRun', { ...about, text: 'ours' });
  expect(await codeOf(other.call('comment.listOfRun', about))).toBe('not_found');
  expect(await codeOf(other.call('comment.removeOfRun', { ...about, id }))).toBe('not_found');
  expect(await world.rowsSeenBy(other.id, 'select 1 from comments.comment')).toEqual([]);
});

describe('a mentioned user', () => {
  interface Mentions {
    readonly items: readonly Mention[];
    readonly unread: number;
    readonly nextCursor?: string;
  }
  const mentions = async (who: string, input: object = {}, of = p) =>
    await of.call<Mentions>('mention.list', input, as(who));
  const textsOf = ({ items }: Mentions) => items.map(({ comment }) => comment.text);

  test('sees mentions, newest first and in pages, with their location, until they are marked as read', async () => {
    const own = await world.project();
    await world.apply([manifest('RoleBinding', 'all', { role: 'editor', users: ['ada', 'vic'] })], own.name);
    const run = await subject('Run', own);
    const version = await subject('Version', own);
    const output = async (of: typeof run, text: string) =>
      await own.call<Comment>(`comment.createOf${of.of}`, { ...of.about, text }, as('ada'));
    await output(run, '@vic first, and again @vic');
    const second = await output(version, '@vic and @ada second');
    await output(run, '`@vic` is quoted');
    await output(run, '@vic third');
    const all = await mentions('vic', {}, own);
    expect(textsOf(all)).toEqual(['@vic third', '@vic and @ada second', '@vic first, and again @vic']);
    expect(all.unread).toBe(3);
    expect(all.items.map(({ about }) => about)).toEqual([
      { kind: 'Run', name: run.event, title: expect.any(String) },
      { kind: 'Model', name: version.event, version: 1, title: `${version.event}/1` },
      { kind: 'Run', name: run.event, title: expect.any(String) },
    ]);
    const first = await mentions('vic', { limit: 2 }, own);
    expect(first.items).toHaveLength(2);
    const rest = await mentions('vic', { limit: 2, cursor: first.nextCursor }, own);
    expect([textsOf(rest), rest.nextCursor]).toEqual([['@vic first, and again @vic'], undefined]);
    expect(textsOf(await mentions('ada', {}, own))).toEqual(['@vic and @ada second']);

    await own.call('mention.markRead', { upTo: second.id }, as('vic'));
    const read = await mentions('vic', {}, own);
    expect([read.unread, read.items.map((item) => item.read)]).toEqual([1, [false, true, true]]);
    expect(textsOf(await mentions('vic', { unread: true }, own))).toEqual(['@vic third']);
    // What others have not read is theirs.
    expect((await mentions('ada', {}, own)).unread).toBe(1);
    await own.call('mention.markRead', {}, as('vic'));
    expect((await mentions('vic', {}, own)).unread).toBe(0);

    // Removed mentions disappear, and remaining ones keep their read mark.
    await own.call('comment.updateOfVersion', { ...version.about, id: second.id, text: '@vic alone' }, as('ada'));
    expect((await mentions('ada', {}, own)).items).toEqual([]);
    expect((await mentions('vic', {}, own)).unread).toBe(0);
    await own.call('comment.deleteOfVersion', { ...version.about, id: second.id }, as('ada'));
    expect(textsOf(await mentions('vic', {}, own))).toEqual(['@vic third', '@vic first, and again @vic']);
  });

  test('sees no unreadable mentions and none of other projects, and needs a cursor of the same list', async () => {
    const hidden = await world.project();
    const { about } = await subject('Run', hidden);
    await hidden.call('comment.createOfRun', { ...about, text: '@bob look' });
    expect(await codeOf(mentions('bob', {}, hidden))).toBe('not_found');
    await world.apply([manifest('RoleBinding', 'readers', { role: 'viewer', users: ['bob'] })], hidden.name);
    expect(textsOf(await mentions('bob', {}, hidden))).toEqual(['@bob look']);
    const cedar = '@id("closed") forbid(principal, action == Dais::Action::"run:read", resource);';
    await world.apply([manifest('Policy', 'closed', { description: 'Hides all runs', cedar })], hidden.name);
    expect((await mentions('bob', {}, hidden)).items).toEqual([]);
    expect(textsOf(await mentions('bob'))).not.toContain('@bob look');
    // The owner of a Dais is not a user, and cannot be mentioned.
    expect(await p.call('mention.list', {})).toEqual({ items: [], unread: 0 });
    expect(await codeOf(mentions('bob', { cursor: 'x' }, hidden))).toBe('invalid_cursor');
  });
});
