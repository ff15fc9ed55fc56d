/** The audit log query in the URL. Pure functions. */

export const filterNames = ['project', 'actor', 'type', 'kind', 'name', 'outcome', 'requestId', 'from', 'to'] as const;
export type FilterName = (typeof filterNames)[number];

/** Values as typed: the server validates them. */
export type AuditFilter = Readonly<Partial<Record<FilterName, string>>>;

export function auditFilter(query: Readonly<Record<string, string | undefined>>): AuditFilter {
  return Object.fromEntries(
    filterNames.flatMap((name) => {
      const value = query[name];
      return value === undefined || value === '' ? [] : [[name, value]];
    }),
  );
}

const OPTIONS: Readonly<Record<Exclude<FilterName, 'project'>, string>> = {
  actor: '--actor',
  type: '--type',
  kind: '--kind',
  name: '--name',
  outcome: '--outcome',
  requestId: '--request',
  from: '--from',
  to: '--to',
};

/** The same query as arguments of `dais`. The command has no project filter in the query of the organization. */
export function auditWords(filter: AuditFilter, organization: boolean): readonly string[] {
  const { project: _, ...rest } = filter;
  return [
    'audit',
    'list',
    ...(organization ? ['--organization'] : []),
    ...Object.entries(rest).flatMap(([name, value]) => [OPTIONS[name as keyof typeof OPTIONS], value]),
  ];
}

/** `2026-11-26T09:30`, the format of a browser's field, in the viewer's time zone. Empty for an invalid time. */
export function localTime(text: string | undefined): string {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  if (Number.isNaN(ms)) return '';
  return new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Inverse of the function above; undefined for an empty field. */
export function timeOf(local: string): string | undefined {
  const ms = Date.parse(local);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}
