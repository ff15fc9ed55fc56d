import { defineOperation } from '@dais/api';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { answerEntry, downloadEntry, entry, kindActions, type CallOf } from './entry.ts';
import { partKind } from './testing/test-kinds.ts';

const operation = defineOperation({
  name: 'probe.read',
  action: 'probe:read',
  mode: 'read',
  scope: 'project',
  summary: 'For tests.',
  input: z.strictObject({ name: z.string(), limit: z.int().default(10), after: z.string().optional() }),
  output: z.strictObject({ size: z.int(), state: z.enum(['on', 'off']), items: z.array(z.string()) }),
  http: { method: 'GET', path: '/api/v1/probe', status: 200 },
});
const output = { size: 1, state: 'on', items: [] } as const;

// The compiler checks the lines below: an expected error that is none fails the type check.

/** An input with defaults, whose optional properties need no `| undefined`. */
const used = ({ name, limit, after }: { name: string; limit: number; after?: string }) => `${name} ${limit} ${after}`;

test('a handler reads the input of its operation and returns its output', () => {
  const items: readonly string[] = ['a'];
  const made = entry(operation, async (_tx, { input }) => ({ ...output, items: [used(input), ...items] }));
  expect(made.operation).toBe(operation);
  entry(operation, { perform: async ({ input }) => ({ ...output, items: [used(input)] }) });
  entry(operation, {
    share: async (_tx, calls) => calls.map(({ input }) => ({ value: { ...output, items: [input.name] } })),
  });
  entry(operation, {
    stream: async function* ({ input }) {
      yield { ...output, size: input.limit };
    },
  });
});

test('a handler that reads a property which its operation lacks does not compile', () => {
  const handler = async (_tx: unknown, { input }: { readonly input: { readonly title: string } }) => ({
    ...output,
    items: [input.title],
  });
  const other = async (_tx: unknown, _call: CallOf<typeof numbered>) => output;
  const made = [
    // @ts-expect-error the input has no `title`
    entry(operation, async (_tx, { input }) => ({ ...output, items: [input.title] })),
    // @ts-expect-error the input has no `title`
    entry(operation, { perform: async ({ input }) => ({ ...output, items: [input.title] }) }),
    // @ts-expect-error the input has no `title`
    entry(operation, handler),
    // @ts-expect-error the name is a text
    entry(operation, other),
  ];
  expect(made).toHaveLength(4);
});

const numbered = { ...operation, input: z.strictObject({ name: z.int() }) };

async function* frames() {
  yield { size: 1, state: 'on' as const };
}

test('a handler that returns what the output schema does not allow does not compile', () => {
  const made = [
    // @ts-expect-error `items` is missing
    entry(operation, async () => ({ size: 1, state: 'on' as const })),
    // @ts-expect-error `size` is a number
    entry(operation, async () => ({ ...output, size: '1' })),
    // @ts-expect-error `state` has other values
    entry(operation, async () => ({ ...output, state: 'broken' })),
    // @ts-expect-error an object type has no properties
    entry(operation, async (): Promise<object> => output),
    // @ts-expect-error `items` is missing
    entry(operation, { perform: async () => ({ size: 1, state: 'on' as const }) }),
    // @ts-expect-error `items` is missing
    entry(operation, { share: async () => [{ value: { size: 1, state: 'on' as const } }] }),
    // @ts-expect-error `items` is missing
    entry(operation, { stream: () => frames() }),
  ];
  expect(made).toHaveLength(7);
});

test('an entry cannot be created around the types', () => {
  // @ts-expect-error it lacks what only `entry` adds
  const made: ReturnType<typeof entry> = { operation, handling: async () => 1, described: (answer) => answer };
  expect(made).toBeDefined();
});

test('the output schema describes a part of downloads and of answers with more', () => {
  const open = async () => await Promise.reject(new Error('nobody opens it'));
  const download = { size: 1, sha256: null, state: 'on', items: [], open } as const;
  const made = downloadEntry(operation, async () => download);
  expect(made.described(download)).toEqual({ size: 1, sha256: null, state: 'on', items: [] });
  const more = answerEntry(
    operation,
    async () => ({ body: 1 }),
    ({ body }) => body,
  );
  expect(more.described({ body: 1 })).toBe(1);
});

test('the actions of a kind have the types of their schemas', () => {
  const made = [
    kindActions(partKind, { ping: async (_tx, { input }) => ({ note: input.twice ? input.name : '' }) }),
    // @ts-expect-error the action has no such input
    kindActions(partKind, { ping: async (_tx, { input }) => ({ note: input.title }) }),
    // @ts-expect-error the action gives a note
    kindActions(partKind, { ping: async () => ({}) }),
    // @ts-expect-error the action has no handler
    kindActions(partKind, {}),
  ];
  expect(made).toHaveLength(4);
});
