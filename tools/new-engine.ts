/** Adds an engine, or an implementation of the compute engine: npx tsx tools/new-engine.ts NAME | compute/NAME */
import { root } from './command.mjs';
import { computeScaffold } from './scaffold/compute-files.ts';
import { engineScaffold } from './scaffold/engine-files.ts';
import { namesOf } from './scaffold/names.ts';
import { writeScaffold } from './scaffold/scaffold.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  process.stderr.write('usage: npx tsx tools/new-engine.ts NAME | compute/NAME\n');
  process.exitCode = 2;
} else {
  const implementation = /^compute\/(.*)$/.exec(name)?.[1];
  const scaffold =
    implementation === undefined ? engineScaffold(namesOf(name)) : computeScaffold(namesOf(implementation));
  process.stdout.write(await writeScaffold(root, scaffold));
}
