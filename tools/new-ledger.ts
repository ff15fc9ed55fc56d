/** Adds a ledger: npx tsx tools/new-ledger.ts NAME */
import { ledgerScaffold } from './scaffold/ledger-files.ts';
import { runScaffold } from './scaffold/scaffold-command.ts';

await runScaffold({
  program: 'new-ledger',
  summary: 'Adds a ledger: its operations in the API, its tables, its records and a test.',
  scaffold: ledgerScaffold,
});
