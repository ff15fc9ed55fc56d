import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { pipelineSpec, platformSpec } from './messages.ts';

const page = readFileSync(new URL('../../../../../../docs/guide/kfp-ir.md', import.meta.url), 'utf8');

function fieldsOf(schema: z.ZodType, found: Set<string>): Set<string> {
  if (schema instanceof z.ZodOptional) fieldsOf(schema.unwrap() as z.ZodType, found);
  else if (schema instanceof z.ZodArray) fieldsOf(schema.element as z.ZodType, found);
  else if (schema instanceof z.ZodRecord) fieldsOf(schema.valueType as z.ZodType, found);
  else if (schema instanceof z.ZodObject) {
    for (const [name, inner] of Object.entries(schema.shape)) {
      found.add(name);
      fieldsOf(inner as z.ZodType, found);
    }
  }
  return found;
}

test('the documentation page lists exactly the supported fields', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'));
  const named = new Set(
    rows.flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name)),
  );
  const read = fieldsOf(platformSpec, fieldsOf(pipelineSpec, new Set()));
  expect([...read].filter((name) => !named.has(name))).toEqual([]);
  expect([...named].filter((name) => !read.has(name ?? ''))).toEqual([]);
});
