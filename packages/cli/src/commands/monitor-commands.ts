import type { CommandDefinition } from '#commands/definition.ts';

const MONITOR = { syntax: '<monitor>', description: 'monitor name' } as const;
const LIMIT = { flags: '--limit <n>', description: 'maximum number of entries', type: 'integer', default: 50 } as const;

/** Findings of monitors, and actions on them. */
export const monitorCommands: readonly CommandDefinition[] = [
  {
    name: 'monitor list',
    group: 'Serving',
    summary: 'List monitors with the status of their latest windows',
    details: 'The last column shows the latest windows: `.` passing, `!` failing, `?` unknown.',
    options: [
      { flags: '--endpoint <name>', description: 'only monitors of this endpoint' },
      { flags: '--dataset <name>', description: 'only monitors of this dataset' },
      LIMIT,
    ],
    examples: [{ command: 'monitor list', does: 'all of the project' }],
    load: async () => ({ run: (await import('#monitors/read.ts')).list }),
  },
  {
    name: 'monitor get',
    group: 'Serving',
    summary: 'Show checks, open alerts and decisions of a monitor',
    details: 'Exits with 7 when the latest window is failing.',
    arguments: [MONITOR],
    examples: [{ command: 'monitor get delays', does: 'in scripts: passing or failing' }],
    load: async () => ({ run: (await import('#monitors/read.ts')).get }),
  },
  {
    name: 'monitor report',
    group: 'Serving',
    summary: 'Show the report of a window',
    details: 'Failing results come first, then unknown ones, each with its reason.',
    arguments: [MONITOR, { syntax: '[window]', description: 'window number; default: the latest' }],
    options: [
      { flags: '--all', description: 'include passing results' },
      { flags: '--html', description: 'HTML page with the distributions of each column' },
    ],
    examples: [
      { command: 'monitor report delays', does: 'the latest window' },
      { command: 'monitor report delays 12 --html > delays.html', does: 'a self-contained page' },
    ],
    load: async () => ({ run: (await import('#monitors/report.ts')).report }),
  },
  {
    name: 'monitor history',
    group: 'Serving',
    summary: 'Show the metrics of a monitor by window',
    details: 'Metrics that failed most often come first. Sparklines range from the minimum to the maximum.',
    arguments: [MONITOR],
    options: [
      { flags: '--check <name>', description: 'only this check' },
      { flags: '--column <name>', description: 'only this column' },
      { flags: '--windows <n>', description: 'number of windows', type: 'integer', default: 40 },
      LIMIT,
    ],
    examples: [{ command: 'monitor history delays --check drift', does: 'drift by column over time' }],
    load: async () => ({ run: (await import('#monitors/report.ts')).history }),
  },
  {
    name: 'monitor ack',
    group: 'Serving',
    summary: 'Acknowledge an alert',
    details: 'The alert stays open until windows pass again. Without an ID, acknowledges the only open alert.',
    arguments: [MONITOR, { syntax: '[alert]', description: 'alert ID; required if several alerts are open' }],
    options: [{ flags: '--note <text>', description: 'comment', default: '' }],
    examples: [{ command: 'monitor ack delays --note retraining-on-July', does: 'recorded with your name' }],
    load: async () => ({ run: (await import('#monitors/act.ts')).acknowledge }),
  },
  {
    name: 'monitor run',
    group: 'Serving',
    summary: 'Evaluate all completed windows now',
    details: 'Does not wait for the schedule and returns immediately. `dais monitor get` shows the result.',
    arguments: [MONITOR],
    examples: [{ command: 'monitor run delays', does: 'after new ground truth arrived' }],
    load: async () => ({ run: (await import('#monitors/act.ts')).run }),
  },
];
