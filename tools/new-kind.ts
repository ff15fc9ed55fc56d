/** Adds a kind: npx tsx tools/new-kind.ts NAME */
import { kindScaffold } from './scaffold/kind-files.ts';
import { runScaffold } from './scaffold/scaffold-command.ts';

await runScaffold({
  program: 'new-kind',
  summary: 'Adds a kind of resource: its spec in the API, its controller and its tests.',
  scaffold: kindScaffold,
});
