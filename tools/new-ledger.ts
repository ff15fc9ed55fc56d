/** Adds a ledger: npx tsx tools/new-ledger.ts NAME */
import { root } from './command.mjs';
import { ledgerScaffold } from './scaffold/ledger-files.ts';
import { namesOf } from './scaffold/names.ts';
import { writeScaffold } from './scaffold/scaffold.ts';

const [name] = process.argv.slice(2);
if (name === undefined) {
  process.stderr.write('usage: npx tsx tools/new-ledger.ts NAME\n');
  process.exitCode = 2;
} else {
  process.stdout.write(await writeScaffold(root, ledgerScaffold(namesOf(name))));
}
