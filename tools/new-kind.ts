/** Adds a kind: npx tsx tools/new-kind.ts NAME */
import { root } from './command.mjs';
import { kindScaffold } from './scaffold/kind-files.ts';
import { namesOf } from './scaffold/names.ts';
import { writeScaffold } from './scaffold/scaffold.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  process.stderr.write('usage: npx tsx tools/new-kind.ts NAME\n');
  process.exitCode = 2;
} else {
  process.stdout.write(await writeScaffold(root, kindScaffold(namesOf(name))));
}
