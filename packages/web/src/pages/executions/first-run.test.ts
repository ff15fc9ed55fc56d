import { expect, test } from 'vitest';
import { firstRunLines } from './first-run.ts';

test('three lines start the first execution, without a token in them', () => {
  expect(firstRunLines({ server: 'http://localhost:8080', project: 'default', accounts: false })).toBe(
    "export DAIS_URL=http://localhost:8080\ndais run --name first -- sh -c 'echo hello; sleep 5'\ndais runs",
  );
  expect(firstRunLines({ server: 'https://dais.example', project: 'flights', accounts: true }).split('\n')).toEqual([
    'dais login https://dais.example',
    "dais run --name first -p flights -- sh -c 'echo hello; sleep 5'",
    'dais runs -p flights',
  ]);
});
