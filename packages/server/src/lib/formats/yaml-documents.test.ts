import { expect, test } from 'vitest';
import { parseLimitedYaml } from './yaml-documents.ts';

test('a description with a wide signature is read; one with many tokens is rejected immediately', () => {
  const signature = JSON.stringify(
    Array.from({ length: 20_000 }, (_, at) => ({ type: 'double', name: `column ${at}` })),
  );
  expect(parseLimitedYaml(`flavors:\n  onnx: {data: model.onnx}\nsignature:\n  inputs: '${signature}'\n`)).toEqual({
    flavors: { onnx: { data: 'model.onnx' } },
    signature: { inputs: signature },
  });
  for (const hostile of [`a: [${'1,'.repeat(2_000_000)}1]`, `a: don't\nb:\n${'  - 1\n'.repeat(500_000)}`]) {
    const before = process.cpuUsage();
    expect(() => parseLimitedYaml(hostile)).toThrow('more than 20000 YAML tokens');
    // CPU time in µs: it was 30 s once.
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  }
});
