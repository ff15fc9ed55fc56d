import { expect, test } from 'vitest';
import { curlCall, firstBody, pythonCall, typeScriptCall } from './try-calls.ts';

test('a body starts with the stored example, or else with one row that fits the signature', () => {
  expect(JSON.parse(firstBody({ example: { inputs: [[1]] }, inputs: [] }))).toEqual({ inputs: [[1]] });
  const inputs = [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'town', datatype: 'BYTES', shape: [-1] },
  ];
  expect(JSON.parse(firstBody({ example: null, inputs }))).toEqual({ inputs: { x: [[0, 0]], town: ['text'] } });
});

test('a call is quoted for a shell, and names only the variable of a token', () => {
  const call = { url: 'http://a/b', body: `{"town": "O'Hare"}`, accounts: false };
  expect(curlCall(call)).toBe(`curl 'http://a/b' -H 'content-type: application/json' -d '{"town":"O'\\''Hare"}'`);
  expect(typeScriptCall(call)).toContain(`body: JSON.stringify({"town":"O'Hare"})`);
  const authenticated = { ...call, accounts: true };
  expect(curlCall(authenticated)).toContain('$DAIS_TOKEN');
  expect(pythonCall(authenticated)).toContain('os.environ["DAIS_TOKEN"]');
  expect(typeScriptCall(authenticated)).toContain("process.env['DAIS_TOKEN']");
});
