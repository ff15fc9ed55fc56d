/** Writes the arrow table into ARCHITECTURE.md: npx tsx tools/write-arrows.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import { withTable } from './architecture/table.ts';

const file = new URL('../ARCHITECTURE.md', import.meta.url);
writeFileSync(file, withTable(readFileSync(file, 'utf8')));
