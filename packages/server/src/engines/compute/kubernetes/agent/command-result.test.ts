import { describe, expect, test } from 'vitest';
import { resultOfEarlyStop, resultOfEnd, resultOfLostShim } from './command-result.ts';
import type { CommandEnd } from './shim-messages.ts';

const end = (changes: Partial<CommandEnd>): CommandEnd => ({
  startedAt: new Date(1000),
  endedAt: new Date(5000),
  wallMs: 4000,
  cpuMs: 30,
  maxRssBytes: 7,
  outputBytes: 0,
  killed: false,
  hasSurvivors: false,
  ...changes,
});
const canceled = { end: 'canceled', at: 4000 } as const;
const group = { version: 2, memoryKills: 1, cpuMs: 90, peakMemoryBytes: 500 } as const;

describe('a reported end', () => {
  test.each([
    ['a code', end({ code: 3 }), {}, { end: 'exit', code: 3, memoryKills: 0 }],
    ['a signal', end({ signal: 'SIGSEGV' }), {}, { end: 'exit', signal: 'SIGSEGV' }],
    ['a canceled command', end({ code: 5 }), { mark: canceled }, { end: 'canceled', code: 5 }],
    [
      'a command that was killed, whose shell reports a code of its own',
      end({ code: 2, killed: true }),
      { mark: canceled },
      { end: 'canceled', signal: 'SIGKILL' },
    ],
    ['an order after the end', end({ code: 0 }), { mark: { ...canceled, at: 5001 } }, { end: 'exit', code: 0 }],
    ['no memory', end({ signal: 'SIGKILL', controlGroup: group }), {}, { end: 'out-of-memory', memoryKills: 1 }],
    [
      'a killed child of a successful command',
      end({ code: 0, controlGroup: group }),
      {},
      { end: 'exit', memoryKills: 1 },
    ],
    ['a stop from outside', end({ code: 5 }), { stoppedAt: 4000 }, { end: 'exit', stoppedAt: 4000 }],
  ] as const)('of %s', (_name, reported, stops, result) => {
    expect(resultOfEnd(reported, stops)).toMatchObject(result);
  });

  test('is no interruption when an order came first, or the stop after the end', () => {
    for (const stops of [{ mark: canceled, stoppedAt: 4500 }, { stoppedAt: 5001 }]) {
      expect(resultOfEnd(end({ code: 5 }), stops)).not.toHaveProperty('stoppedAt');
    }
  });

  test('contains the usage of the control group where there is one', () => {
    expect(resultOfEnd(end({ code: 0 }), {}).usage).toEqual({ wallMs: 4000, cpuMs: 30, peakMemoryBytes: 7 });
    expect(resultOfEnd(end({ code: 0, controlGroup: group }), {}).usage).toEqual({
      wallMs: 4000,
      cpuMs: 90,
      peakMemoryBytes: 500,
    });
  });
});

test('a killed shim is a loss, unless the agent ended the command', () => {
  const lost = { reason: 'the shim ended', startedAt: 1000, now: 3000 };
  expect(resultOfLostShim(lost)).toMatchObject({
    end: 'lost',
    startedAt: 1000,
    shimGone: true,
    usage: { wallMs: 2000 },
  });
  expect(resultOfLostShim({ ...lost, mark: { end: 'wall-time', at: 2500 } })).toMatchObject({
    end: 'wall-time',
    signal: 'SIGKILL',
    startedAt: 1000,
  });
});

test('a command that was stopped before its start has a reason', () => {
  expect(resultOfEarlyStop({ end: 'disk-full', detail: 'why', at: 9 })).toMatchObject({
    end: 'disk-full',
    reason: 'why',
    signal: 'SIGTERM',
    startedAt: 9,
    endedAt: 9,
  });
});
