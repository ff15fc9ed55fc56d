/** Adds a protocol: npx tsx tools/new-protocol.ts NAME */
import { root } from './command.mjs';
import { protocolScaffold } from './scaffold/protocol-files.ts';
import { namesOf } from './scaffold/names.ts';
import { writeScaffold } from './scaffold/scaffold.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  process.stderr.write('usage: npx tsx tools/new-protocol.ts NAME\n');
  process.exitCode = 2;
} else {
  process.stdout.write(await writeScaffold(root, protocolScaffold(namesOf(name))));
}
