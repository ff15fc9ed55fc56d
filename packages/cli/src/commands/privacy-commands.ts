import type { CommandDefinition } from '#commands/definition.ts';

const DATASET = { syntax: '<dataset>', description: 'its name' } as const;
const COLUMN = { syntax: '<column>', description: 'the column, or the id of one finding' } as const;

/** What is personal in datasets, and what others see in its place. */
export const privacyCommands: readonly CommandDefinition[] = [
  {
    name: 'data findings',
    group: 'Data',
    summary: 'List what was found in datasets that is personal or secret',
    details: 'Every new version is looked at. A finding is masked until somebody waives it.',
    arguments: [{ syntax: '[dataset]', description: 'its name; default: all of the project' }],
    options: [
      { flags: '--state <state>', description: 'only those', choices: ['open', 'resolved', 'waived', 'gone'] },
      { flags: '--limit <n>', description: 'at most so many', type: 'integer', default: 100 },
    ],
    examples: [
      { command: 'data findings --state open', does: 'what nobody has decided about' },
      { command: 'data findings passengers', does: 'of one dataset' },
    ],
    load: async () => ({ run: (await import('#privacy/findings.ts')).listFindings }),
  },
  {
    name: 'data resolve',
    group: 'Data',
    summary: 'Say that a column holds what it looks like: it stays masked',
    arguments: [DATASET, COLUMN],
    options: [
      {
        flags: '--mask <method>',
        description: 'what stands in the place of its values',
        choices: ['redact', 'hash', 'pseudonym', 'generalise'],
        default: 'redact',
      },
      { flags: '--reason <text>', description: 'why' },
    ],
    examples: [{ command: 'data resolve passengers email --mask pseudonym', does: 'it can still be joined by' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).resolve }),
  },
  {
    name: 'data waive',
    group: 'Data',
    summary: 'Say that a column may be shown as it is',
    arguments: [DATASET, COLUMN],
    options: [
      { flags: '--reason <text>', description: 'why it may stay as it is', required: true },
      { flags: '--days <n>', description: 'after so many days it is open again', type: 'integer' },
    ],
    examples: [{ command: 'data waive flights crew_code --reason "codes, not people"', does: 'for good' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).waive }),
  },
  {
    name: 'data scan',
    group: 'Data',
    summary: 'Look for personal data in a version again',
    arguments: [{ syntax: '<version>', description: 'a version of a dataset: flights@3, flights' }],
    options: [{ flags: '--no-wait', description: 'do not wait for its end' }],
    examples: [{ command: 'data scan passengers@3', does: 'and tells what was found' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).scan }),
  },
  {
    name: 'data masks',
    group: 'Data',
    summary: 'Tell which columns of a dataset are masked, and how',
    arguments: [DATASET],
    examples: [{ command: 'data masks passengers', does: 'for whoever may not unmask' }],
    load: async () => ({ run: (await import('#privacy/findings.ts')).masks }),
  },
  {
    name: 'data keys',
    group: 'Data',
    summary: 'List, rotate or destroy the keys that pseudonyms are made with',
    details:
      'A key that is destroyed is gone for good: what was made with it can be linked to nobody. Backups made before still hold it, sealed.',
    options: [
      { flags: '--rotate', description: 'make a new key; pseudonyms are other ones from then on' },
      { flags: '--dataset <name>', description: 'with --rotate: the salt of this dataset' },
      { flags: '--destroy <key>', description: 'destroy this one' },
      { flags: '--reason <text>', description: 'with --destroy: why' },
    ],
    examples: [
      { command: 'data keys', does: 'which there are' },
      { command: 'data keys --destroy k1 --reason "erasure request 17"', does: 'nobody can link k1_… again' },
    ],
    load: async () => ({ run: (await import('#privacy/keys.ts')).keys }),
  },
];
