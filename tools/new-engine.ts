/** Adds an engine, or an implementation of the compute engine: npx tsx tools/new-engine.ts NAME | compute/NAME */
import { computeScaffold } from './scaffold/compute-files.ts';
import { engineScaffold } from './scaffold/engine-files.ts';
import { runScaffold } from './scaffold/scaffold-command.ts';

await runScaffold({
  program: 'new-engine',
  summary: 'Adds an engine with its contract and suite, or with compute/NAME an implementation of the compute engine.',
  argument: 'NAME | compute/NAME',
  prefix: 'compute/',
  scaffold: (names, argument) => (argument.startsWith('compute/') ? computeScaffold(names) : engineScaffold(names)),
});
