import { describe, expect, test } from 'vitest';
import { costOf } from './model-cost.ts';

const at = new Date('2026-11-01T00:00:00Z');
const million = { input_tokens: 1_000_000, output_tokens: 1_000_000 };
const call = (model: string, provider?: string, usage: Readonly<Record<string, unknown>> = million, time = at) =>
  costOf({ model, provider, usage, at: time });

describe('the cost of a call', () => {
  const mini = { input_cost: 0.15, output_cost: 0.6, total_cost: 0.75 };
  test.each([
    ['gpt-4o-mini', 'openai'],
    ['gpt-4o-mini', 'OpenAI'],
    ['gpt-4o-mini', undefined],
    ['gpt-4o-mini', ''],
    ['gpt-4o-mini-2024-07-18', 'openai'],
    ['openai/gpt-4o-mini', undefined],
    ['gpt-4o-mini', 'a proxy of ours'],
  ])('of %s at %s', (model, provider) => {
    expect(call(model, provider)).toEqual({
      input_cost: expect.closeTo(mini.input_cost),
      output_cost: expect.closeTo(mini.output_cost),
      total_cost: expect.closeTo(mini.total_cost),
    });
  });

  test.each([
    ['a model without a public price', 'our-own-model', undefined],
    ['a model of a gateway', 'gateway:/gpt-4o-mini', 'openai'],
    ['an endpoint', 'endpoints:/gpt-4o-mini', undefined],
    ['no model', '', 'openai'],
    ['a long text', 'gpt-4o-mini'.repeat(1000), 'openai'],
    ['a path', '/', undefined],
  ])('is unknown for %s', (_what, model, provider) => {
    expect(call(model, provider)).toBeUndefined();
  });

  test.each([
    ['no tokens', { input_tokens: 0, output_tokens: 0 }],
    ['only a total', { total_tokens: 5 }],
    ['numbers that are none', { input_tokens: Number.NaN, output_tokens: -1 }],
    ['texts', { input_tokens: '5', output_tokens: null }],
  ])('is unknown for %s', (_what, usage) => {
    expect(call('gpt-4o-mini', 'openai', usage)).toBeUndefined();
  });

  test('cached tokens have their own prices, and are part of the input', () => {
    const cost = (usage: object) =>
      call('claude-sonnet-4-5', 'anthropic', { output_tokens: 0, ...usage })?.input_cost ?? 0;
    const plain = cost({ input_tokens: 1000 });
    const read = cost({ input_tokens: 1000, cache_read_input_tokens: 1000 });
    const written = cost({ input_tokens: 1000, cache_creation_input_tokens: 1000 });
    expect(read).toBeCloseTo(plain / 10);
    expect(written).toBeCloseTo(plain * 1.25);
    // A library that counts them separately.
    expect(cost({ input_tokens: 10, cache_read_input_tokens: 1000 })).toBeCloseTo(read);
  });

  test('prices are those of the day of the call', () => {
    expect(call('o3', 'openai', million, new Date('2025-01-01'))?.total_cost).toBeGreaterThan(
      call('o3', 'openai')?.total_cost ?? Number.NaN,
    );
  });
});
