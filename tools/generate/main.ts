/** Writes docs/reference, dashboards and alerts from the code; with --check only reports differences. */
import { fileURLToPath } from 'node:url';
import { reference } from './reference.ts';
import { differences, writeReference } from './reference-folder.ts';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const files = reference();
const differing = differences(root, files);

if (process.argv.includes('--check')) {
  for (const line of differing) process.stderr.write(`${line}\n`);
  if (differing.length > 0) {
    process.stderr.write('The generated files differ from the code: run `npm run generate` and commit the result.\n');
    process.exitCode = 1;
  }
} else {
  writeReference(root, files);
  for (const line of differing) process.stdout.write(`${line}\n`);
  process.stdout.write(`${files.length} files, ${differing.length} were different.\n`);
}
