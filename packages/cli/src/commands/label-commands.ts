import type { CommandDefinition } from '#commands/definition.ts';

const SET = { syntax: '<set>', description: 'name of the label set' } as const;
const ANNOTATION = { syntax: '<annotation>', description: 'its id, as `dais labels tasks` tells it' } as const;
const REASON = { flags: '--reason <text>', description: 'why' } as const;

/** Labels that people gave. */
export const labelCommands: readonly CommandDefinition[] = [
  {
    name: 'labels list',
    group: 'Data',
    summary: 'List the label sets of the project',
    examples: [{ command: 'labels list', does: 'with how far each is' }],
    load: async () => ({ run: (await import('#labels/sets.ts')).listSets }),
  },
  {
    name: 'labels create',
    group: 'Data',
    summary: 'Begin a set of labels for a dataset',
    arguments: [SET],
    options: [
      { flags: '--dataset <version>', description: 'what is labelled: flights@3', required: true },
      { flags: '--control <name>', description: 'the control whose values are the label (`from_name`)' },
      {
        flags: '--level <level>',
        description: 'how far two labels are apart',
        choices: ['nominal', 'ordinal', 'interval'],
        default: 'nominal',
      },
    ],
    examples: [{ command: 'labels create mood --dataset reviews@3 --control sentiment', does: 'of choices' }],
    load: async () => ({ run: (await import('#labels/sets.ts')).createSet }),
  },
  {
    name: 'labels guideline',
    group: 'Data',
    summary: 'Write down what annotators are told from now on',
    arguments: [SET, { syntax: '<file>', description: 'Markdown; `-` for standard input' }],
    examples: [{ command: 'labels guideline mood guideline.md', does: 'the next version of it' }],
    load: async () => ({ run: (await import('#labels/sets.ts')).addGuideline }),
  },
  {
    name: 'labels import',
    group: 'Data',
    summary: 'Bring in tasks and annotations of Label Studio',
    details: 'An export of type JSON. The same file again changes nothing; what changed becomes a new version.',
    arguments: [SET, { syntax: '<file>', description: 'the export; `-` for standard input' }],
    options: [
      {
        flags: '--guideline <n>',
        description: 'the version that annotators had; default: the newest',
        type: 'integer',
      },
      {
        flags: '--annotator <id=user>',
        description: 'which user it is that the tool calls so: 10=ada',
        repeatable: true,
      },
    ],
    examples: [{ command: 'labels import mood export.json --annotator 10=ada', does: 'who nobody names keeps the id' }],
    load: async () => ({ run: (await import('#labels/transfer.ts')).importLabels }),
  },
  {
    name: 'labels export',
    group: 'Data',
    summary: 'Write tasks and annotations as Label Studio reads them',
    arguments: [SET, { syntax: '[file]', description: 'default: standard output' }],
    examples: [{ command: 'labels export mood mood.json', does: 'what came in, with what was added' }],
    load: async () => ({ run: (await import('#labels/transfer.ts')).exportLabels }),
  },
  {
    name: 'labels tasks',
    group: 'Data',
    summary: 'Show tasks with their labels and what reviewers said',
    arguments: [SET],
    options: [
      { flags: '--state <state>', description: 'only those', choices: ['open', 'labelled', 'accepted', 'rejected'] },
      { flags: '--disagreed', description: 'only those whose labels differ' },
      { flags: '--limit <n>', description: 'at most so many', type: 'integer', default: 50 },
    ],
    examples: [{ command: 'labels tasks mood --disagreed', does: 'what has to be settled' }],
    load: async () => ({ run: (await import('#labels/review.ts')).listTasks }),
  },
  {
    name: 'labels review',
    group: 'Data',
    summary: 'Accept or reject a label; never one of your own',
    arguments: [SET, ANNOTATION],
    options: [
      { flags: '--accept', description: 'it is right' },
      { flags: '--reject', description: 'it is wrong' },
      { flags: '--settle', description: 'it is right, and all others of its task are wrong' },
      REASON,
    ],
    examples: [
      { command: 'labels review mood 0198c0de-0000-7000-8000-000000000000 --accept', does: 'one label' },
      {
        command: 'labels review mood 0198c0de-0000-7000-8000-000000000000 --settle --reason "see 2.1"',
        does: 'a task whose labels differ',
      },
    ],
    load: async () => ({ run: (await import('#labels/review.ts')).review }),
  },
  {
    name: 'labels accept-agreed',
    group: 'Data',
    summary: 'Accept every label on which enough annotators agree and none says otherwise',
    arguments: [SET],
    options: [{ flags: '--at-least <n>', description: 'how many have to agree', type: 'integer', default: 2 }, REASON],
    examples: [{ command: 'labels accept-agreed mood --at-least 3', does: 'the rest waits for a verdict' }],
    load: async () => ({ run: (await import('#labels/review.ts')).acceptAgreed }),
  },
  {
    name: 'labels agreement',
    group: 'Data',
    summary: 'Tell how far annotators agree',
    arguments: [SET],
    options: [{ flags: '--guideline <n>', description: 'only labels given under this version', type: 'integer' }],
    examples: [{ command: 'labels agreement mood', does: 'over all, by label and by pair' }],
    load: async () => ({ run: (await import('#labels/review.ts')).agreement }),
  },
  {
    name: 'labels publish',
    group: 'Data',
    summary: 'Make a dataset version of the accepted labels',
    arguments: [SET],
    options: [
      { flags: '--dataset <name>', description: 'which dataset gets it; default: one called as the set' },
      { flags: '-m, --message <text>', description: 'said of the version' },
      { flags: '--no-wait', description: 'do not wait for the version' },
    ],
    examples: [
      { command: 'labels publish mood --dataset reviews-labelled', does: 'with lineage to what was labelled' },
    ],
    load: async () => ({ run: (await import('#labels/sets.ts')).publish }),
  },
];
