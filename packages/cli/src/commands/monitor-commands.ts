import type { CommandDefinition } from '#commands/definition.ts';

const MONITOR = { syntax: '<monitor>', description: 'its name' } as const;
const LIMIT = { flags: '--limit <n>', description: 'at most so many', type: 'integer', default: 50 } as const;

/** What monitors found, and what is done about it. */
export const monitorCommands: readonly CommandDefinition[] = [
  {
    name: 'monitor list',
    group: 'Serving',
    summary: 'List the monitors with what their newest windows say',
    details: 'The last column is a sign for each of the newest windows: `.` good, `!` bad, `?` not known.',
    options: [
      { flags: '--endpoint <name>', description: 'only those of this endpoint' },
      { flags: '--dataset <name>', description: 'only those of this dataset' },
      LIMIT,
    ],
    examples: [{ command: 'monitor list', does: 'all of the project' }],
    load: async () => ({ run: (await import('#monitors/read.ts')).list }),
  },
  {
    name: 'monitor get',
    group: 'Serving',
    summary: 'Show what a monitor says now: each check, open alerts, what they started',
    details: 'Ends with 7 when the newest window is bad.',
    arguments: [MONITOR],
    examples: [{ command: 'monitor get delays', does: 'in a script: good, or not' }],
    load: async () => ({ run: (await import('#monitors/read.ts')).get }),
  },
  {
    name: 'monitor report',
    group: 'Serving',
    summary: 'Show the report of a window',
    details: 'What is bad comes first, then what is not known, with the reason of each.',
    arguments: [MONITOR, { syntax: '[window]', description: 'its number; default: the newest' }],
    options: [
      { flags: '--all', description: 'what is good too' },
      { flags: '--html', description: 'as one HTML page with both sides of each column' },
    ],
    examples: [
      { command: 'monitor report delays', does: 'of the newest window' },
      { command: 'monitor report delays 12 --html > delays.html', does: 'a page that needs nothing else' },
    ],
    load: async () => ({ run: (await import('#monitors/report.ts')).report }),
  },
  {
    name: 'monitor history',
    group: 'Serving',
    summary: 'Show how the figures of a monitor went, window by window',
    details: 'Those that were bad most often come first. The line is drawn from the least to the greatest value.',
    arguments: [MONITOR],
    options: [
      { flags: '--check <name>', description: 'only of this check' },
      { flags: '--column <name>', description: 'only of this column' },
      { flags: '--windows <n>', description: 'so many windows', type: 'integer', default: 40 },
      LIMIT,
    ],
    examples: [{ command: 'monitor history delays --check drift', does: 'which columns drift, and since when' }],
    load: async () => ({ run: (await import('#monitors/report.ts')).history }),
  },
  {
    name: 'monitor ack',
    group: 'Serving',
    summary: 'Say that you look after an alert',
    details: 'It stays open until it is resolved by good windows. Without an id: the one that is open.',
    arguments: [MONITOR, { syntax: '[alert]', description: 'its id; needed where several are open' }],
    options: [{ flags: '--note <text>', description: 'what is done about it', default: '' }],
    examples: [{ command: 'monitor ack delays --note retraining-on-July', does: 'others see that, and who said it' }],
    load: async () => ({ run: (await import('#monitors/act.ts')).acknowledge }),
  },
  {
    name: 'monitor run',
    group: 'Serving',
    summary: 'Judge every window that has ended now',
    details: 'Instead of at the next turn. It does not wait: `dais monitor get` tells what was found.',
    arguments: [MONITOR],
    examples: [{ command: 'monitor run delays', does: 'after labels were brought' }],
    load: async () => ({ run: (await import('#monitors/act.ts')).run }),
  },
];
