import type { CommandDefinition } from '#commands/definition.ts';

const REFERENCE = 'dataset or dataset version: flights, flights@3, flights@TAG';

/** Statistics and expectations of the rows of a version. */
export const qualityCommands: readonly CommandDefinition[] = [
  {
    name: 'data profile',
    group: 'Data',
    summary: 'Show the column profile of a version',
    details: 'Computes the profile if it does not exist. Values of masked columns are omitted.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [{ flags: '--again', description: 'recompute the profile' }],
    examples: [{ command: 'data profile flights@3', does: 'missing and distinct values, range, most frequent values' }],
    load: async () => ({ run: (await import('#data/quality.ts')).profile }),
  },
  {
    name: 'data suggest',
    group: 'Data',
    summary: 'Suggest expectations from a version',
    details: 'Prints a manifest section with a reason for each expectation.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    examples: [{ command: 'data suggest flights@1 > expectations.yaml', does: 'review it and add it to the Dataset' }],
    load: async () => ({ run: (await import('#data/quality.ts')).suggest }),
  },
  {
    name: 'data check',
    group: 'Data',
    summary: 'Validate a version against expectations',
    details:
      'Uses the expectations of the dataset or of a file. The result does not change the state of the version. Exits with 7 when a blocking expectation fails.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [
      { flags: '-f, --file <file>', description: 'expectations; `-` reads standard input' },
      { flags: '--no-wait', description: 'print the ID of the check and do not wait' },
    ],
    examples: [
      { command: 'data check flights@3 -f expectations.yaml', does: 'test expectations before you apply them' },
    ],
    load: async () => ({ run: (await import('#data/quality.ts')).check }),
  },
  {
    name: 'data checks',
    group: 'Data',
    summary: 'List the validations of a dataset, newest first',
    arguments: [{ syntax: '<dataset>', description: 'dataset name' }],
    options: [{ flags: '--limit <n>', description: 'maximum number of entries', type: 'integer', default: 50 }],
    examples: [{ command: 'data checks flights', does: 'all versions' }],
    load: async () => ({ run: (await import('#data/quality.ts')).checks }),
  },
  {
    name: 'data report',
    group: 'Data',
    summary: 'Show the data quality report of a version',
    details: 'Failed expectations first, then columns compared with the previous version.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [{ flags: '--html', description: 'HTML page with charts and failing rows' }],
    examples: [{ command: 'data report flights@3 --html > flights.html', does: 'a self-contained page' }],
    load: async () => ({ run: (await import('#data/quality.ts')).report }),
  },
  {
    name: 'data release',
    group: 'Data',
    summary: 'Release a quarantined version',
    details: 'The audit log records the reason and your name.',
    arguments: [{ syntax: '<version>', description: 'flights@3' }],
    options: [{ flags: '--reason <text>', description: 'reason for the release' }],
    examples: [
      { command: 'data release flights@3 --reason gap-of-May-4', does: 'flights@latest can resolve to it now' },
    ],
    load: async () => ({ run: (await import('#data/quality.ts')).release }),
  },
];
