/** Adds a protocol: npx tsx tools/new-protocol.ts NAME */
import { protocolScaffold } from './scaffold/protocol-files.ts';
import { runScaffold } from './scaffold/scaffold-command.ts';

await runScaffold({
  program: 'new-protocol',
  summary: 'Adds a protocol of a foreign client: its routes, its errors and a test.',
  scaffold: protocolScaffold,
});
