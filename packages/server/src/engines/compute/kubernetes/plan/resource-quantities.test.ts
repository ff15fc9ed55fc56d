import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatBytes,
  formatCores,
  formatQuantity,
  formatResources,
  parseQuantity,
  readResources,
} from './resource-quantities.ts';

test.each([
  ['0', 0],
  ['0.5', 0.5],
  ['.5', 0.5],
  ['5.', 5],
  ['1500m', 1.5],
  ['100k', 100_000],
  ['1e3', 1000],
  ['1E3', 1000],
  ['1.5e-3', 0.0015],
  ['1e+2', 100],
  ['1E', 1e18],
  ['64Gi', 64 * 2 ** 30],
  ['0.5Ki', 512],
  ['1Ei', 2 ** 60],
  ['2M', 2_000_000],
  ['3u', 0.000_003],
  ['7n', 0.000_000_007],
  ['+5', 5],
  ['-3', -3],
  ['-0', 0],
])('%s is %d', (text, value) => {
  expect(parseQuantity(text)).toBe(value);
});

test.each([
  '',
  ' ',
  '1 Gi',
  '64GiB',
  '1K',
  'Gi',
  '1.2.3',
  '1e',
  '1eKi',
  '0x10',
  '١',
  '1m5',
  '--1',
  'NaN',
  'Infinity',
  '1e999',
  '1,5',
])('%j is malformed', (text) => {
  expect(() => parseQuantity(text)).toThrow(
    /is not a Kubernetes quantity: a quantity is a number with an optional suffix/,
  );
});

test('the error names the text and what to do', () => {
  expect(() => parseQuantity('64GiB')).toThrow(
    '"64GiB" is not a Kubernetes quantity: a quantity is a number with an optional suffix, for example `1500m`, `64Gi` or `1e3`. ' +
      'Correct it in the specification of the target.',
  );
});

test('formats are those that people write', () => {
  expect([1.5, 8, 0.1, 0.001, 64 * 2 ** 30, 1000, 1536, 0.0001].map((value) => formatQuantity(value))).toEqual([
    '1500m',
    '8',
    '100m',
    '1m',
    '64Gi',
    '1000',
    '1536',
    '0.0001',
  ]);
  expect([2, 0.5, 1.1, 0.0001, 0].map((cores) => formatCores(cores))).toEqual(['2', '500m', '1100m', '1m', '0']);
  expect([192 * 2 ** 20, 1023.5, 0].map((bytes) => formatBytes(bytes))).toEqual(['192Mi', '1Ki', '0']);
  expect(() => formatQuantity(NaN)).toThrow('NaN is not an amount of a resource. Use a finite number.');
});

test('every number survives the way to a quantity and back', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(parseQuantity(formatQuantity(value))).toBe(value === 0 ? 0 : value);
    }),
  );
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      expect(parseQuantity(formatBytes(bytes))).toBe(bytes);
    }),
  );
  fc.assert(
    fc.property(fc.nat({ max: 10_000_000 }), (thousandths) => {
      expect(parseQuantity(formatCores(thousandths / 1000))).toBe(thousandths / 1000);
    }),
  );
});

test('CPU is rounded up to a thousandth of a core, never down', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1000, noNaN: true }), (cores) => {
      const text = formatCores(cores);
      expect(text).toMatch(/^\d+m?$/);
      expect(parseQuantity(text)).toBeGreaterThanOrEqual(cores - 1e-9);
      expect(parseQuantity(text)).toBeLessThan(cores + 0.001 + 1e-9);
    }),
  );
});

test('a text is a quantity or malformed, and nothing else', () => {
  const part = fc.constantFrom('1', '0', '.', 'e', 'E', '-', '+', 'Ki', 'Gi', 'm', 'k', 'G', 'n', ' ');
  const codeOf = (text: string): unknown => {
    try {
      return Number.isFinite(parseQuantity(text)) ? 'quantity' : 'infinite';
    } catch (error) {
      return (error as { readonly code?: unknown }).code;
    }
  };
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      expect(['quantity', 'invalid_request']).toContain(codeOf(parts.join('')));
    }),
  );
});

test('resources are read from a node and written for a container', () => {
  const allocatable = { cpu: '7910m', memory: '31Gi', 'ephemeral-storage': '90Gi', pods: '110', 'nvidia.com/gpu': '8' };
  expect(readResources(allocatable)).toEqual({
    cpu: 7.91,
    memory: 31 * 2 ** 30,
    disk: 90 * 2 ** 30,
    pods: 110,
    'nvidia.com/gpu': 8,
  });
  expect(formatResources({ cpu: 0.5, memory: 2 ** 30, disk: 5000, 'nvidia.com/gpu': 2 })).toEqual({
    cpu: '500m',
    memory: '1Gi',
    'ephemeral-storage': '5000',
    'nvidia.com/gpu': '2',
  });
  expect(() => formatResources({ gpu: 1 })).toThrow(
    'Resource `gpu` does not exist on Kubernetes. It has `cpu`, `memory`, `disk` and devices such as `nvidia.com/gpu`.',
  );
  expect(() => formatResources({ 'nvidia.com/gpu': 0.5 })).toThrow(
    'Resource `nvidia.com/gpu` is 0.5. Request a whole number of devices.',
  );
  expect(() => formatResources({ cpu: -1 })).toThrow('Resource `cpu` is -1. Request a number, 0 or more.');
});
