/** Times of schedules, parsed without a calendar, so that an editor can report invalid expressions. */

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

interface Field {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly words?: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'second', from: 0, to: 59 },
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, words: MONTHS },
  { name: 'day of the week', from: 0, to: 7, words: DAYS },
];

const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
};

export type CronReading = { readonly cron: string } | { readonly problem: string };

/** As six fields, with seconds. */
export function readCron(text: string): CronReading {
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) {
    const cron = WORDS[trimmed.toLowerCase()];
    return cron === undefined ? { problem: `${trimmed} is not one of ${Object.keys(WORDS).join(', ')}` } : { cron };
  }
  const parts = trimmed.split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6)
    return { problem: `has ${parts.length} fields, not five, or six with seconds` };
  const fields = FIELDS.slice(6 - parts.length);
  for (const [index, part] of parts.entries()) {
    const problem = fieldProblem(part, fields[index]!);
    if (problem !== undefined) return { problem };
  }
  const whole = parts.map((part) => part.replaceAll('?', '*').toUpperCase());
  return { cron: (parts.length === 5 ? ['0', ...whole] : whole).join(' ') };
}

function fieldProblem(text: string, field: Field): string | undefined {
  for (const part of text.split(',')) {
    const [, range = '', step] = /^([^/]*)(?:\/(\d{1,9}))?$/.exec(part) ?? [];
    const problem = `${part} is no ${field.name}; they are ${field.from} to ${field.to}`;
    if (step !== undefined && (Number(step) < 1 || Number(step) > field.to)) return problem;
    if (range === '*' || range === '?') continue;
    const ends = range.split('-').map((end) => numberOf(end, field));
    const [from, to = from] = ends;
    if (ends.length > 2 || from === undefined || to === undefined || ends.includes(undefined) || from > to)
      return problem;
  }
  return undefined;
}

function numberOf(text: string, { from, to, words }: Field): number | undefined {
  const word = words?.indexOf(text.toUpperCase()) ?? -1;
  if (word !== -1) return word + from;
  const number = /^\d{1,2}$/.test(text) ? Number(text) : -1;
  return number >= from && number <= to ? number : undefined;
}

/** `Europe/Berlin`, `UTC`. */
export function isZone(text: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
