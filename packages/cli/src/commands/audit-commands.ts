import { AUDIT_STREAM } from '#audit/elasticsearch.ts';
import type { CommandDefinition, OptionDefinition } from '#commands/definition.ts';

const publicKey: OptionDefinition = {
  flags: '--public-key <key>',
  description: 'what `dais audit key` printed, or a file with it',
  completes: 'file',
};

export const auditCommands: readonly CommandDefinition[] = [
  {
    name: 'audit list',
    group: 'Server',
    summary: 'Search the audit log',
    options: [
      { flags: '--organization', description: 'in the organization and all its projects' },
      { flags: '--actor <name>', description: 'only entries of this user or service account' },
      { flags: '--type <type>', description: 'only entries of this type' },
      { flags: '--kind <kind>', description: 'only entries about this kind' },
      { flags: '--name <name>', description: 'only entries about the resource with this name' },
      {
        flags: '--outcome <outcome>',
        description: 'only entries with this outcome',
        choices: ['succeeded', 'denied', 'failed'],
      },
      { flags: '--request <id>', description: 'only entries of this request' },
      { flags: '--from <time>', description: 'start time, inclusive: 2026-11-24T08:00:00Z' },
      { flags: '--to <time>', description: 'end time, exclusive' },
      { flags: '--limit <n>', description: 'maximum number of entries', default: 50, type: 'integer' },
    ],
    examples: [
      { command: 'audit list --organization --outcome denied', does: 'denied actions' },
      { command: 'audit list --actor jane@example.com --from 2026-11-01T00:00:00Z', does: 'actions of one user' },
    ],
    load: async () => ({ run: (await import('#commands/audit.ts')).list }),
  },
  {
    name: 'audit status',
    group: 'Server',
    summary: 'Show the size, signed range and integrity of the audit log',
    examples: [{ command: 'audit status', does: 'exit code 1 when verification fails' }],
    load: async () => ({ run: (await import('#commands/audit.ts')).status }),
  },
  {
    name: 'audit verify',
    group: 'Server',
    summary: 'Verify every entry of the audit log against signed checkpoints',
    details:
      'Recomputes the hash tree from all entries and compares it with every checkpoint. With --export, --checkpoints and --public-key no server is needed. Exit code 1 when verification fails.',
    options: [
      {
        flags: '--checkpoints <path>',
        description: 'file or folder with checkpoints stored outside of the database',
        repeatable: true,
        completes: 'file',
      },
      publicKey,
      { flags: '--export <file>', description: 'entries from `dais audit export --format jsonl`', completes: 'file' },
    ],
    examples: [
      {
        command: 'audit verify --checkpoints /worm/audit --public-key audit.key',
        does: 'against checkpoints stored elsewhere',
      },
      {
        command: 'audit verify --export log.jsonl --checkpoints cp.txt --public-key audit.key',
        does: 'offline',
      },
    ],
    load: () => import('#commands/audit-verify.ts'),
  },
  {
    name: 'audit proof',
    group: 'Server',
    summary: 'Create or check an inclusion proof of one audit log entry',
    arguments: [{ syntax: '[seq]', description: 'number of the entry' }],
    options: [
      { flags: '--check <file>', description: 'proof to check; needs no server', completes: 'file' },
      publicKey,
    ],
    examples: [
      { command: 'audit proof 1234 > proof.json', does: 'for a person without access to the log' },
      { command: 'audit proof --check proof.json --public-key KEY', does: 'offline check of the proof' },
    ],
    load: async () => ({ run: (await import('#commands/audit.ts')).proof }),
  },
  {
    name: 'audit key',
    group: 'Server',
    summary: 'Print the public key that verifies checkpoints',
    details: 'Store it where administrators of Dais cannot change it.',
    examples: [{ command: 'audit key > audit.key', does: 'once, after the installation' }],
    load: async () => ({ run: (await import('#commands/audit.ts')).key }),
  },
  {
    name: 'audit export',
    group: 'Server',
    summary: 'Export entries for another system, continuing after the last export',
    details:
      '`jsonl` writes entries as hashed, with personal data encrypted; the file can be verified. `ecs` (Elastic Common Schema), `elasticsearch` (the same as a `_bulk` body) and `syslog` (RFC 5424, octet-counted) are readable, and each such export is an audit entry. With --to, FILE.cursor stores the position: each entry is written once, even after a kill.',
    options: [
      {
        flags: '--format <format>',
        description: 'output format of entries',
        choices: ['ecs', 'elasticsearch', 'jsonl', 'syslog'],
        default: 'ecs',
      },
      {
        flags: '--index <name>',
        description: 'data stream or index for `elasticsearch`',
        default: AUDIT_STREAM,
      },
      { flags: '--to <file>', description: 'append to this file; default: standard output', completes: 'file' },
      { flags: '--after <seq>', description: 'start after this entry', type: 'integer' },
    ],
    examples: [
      {
        command: 'audit export --format ecs --to /var/log/dais-audit.ndjson',
        does: 'periodic export for a log shipper',
      },
      {
        command:
          'audit export --format elasticsearch | curl -H content-type:application/x-ndjson --data-binary @- URL/_bulk',
        does: 'into Elasticsearch',
      },
      { command: 'audit export --format jsonl --to log.jsonl', does: 'for an auditor' },
    ],
    load: () => import('#commands/audit-export.ts'),
  },
  {
    name: 'audit forget',
    group: 'Server',
    summary: 'Permanently erase personal data of a user from the audit log',
    details: 'The log stays verifiable. The erasure is an audit entry and cannot be undone.',
    arguments: [{ syntax: '<user>', description: 'login name' }],
    examples: [{ command: 'audit forget jane@example.com', does: 'destroys the encryption key of the personal data' }],
    load: async () => ({ run: (await import('#commands/audit.ts')).forget }),
  },
  {
    name: 'audit hold',
    group: 'Server',
    summary: 'Start or end a legal hold on the audit log',
    options: [
      { flags: '--reason <text>', description: 'reason for the hold' },
      { flags: '--end', description: 'end the hold' },
    ],
    examples: [
      { command: 'audit hold --reason case-12', does: 'stops archiving and erasure' },
      { command: 'audit hold --end', does: 'resumes archiving and erasure' },
    ],
    load: async () => ({ run: (await import('#commands/audit.ts')).hold }),
  },
];
