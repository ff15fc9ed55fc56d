/** Adds a engine: npx tsx tools/new-engine.ts NAME */
import { root } from './command.mjs';
import { engineScaffold } from './scaffold/engine-files.ts';
import { namesOf } from './scaffold/names.ts';
import { writeScaffold } from './scaffold/scaffold.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  process.stderr.write('usage: npx tsx tools/new-engine.ts NAME\n');
  process.exitCode = 2;
} else {
  process.stdout.write(await writeScaffold(root, engineScaffold(namesOf(name))));
}
