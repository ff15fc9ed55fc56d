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
    summary: 'Search what was done and what was refused',
    options: [
      { flags: '--organisation', description: 'in the organisation and all its projects' },
      { flags: '--actor <name>', description: 'only what this user or service account did' },
      { flags: '--type <type>', description: 'only entries of this type' },
      { flags: '--kind <kind>', description: 'only what was done to this kind' },
      { flags: '--name <name>', description: 'only what was done to the resource of this name' },
      { flags: '--outcome <outcome>', description: 'only such attempts', choices: ['succeeded', 'denied', 'failed'] },
      { flags: '--request <id>', description: 'only what this request did' },
      { flags: '--from <time>', description: 'only then or later: 2026-11-24T08:00:00Z' },
      { flags: '--to <time>', description: 'only before' },
      { flags: '--limit <n>', description: 'most entries', default: 50, type: 'integer' },
    ],
    examples: [
      { command: 'audit list --organisation --outcome denied', does: 'everything that was refused' },
      { command: 'audit list --actor jane@example.com --from 2026-11-01T00:00:00Z', does: 'what somebody did' },
    ],
    load: async () => ({ run: (await import('#commands/audit.ts')).list }),
  },
  {
    name: 'audit status',
    group: 'Server',
    summary: 'Tell how large the audit log is, how far it is signed and whether it is whole',
    examples: [{ command: 'audit status', does: 'exit code 1 when something does not fit' }],
    load: async () => ({ run: (await import('#commands/audit.ts')).status }),
  },
  {
    name: 'audit verify',
    group: 'Server',
    summary: 'Verify every entry of the audit log against signed checkpoints',
    details:
      'Recomputes the tree from all entries and compares it with every checkpoint. With --export, --checkpoints and --public-key no server is needed. Exit code 1 when something does not fit.',
    options: [
      {
        flags: '--checkpoints <path>',
        description: 'file or folder of checkpoints kept outside of the database',
        repeatable: true,
        completes: 'file',
      },
      publicKey,
      { flags: '--export <file>', description: 'entries from `dais audit export --format jsonl`', completes: 'file' },
    ],
    examples: [
      { command: 'audit verify --checkpoints /worm/audit --public-key audit.key', does: 'against another place' },
      {
        command: 'audit verify --export log.jsonl --checkpoints cp.txt --public-key audit.key',
        does: 'without a server',
      },
    ],
    load: () => import('#commands/audit-verify.ts'),
  },
  {
    name: 'audit proof',
    group: 'Server',
    summary: 'Prove that one entry is in the audit log, or check such a proof',
    arguments: [{ syntax: '[seq]', description: 'number of the entry' }],
    options: [
      { flags: '--check <file>', description: 'a proof to check; needs no server', completes: 'file' },
      publicKey,
    ],
    examples: [
      { command: 'audit proof 1234 > proof.json', does: 'for somebody who may not see the rest' },
      { command: 'audit proof --check proof.json --public-key KEY', does: 'by whoever got it' },
    ],
    load: async () => ({ run: (await import('#commands/audit.ts')).proof }),
  },
  {
    name: 'audit key',
    group: 'Server',
    summary: 'Print the public key with which checkpoints are verified',
    details: 'Keep it where whoever administers Dais cannot change it.',
    examples: [{ command: 'audit key > audit.key', does: 'once, after the installation' }],
    load: async () => ({ run: (await import('#commands/audit.ts')).key }),
  },
  {
    name: 'audit export',
    group: 'Server',
    summary: 'Write entries for another system, and go on where the last export ended',
    details:
      '`jsonl` gives entries as they were hashed, with personal parts sealed: such a file can be verified. `ecs` (Elastic Common Schema), `elasticsearch` (the same as a body of its `_bulk`) and `syslog` (RFC 5424, octet-counted) are readable, and giving them out is itself an entry. With --to, FILE.cursor keeps the place: each entry is written once, also when the command is killed.',
    options: [
      {
        flags: '--format <format>',
        description: 'form of entries',
        choices: ['ecs', 'elasticsearch', 'jsonl', 'syslog'],
        default: 'ecs',
      },
      {
        flags: '--index <name>',
        description: 'data stream or index that the entries of `elasticsearch` are for',
        default: AUDIT_STREAM,
      },
      { flags: '--to <file>', description: 'append to this file; default: standard output', completes: 'file' },
      { flags: '--after <seq>', description: 'begin after this entry', type: 'integer' },
    ],
    examples: [
      { command: 'audit export --format ecs --to /var/log/dais-audit.ndjson', does: 'from a timer, for a shipper' },
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
    summary: 'Make what the audit log says of a person unreadable for ever',
    details: 'The log stays whole and verifiable. It cannot be undone, and is itself an entry.',
    arguments: [{ syntax: '<user>', description: 'login name' }],
    examples: [{ command: 'audit forget jane@example.com', does: 'erases the key of what was sealed' }],
    load: async () => ({ run: (await import('#commands/audit.ts')).forget }),
  },
  {
    name: 'audit hold',
    group: 'Server',
    summary: 'Begin or end a legal hold on the audit log',
    options: [
      { flags: '--reason <text>', description: 'why nothing may leave' },
      { flags: '--end', description: 'end it' },
    ],
    examples: [
      { command: 'audit hold --reason case-12', does: 'no archive, nobody forgotten' },
      { command: 'audit hold --end', does: 'as before' },
    ],
    load: async () => ({ run: (await import('#commands/audit.ts')).hold }),
  },
];
