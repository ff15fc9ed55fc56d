import { DaisError, defineOperation, type Operation } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { TestDatabase } from '#engines/database/testing.ts';
import { entry, type OperationEntry } from './entry.ts';
import type { Question } from './principal.ts';
import { codeOf, manifest, startKernelDatabase, startTestKernel, type TestKernel } from './testing/test-kernel.ts';
import { freshProject } from './testing/test-project.ts';

let test_: TestDatabase;
let dais: TestKernel;
const requests: Question[] = [];

const operation = (name: string, more: Pick<Partial<Operation>, 'mode' | 'scope'> = {}) =>
  defineOperation({
    name,
    action: 'probe:read',
    mode: 'read',
    scope: 'project',
    summary: 'For tests.',
    input: z.strictObject({ n: z.int().default(7) }),
    output: z.unknown(),
    target: () => ({ kind: 'Probe', name: 'p' }),
    http: { method: 'POST', path: `/api/v1/${name}`, status: 200 },
    ...more,
  });

const probe: OperationEntry = entry(operation('probe.read'), async (tx, call) => ({
  n: call.input.n,
  tenant: call.tenant.name,
  writable: tx.writable,
}));
const { target: _, ...untargeted } = operation('probe.silent');
const entries: OperationEntry[] = [
  probe,
  entry(untargeted, async () => 'without authorization'),
  entry({ ...untargeted, name: 'probe.authorizing' }, async (_tx, call) => {
    await call.authorize({ kind: 'Other', name: 'x' }, call.tenant, 'other:read');
    return 'authorized';
  }),
  entry(operation('probe.org', { scope: 'org' }), async (_tx, call) => call.tenant),
  entry(operation('probe.emit'), async (tx) => {
    tx.enqueue({ queue: 'x', projectId: tx.projectId, payload: {}, maxAttempts: 1 });
  }),
  entry(operation('probe.stream', { mode: 'watch' }), {
    stream: async function* (call) {
      for (let n = 0; n < call.input.n; n++) yield n;
    },
  }),
];

beforeAll(async () => {
  test_ = await startKernelDatabase();
  dais = await startTestKernel(test_, {
    start: 'none',
    entries,
    authorizer: {
      authorize: async (question) => {
        requests.push(question);
        if (question.operation.name === 'part.get' && question.target.name === 'secret')
          throw new DaisError('forbidden', 'not that one');
        return {};
      },
    },
  });
});
afterAll(async () => {
  await dais.stop();
  await test_.stop();
});

describe('a call', () => {
  test('is validated, completed with defaults and its project, and authorized', async () => {
    const p = await freshProject(dais);
    requests.length = 0;
    expect(await dais.call('probe.read', {}, p.context)).toEqual({ n: 7, tenant: p.name, writable: false });
    expect(requests).toMatchObject([
      {
        principal: { type: 'user', id: 'owner' },
        operation: { name: 'probe.read', action: 'probe:read', scope: 'project' },
        target: { kind: 'Probe', name: 'p' },
      },
    ]);
    expect(await dais.call('probe.read', { n: 1 })).toMatchObject({ tenant: 'default' });
    expect(await dais.call('probe.org', {}, p.context)).toEqual({ id: expect.stringMatching(/^0{8}-/), name: '' });
  });

  test.each<[string, unknown]>([
    ['no input', undefined],
    ['null', null],
    ['a wrong type', { n: 'x' }],
    ['an unknown field', { m: 1 }],
  ])('with %s is rejected before the authorization', async (_name, input) => {
    requests.length = 0;
    expect(await codeOf(dais.call('probe.read', input))).toBe('invalid_request');
    expect(requests).toEqual([]);
  });

  test('whose handler skips the authorization returns an error', async () => {
    await expect(dais.call('probe.silent', {})).rejects.toThrow('without an authorization check');
    requests.length = 0;
    expect(await dais.call('probe.authorizing', {})).toBe('authorized');
    expect(requests).toMatchObject([
      { operation: { name: 'probe.authorizing', action: 'other:read' }, target: { kind: 'Other' } },
    ]);
  });

  test('that only reads cannot enqueue jobs or emit events', async () => {
    await expect(dais.call('probe.emit', {})).rejects.toThrow('a read transaction cannot emit');
  });

  test('without a handler, or of a stream, is an internal error', async () => {
    await expect(dais.call('probe.none', {})).rejects.toThrow('no operation probe.none');
    await expect(dais.call('probe.stream', {})).rejects.toThrow('is a stream');
    await expect(dais.watch('probe.read', {})).rejects.toThrow('is not a stream');
  });

  test('two operations of one name do not start', async () => {
    await expect(startTestKernel(test_, { start: 'none', entries: [probe, probe] })).rejects.toThrow('same name');
  });
});

test('a stream is authorized once, when it opens', async () => {
  requests.length = 0;
  const seen: unknown[] = [];
  for await (const frame of await dais.watch<number>('probe.stream', { n: 3 })) seen.push(frame);
  expect([seen, requests.length]).toEqual([[0, 1, 2], 1]);
});

describe('reads that come together share a transaction', () => {
  test('and each gets its own result, denial or absence', async () => {
    const p = await freshProject(dais);
    await p.apply(['a', 'b', 'secret'].map((name) => manifest('Part', name, { note: name })));
    requests.length = 0;
    const names = ['a', 'secret', 'nowhere', 'b', 'a', 'secret', 'b'];
    const answers = await Promise.all(
      names.map((name) =>
        p.get(name).then(
          (part) => part.spec['note'],
          (error: { code: string }) => error.code,
        ),
      ),
    );
    expect(answers).toEqual(['a', 'forbidden', 'not_found', 'b', 'a', 'forbidden', 'b']);
    expect(requests.map((question) => question.target.name ?? '').toSorted()).toEqual(names.toSorted());
  });

  test('and each of them includes all earlier writes', async () => {
    const p = await freshProject(dais);
    await p.create('a', { size: 0 });
    let written = 0;
    const done = new AbortController();
    const readers = Array.from({ length: 8 }, async () => {
      while (!done.signal.aborted) {
        const known = written;
        expect(((await p.get('a')).spec['size'] as number) >= known).toBe(true);
      }
    });
    for (let size = 1; size <= 30; size++) {
      await p.update('a', { size });
      written = size;
    }
    done.abort();
    await Promise.all(readers);
  });

  test('of two projects stay apart', async () => {
    const [one, two] = [await freshProject(dais), await freshProject(dais)];
    await one.create('a', { note: 'one' });
    await two.create('a', { note: 'two' });
    const notes = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => (await (n % 2 === 0 ? one : two).get('a')).spec['note']),
    );
    expect(notes).toEqual(Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? 'one' : 'two')));
  });
});
