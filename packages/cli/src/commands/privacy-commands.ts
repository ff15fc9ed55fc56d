import type { CommandDefinition } from '#commands/definition.ts';

const DATASET = { syntax: '<dataset>', description: 'dataset name' } as const;
const COLUMN = { syntax: '<column>', description: 'column, or ID of one finding' } as const;

/** Personal data in datasets, and its masks. */
export const privacyCommands: readonly CommandDefinition[] = [
  {
    name: 'data findings',
    group: 'Data',
    summary: 'List personal data and secrets found in datasets',
    details: 'Every new version is scanned. A column with a finding is masked until the finding is waived.',
    arguments: [{ syntax: '[dataset]', description: 'dataset name; default: all datasets of the project' }],
    options: [
      { flags: '--state <state>', description: 'only in this state', choices: ['open', 'resolved', 'waived', 'gone'] },
      { flags: '--limit <n>', description: 'maximum number of findings', type: 'integer', default: 100 },
    ],
    examples: [
      { command: 'data findings --state open', does: 'undecided findings' },
      { command: 'data findings passengers', does: 'of one dataset' },
    ],
    load: async () => ({ run: (await import('#privacy/findings.ts')).listFindings }),
  },
  {
    name: 'data resolve',
    group: 'Data',
    summary: 'Confirm a finding and keep the column masked',
    arguments: [DATASET, COLUMN],
    options: [
      {
        flags: '--mask <method>',
        description: 'masking method',
        choices: ['redact', 'hash', 'pseudonym', 'generalize'],
        default: 'redact',
      },
      { flags: '--reason <text>', description: 'why' },
    ],
    examples: [{ command: 'data resolve passengers email --mask pseudonym', does: 'equal values stay joinable' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).resolve }),
  },
  {
    name: 'data waive',
    group: 'Data',
    summary: 'Waive a finding and unmask the column',
    arguments: [DATASET, COLUMN],
    options: [
      { flags: '--reason <text>', description: 'reason for the waiver', required: true },
      { flags: '--days <n>', description: 'number of days until the finding reopens', type: 'integer' },
    ],
    examples: [{ command: 'data waive flights crew_code --reason codes', does: 'permanently' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).waive }),
  },
  {
    name: 'data scan',
    group: 'Data',
    summary: 'Rescan a version for personal data',
    arguments: [{ syntax: '<version>', description: 'dataset version: flights@3, flights' }],
    options: [{ flags: '--no-wait', description: 'do not wait' }],
    examples: [{ command: 'data scan passengers@3', does: 'and shows findings' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).scan }),
  },
  {
    name: 'data masks',
    group: 'Data',
    summary: 'Show masked columns of a dataset',
    arguments: [DATASET],
    examples: [{ command: 'data masks passengers', does: 'for users without dataset:unmask' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).masks }),
  },
  {
    name: 'data keys',
    group: 'Data',
    summary: 'List, rotate or destroy pseudonym keys',
    details:
      'Destroying a key is permanent: its pseudonyms can no longer be linked to a person. Earlier backups still contain the encrypted key.',
    options: [
      { flags: '--rotate', description: 'create a new key; new pseudonyms differ from old ones' },
      { flags: '--dataset <name>', description: 'with --rotate: the salt of this dataset' },
      { flags: '--destroy <key>', description: 'destroy this key' },
      { flags: '--reason <text>', description: 'with --destroy: reason' },
    ],
    examples: [
      { command: 'data keys', does: 'list keys' },
      { command: 'data keys --destroy k1 --reason request-17', does: 'pseudonyms k1_… become anonymous' },
    ],
    load: async () => ({ run: (await import('#privacy/keys.ts')).keys }),
  },
];
