import type { CommandDefinition } from '#commands/definition.ts';

const REFERENCE = 'a dataset, or a version of it: flights, flights@3, flights@TAG';

/** What the rows of a version are like, and whether they are as expected. */
export const qualityCommands: readonly CommandDefinition[] = [
  {
    name: 'data profile',
    group: 'Data',
    summary: 'Show what is in the columns of a version',
    details: 'It is made when it is not there. Values of masked columns are left out.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [{ flags: '--again', description: 'look at the rows again' }],
    examples: [{ command: 'data profile flights@3', does: 'missing and different values, range, most frequent' }],
    load: async () => ({ run: (await import('#data/quality.ts')).profile }),
  },
  {
    name: 'data suggest',
    group: 'Data',
    summary: 'Propose expectations from a version',
    details: 'Prints a part of a manifest, with what speaks for each expectation above it.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    examples: [
      { command: 'data suggest flights@1 > expectations.yaml', does: 'to look through, and put into the Dataset' },
    ],
    load: async () => ({ run: (await import('#data/quality.ts')).suggest }),
  },
  {
    name: 'data check',
    group: 'Data',
    summary: 'Check a version against expectations',
    details:
      'Those of the dataset, or of a file: a list of expectations, or what `dais data suggest` prints. It decides nothing: that did the checks when the version was made. Ends with 7 when an expectation that blocks is broken.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [
      { flags: '-f, --file <file>', description: 'expectations; `-` reads standard input' },
      { flags: '--no-wait', description: 'print the id of the check, and do not wait' },
    ],
    examples: [{ command: 'data check flights@3 -f expectations.yaml', does: 'before they are in the manifest' }],
    load: async () => ({ run: (await import('#data/quality.ts')).check }),
  },
  {
    name: 'data checks',
    group: 'Data',
    summary: 'List the checks of a dataset, the newest first',
    arguments: [{ syntax: '<dataset>', description: 'its name' }],
    options: [{ flags: '--limit <n>', description: 'at most so many', type: 'integer', default: 50 }],
    examples: [{ command: 'data checks flights', does: 'of all versions' }],
    load: async () => ({ run: (await import('#data/quality.ts')).checks }),
  },
  {
    name: 'data report',
    group: 'Data',
    summary: 'Show all that is known of the rows of a version',
    details: 'Broken expectations first, then the columns, beside the version before.',
    arguments: [{ syntax: '<version>', description: REFERENCE }],
    options: [{ flags: '--html', description: 'as one HTML page with pictures and rows that break expectations' }],
    examples: [{ command: 'data report flights@3 --html > flights.html', does: 'a page that needs nothing else' }],
    load: async () => ({ run: (await import('#data/quality.ts')).report }),
  },
  {
    name: 'data release',
    group: 'Data',
    summary: 'Let a quarantined version be used',
    details: 'The reason stays in the audit log, with who gave it.',
    arguments: [{ syntax: '<version>', description: 'flights@3' }],
    options: [{ flags: '--reason <text>', description: 'why it may be used although a check failed' }],
    examples: [{ command: 'data release flights@3 --reason gap-of-May-4', does: 'flights@latest may be it now' }],
    load: async () => ({ run: (await import('#data/quality.ts')).release }),
  },
];
