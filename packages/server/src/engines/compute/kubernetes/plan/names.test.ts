import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attemptOf, attemptSelector, identify, jobName, labelValue, tokenAudience } from './names.ts';

const attempts = fc.string({ unit: fc.constantFrom('a', 'b', 'z', '0', '1', '9', '-'), minLength: 1, maxLength: 64 });

test('a short attempt is in the name of its Job', () => {
  expect(jobName('t7f3k2a9', 1)).toBe('dais-t7f3k2a9-r1');
  expect(jobName('a'.repeat(64), 999)).toBe('dais-ffe054fe7ae0cb6dc65c3af9b61d5209f439851db4-r999');
  expect(tokenAudience('i-4c1f', 't7f3k2a9')).toBe('dais/i-4c1f/t7f3k2a9');
});

test('the name of a pod with three digits of an index fits, and no two attempts share a name', () => {
  fc.assert(
    fc.property(attempts, attempts, fc.integer({ min: 1, max: 999 }), (one, other, round) => {
      expect(`${jobName(one, round)}-999-abcde`.length).toBeLessThanOrEqual(63);
      expect(jobName(one, round)).toMatch(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
      expect(jobName(one, round) === jobName(other, round)).toBe(one === other);
    }),
  );
});

test('labels contain the identity, and annotations what a label cannot', () => {
  expect(identify({ installation: 'i-1', attempt: 't1', owner: 'node-1', project: 'churn' }, 2)).toEqual({
    labels: {
      'dais.dev/installation': 'i-1',
      'dais.dev/attempt': 't1',
      'dais.dev/owner': 'node-1',
      'dais.dev/project': 'churn',
      'dais.dev/round': '2',
    },
    annotations: {},
  });
  const { labels, annotations } = identify({ installation: 'i-1', attempt: '-t-', owner: 'host:/data' }, 1);
  expect(labels['dais.dev/attempt']).toMatch(/^sha256-[0-9a-f]{56}$/);
  expect(annotations).toEqual({ 'dais.dev/attempt': '-t-', 'dais.dev/owner': 'host:/data' });
});

test('every attempt is found again by its labels', () => {
  fc.assert(
    fc.property(attempts, (attempt) => {
      const metadata = identify({ installation: 'i', attempt }, 1);
      expect(attemptOf(metadata)).toBe(attempt);
      expect(attemptSelector({ installation: 'i', attempt })).toBe(
        `dais.dev/installation=i,dais.dev/attempt=${metadata.labels['dais.dev/attempt']}`,
      );
    }),
  );
  expect(attemptOf({})).toBeUndefined();
  expect(attemptSelector({ installation: 'i', owner: 'a:b' })).toMatch(
    /^dais\.dev\/installation=i,dais\.dev\/owner=sha256-[0-9a-f]{56}$/,
  );
});

test('a label value is valid, and different for different texts', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
      expect(labelValue(one)).toMatch(/^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/);
      expect(labelValue(one) === labelValue(other)).toBe(one === other);
    }),
  );
});
