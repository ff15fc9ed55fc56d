import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds } from '#compose.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { readDocuments } from '#kernel/manifest-text.ts';
import { systemClock } from '#lib/clock.ts';
import { loadCedarWasm } from '#policy/cedar/language/cedar-wasm.ts';
import { runPolicyFile } from './policy-file.ts';
import { parsePolicies } from './policy-text.ts';

const folder = fileURLToPath(new URL('../../../../../../examples/policies/', import.meta.url));
const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'));
const outbound = await openOutbound({ allowHosts: [] }, '0');
const keys = openEnvKeys(randomBytes(32).toString('base64'));
const { policies: engine } = await loadKinds({ keys, outbound, clock: systemClock });

test.each(files)('%s: every case has the expected result', async (file) => {
  const { cases, failed } = await runPolicyFile(engine, file, await readFile(`${folder}${file}`, 'utf8'), 'default');
  expect(cases.filter((one) => !one.passed)).toEqual([]);
  expect(failed).toBe(0);
});

test.each(files)('%s: every policy has a message, a severity and a control', async (file) => {
  const cedar = await loadCedarWasm();
  for (const { value } of readDocuments(file, await readFile(`${folder}${file}`, 'utf8'))) {
    const { spec } = value as { spec: { cedar: string; tests: { expect: string }[] } };
    const read = parsePolicies(cedar, spec.cedar);
    expect(read.ok).toBe(true);
    for (const { json } of read.ok ? read.parts : []) {
      expect(Object.keys(json.annotations ?? {}).toSorted()).toEqual(['control', 'id', 'message', 'severity']);
    }
    // A case that shows what is refused, and one that shows what is not.
    const expected = new Set(spec.tests.map((one) => (/deny|refused/.test(one.expect) ? 'refused' : 'let')));
    expect([...expected].toSorted()).toEqual(['let', 'refused']);
  }
});
