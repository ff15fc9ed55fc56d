import { expect, test } from 'vitest';
import { curlCall, firstBody, milliseconds } from './endpoint-words.ts';

test('a body begins with the stored example, else with one row of what the model takes', () => {
  expect(JSON.parse(firstBody({ example: { inputs: [[1]] }, inputs: [] }))).toEqual({ inputs: [[1]] });
  const inputs = [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'town', datatype: 'BYTES', shape: [-1] },
  ];
  expect(JSON.parse(firstBody({ example: null, inputs }))).toEqual({ inputs: { x: [[0, 0]], town: ['text'] } });
});

test('a call survives a shell', () => {
  expect(curlCall('http://a/b', `{"town": "O'Hare"}`)).toBe(
    `curl 'http://a/b' -H 'content-type: application/json' -d '{"town":"O'\\''Hare"}'`,
  );
  expect(milliseconds(null)).toBe('–');
  expect(milliseconds(1.234)).toBe('1.23 ms');
});
