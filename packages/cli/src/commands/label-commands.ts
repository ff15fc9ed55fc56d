import type { CommandDefinition } from '#commands/definition.ts';

const SET = { syntax: '<set>', description: 'name of the label set' } as const;
const ANNOTATION = { syntax: '<annotation>', description: 'annotation ID from `dais labels tasks`' } as const;
const REASON = { flags: '--reason <text>', description: 'why' } as const;

/** Annotations of people. */
export const labelCommands: readonly CommandDefinition[] = [
  {
    name: 'labels list',
    group: 'Data',
    summary: 'List the label sets of the project',
    examples: [{ command: 'labels list', does: 'with progress' }],
    load: async () => ({ run: (await import('#labels/sets.ts')).listSets }),
  },
  {
    name: 'labels create',
    group: 'Data',
    summary: 'Create a label set for a dataset',
    arguments: [SET],
    options: [
      { flags: '--dataset <version>', description: 'dataset version to label: flights@3', required: true },
      { flags: '--control <name>', description: 'control whose values are the label (`from_name`)' },
      {
        flags: '--level <level>',
        description: 'distance metric between labels',
        choices: ['nominal', 'ordinal', 'interval'],
        default: 'nominal',
      },
    ],
    examples: [{ command: 'labels create mood --dataset reviews@3 --control sentiment', does: 'choices' }],
    load: async () => ({ run: (await import('#labels/sets.ts')).createSet }),
  },
  {
    name: 'labels guideline',
    group: 'Data',
    summary: 'Publish a new guideline for annotators',
    arguments: [SET, { syntax: '<file>', description: 'Markdown; `-` for standard input' }],
    examples: [{ command: 'labels guideline mood guideline.md', does: 'next version of the guideline' }],
    load: async () => ({ run: (await import('#labels/sets.ts')).addGuideline }),
  },
  {
    name: 'labels import',
    group: 'Data',
    summary: 'Import tasks and annotations from Label Studio',
    details:
      'Takes an export of type JSON. Importing the same file again changes nothing; changed annotations become new versions.',
    arguments: [SET, { syntax: '<file>', description: 'export file; `-` for standard input' }],
    options: [
      {
        flags: '--guideline <n>',
        description: 'guideline version that annotators used; default: the latest',
        type: 'integer',
      },
      {
        flags: '--annotator <id=user>',
        description: 'map an annotator ID of the tool to a user: 10=ada',
        repeatable: true,
      },
    ],
    examples: [
      { command: 'labels import mood export.json --annotator 10=ada', does: 'unmapped annotators keep their ID' },
    ],
    load: async () => ({ run: (await import('#labels/transfer.ts')).importLabels }),
  },
  {
    name: 'labels export',
    group: 'Data',
    summary: 'Export tasks and annotations for Label Studio',
    arguments: [SET, { syntax: '[file]', description: 'default: standard output' }],
    examples: [{ command: 'labels export mood mood.json', does: 'imported tasks with all annotations' }],
    load: async () => ({ run: (await import('#labels/transfer.ts')).exportLabels }),
  },
  {
    name: 'labels tasks',
    group: 'Data',
    summary: 'Show tasks with labels and reviews',
    arguments: [SET],
    options: [
      {
        flags: '--state <state>',
        description: 'only in this state',
        choices: ['open', 'labeled', 'accepted', 'rejected'],
      },
      { flags: '--disagreed', description: 'only tasks whose labels differ' },
      { flags: '--limit <n>', description: 'maximum number of tasks', type: 'integer', default: 50 },
    ],
    examples: [{ command: 'labels tasks mood --disagreed', does: 'disagreements' }],
    load: async () => ({ run: (await import('#labels/review.ts')).listTasks }),
  },
  {
    name: 'labels review',
    group: 'Data',
    summary: 'Accept or reject a label (not your own)',
    arguments: [SET, ANNOTATION],
    options: [
      { flags: '--accept', description: 'accept the label' },
      { flags: '--reject', description: 'reject the label' },
      { flags: '--settle', description: 'accept the label and reject all others of its task' },
      REASON,
    ],
    examples: [
      { command: 'labels review mood 0198c0de-0000-7000-8000-000000000000 --accept', does: 'one label' },
      {
        command: 'labels review mood 0198c0de-0000-7000-8000-000000000000 --settle --reason 2.1',
        does: 'resolve a disagreement',
      },
    ],
    load: async () => ({ run: (await import('#labels/review.ts')).review }),
  },
  {
    name: 'labels accept-agreed',
    group: 'Data',
    summary: 'Accept every label on which enough annotators agree and none disagrees',
    arguments: [SET],
    options: [
      { flags: '--at-least <n>', description: 'minimum number of agreeing annotators', type: 'integer', default: 2 },
      REASON,
    ],
    examples: [{ command: 'labels accept-agreed mood --at-least 3', does: 'other tasks wait for review' }],
    load: async () => ({ run: (await import('#labels/review.ts')).acceptAgreed }),
  },
  {
    name: 'labels agreement',
    group: 'Data',
    summary: 'Show annotator agreement',
    arguments: [SET],
    options: [{ flags: '--guideline <n>', description: 'only labels of this guideline version', type: 'integer' }],
    examples: [{ command: 'labels agreement mood', does: 'overall, by label and by pair' }],
    load: async () => ({ run: (await import('#labels/review.ts')).agreement }),
  },
  {
    name: 'labels publish',
    group: 'Data',
    summary: 'Publish accepted labels as a dataset version',
    arguments: [SET],
    options: [
      { flags: '--dataset <name>', description: 'target dataset; default: the name of the label set' },
      { flags: '-m, --message <text>', description: 'description of the version' },
      { flags: '--no-wait', description: 'do not wait for the version' },
    ],
    examples: [{ command: 'labels publish mood --dataset reviews-labeled', does: 'with lineage to the labeled data' }],
    load: async () => ({ run: (await import('#labels/sets.ts')).publish }),
  },
];
