import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkAcyclic, checkArrows, checkLight, checkZonesFilled } from './architecture/arrow-rules.ts';
import { printBreaches } from './architecture/breach.ts';
import { checkLayout } from './architecture/layout-rules.ts';
import { readRepository } from './architecture/repository.ts';
import { checkSafety } from './architecture/safety-rules.ts';
import { checkSql } from './architecture/sql-rules.ts';
import { withTable } from './architecture/table.ts';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const files = readRepository(root);

test('the sources were read', () => {
  expect(files.size).toBeGreaterThan(50);
});

test.each([
  ['arrows', checkArrows],
  ['zones', checkZonesFilled],
  ['circles', checkAcyclic],
  ['light programs', (all: typeof files) => checkLight(all)],
  ['safety', checkSafety],
  ['sql', checkSql],
  ['layout', checkLayout],
])('the repository keeps its rules: %s', (_, check) => {
  expect(printBreaches(check(files))).toBe('');
});

test('ARCHITECTURE.md shows the table of today (npx tsx tools/write-arrows.ts writes it)', () => {
  const document = readFileSync(new URL('../ARCHITECTURE.md', import.meta.url), 'utf8');
  expect(document).toBe(withTable(document));
});
