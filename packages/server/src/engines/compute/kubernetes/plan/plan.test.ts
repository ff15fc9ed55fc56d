import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BY_AGENT, turn } from './attempt-actions.testing.ts';
import { ModelProcess } from './attempt-model.testing.ts';

test('an attempt ends once, with a reason, whatever happens in which order', () => {
  const seen = new Set<string>();
  const seenByAgent = new Set<string>();
  const seenInCluster = new Set<string>();
  fc.assert(
    fc.property(fc.array(turn, { minLength: 5, maxLength: 30, size: 'max' }), (turns) => {
      const process = new ModelProcess();
      for (const next of turns) process.take(next);
      process.finish();
      const { end } = process.cluster;
      expect(end).toBeDefined();
      const isReported = end?.phase === 'lost' && end.reason === BY_AGENT;
      if (end?.phase !== 'lost') seen.add(end?.phase === 'ended' ? end.end : 'refused');
      if (isReported) seenByAgent.add(end.kind);
      else if (end?.phase === 'lost') seenInCluster.add(end.kind);
    }),
    { numRuns: 10 * (fc.readConfigureGlobal().numRuns ?? 100) },
  );
  const ends = ['canceled', 'disk-full', 'exit', 'out-of-memory', 'refused', 'too-many-processes', 'wall-time'];
  expect([...seen].toSorted()).toEqual(ends);
  expect([...seenByAgent].toSorted()).toEqual(['control', 'device', 'hang', 'store']);
  expect([...seenInCluster].toSorted()).toEqual(['control', 'deleted', 'node', 'preempted', 'registry']);
});
