/** Translates filter clauses on traces to SQL on the row `r` and its experiment `e`. All values are bound. */
import { filterError, type FilterClause } from '@dais/api/filter';
import { compareInteger, compareText } from '#lib/comparison-sql.ts';
import type { Bind } from '#lib/composed-sql.ts';
import { filterConditions, type Translate } from '../search/filter-sql.ts';
import { checkRegex } from './regex.ts';
import type { TraceConventions } from './trace-conventions.ts';

interface Of {
  /** The original text of the filter. */
  readonly text: string;
  readonly conventions: TraceConventions;
  readonly bind: Bind;
}

/** Returns the conditions. All clauses on spans apply to the same span. @throws DaisError `invalid_request` with the position. */
export function traceConditions(clauses: readonly FilterClause[], { text, conventions, bind }: Of): string[] {
  for (const clause of clauses) if (clause.operator === 'RLIKE') checkRegex(clause, text);
  const ofSpans = clauses.filter(isOfSpan);
  const rest = clauses.filter((clause) => !isOfSpan(clause));
  return [
    ...filterConditions(rest, families(text, conventions), bind),
    ...(ofSpans.length === 0 ? [] : [spanCondition(ofSpans, bind)]),
  ];
}

function isOfSpan({ family, key }: FilterClause): boolean {
  return family === 'span' || family === 'span attribute' || (family === 'attribute' && key === 'text');
}

const ATTRIBUTES: Readonly<Record<string, string>> = {
  request_id: 'r.id',
  timestamp_ms: 'r.requested_at',
  execution_time_ms: 'r.duration',
  end_time_ms: '(r.requested_at + coalesce(r.duration, 0))',
  status: 'r.state',
  client_request_id: 'r.client_request_id',
};

function families(text: string, { nameTag, runKey }: TraceConventions): Readonly<Record<string, Translate>> {
  const tag = pairs('r.tags');
  const metadata = pairs('r.metadata');
  return {
    attribute: (clause, bind) => {
      switch (clause.key) {
        case 'name':
          return tag({ ...clause, key: nameTag }, bind);
        case 'run_id':
          return ofRun(clause, bind);
        case 'prompt':
          return ofPrompt(clause, text, bind);
        case 'experiment_id':
          return compareText(`(case when e.is_default then '0' else e.id::text end)`, clause, bind);
        default: {
          const column = ATTRIBUTES[clause.key];
          if (column === undefined) throw new Error(`no column of ${clause.key}`);
          return typeof clause.value === 'number'
            ? compareInteger(column, clause, bind)
            : compareText(column, clause, bind);
        }
      }
    },
    tag,
    request_metadata: (clause, bind) =>
      clause.key === runKey && clause.operator === '=' ? ofRun(clause, bind) : metadata(clause, bind),
    feedback: assessmentCondition('feedback', text),
    expectation: assessmentCondition('expectation', text),
    issue: (clause, bind) =>
      `exists (select from tracking.assessment a where a.trace = r.num and a.kind = 'issue' and a.name = ${bind(clause.value)}::text)`,
  };
}

/** Condition on a column of keyed values. A trace without the key matches only IS NULL. */
function pairs(column: string): Translate {
  return (clause, bind) => {
    if (clause.operator === 'IS NULL') return `not ${column} ? ${bind(clause.key)}::text`;
    if (clause.operator === 'IS NOT NULL') return `${column} ? ${bind(clause.key)}::text`;
    return compareText(`(${column} ->> ${bind(clause.key)}::text)`, clause, bind);
  };
}

/** Condition on the run of the trace and on linked runs. */
const ofRun: Translate = (clause, bind) => {
  const own = compareText('r.run', clause, bind);
  // PostgreSQL rejects a bound value that the statement does not use.
  if (clause.operator === '!=' || clause.operator === 'NOT IN') return own;
  const linked = compareText('l.run', clause, bind);
  return `(${own} or ${isLinked(linked)})`;
};

/** Condition on the runs `l.run` that are linked with the trace `r`. */
export function isLinked(condition: string): string {
  return `exists (select from tracking.trace_run l where l.trace = r.num and ${condition})
    or exists (select from tracking.early_trace_run l where l.project_id = r.project_id and l.trace = r.id and ${condition})`;
}

function ofPrompt(clause: FilterClause, text: string, bind: Bind): string {
  if (String(clause.value).split('/').length !== 2) {
    const message = `Invalid prompts filter value '${String(clause.value)}'. Expected format: prompt = "name/version"`;
    throw filterError('filter', text, clause.span, message, { expected: "'name/version'" });
  }
  return `exists (select from tracking.trace_prompt p where p.trace = r.num and p.prompt = ${bind(clause.value)}::text)`;
}

const NUMERIC = new Set(['<', '<=', '>', '>=']);

/** Condition on assessments: text, numbers or booleans in JSON. Corrected assessments are excluded. */
function assessmentCondition(kind: 'feedback' | 'expectation', text: string): Translate {
  return (clause, bind) => {
    const rows = `select from tracking.assessment a where a.trace = r.num and a.kind = '${kind}' and a.valid and a.name = ${bind(clause.key)}::text`;
    if (clause.operator === 'IS NULL') return `not exists (${rows})`;
    if (clause.operator === 'IS NOT NULL') return `exists (${rows})`;
    if (!NUMERIC.has(clause.operator)) {
      // In JSON, text has quotes, and other values do not.
      const value = `(case when a.value like '"%' then a.value::jsonb #>> '{}' else a.value end)`;
      return `exists (${rows} and ${compareText(value, clause, bind)})`;
    }
    const number = Number(clause.value);
    if (String(clause.value).trim() === '' || Number.isNaN(number)) {
      const message = `Expected a numeric value for ${kind} when using comparator '${clause.operator}'. Got value ${String(clause.value)}`;
      throw filterError('filter', text, clause.span, message, { expected: 'a number' });
    }
    const value = `(case when a.value ~ '^-?[0-9]' then a.value::numeric when a.value = 'true' then 1 when a.value = 'false' then 0 end)`;
    return `exists (${rows} and ${value} ${clause.operator} ${bind(number)}::float8::numeric)`;
  };
}

function spanCondition(clauses: readonly FilterClause[], bind: Bind): string {
  const conditions = clauses.map((clause) => {
    if (clause.family === 'span attribute') return attributeCondition(clause, bind);
    if (clause.key === 'content' || clause.key === 'text') {
      return `(${compareText('s.content', clause, bind)} or ${compareText('s.name', clause, bind)})`;
    }
    return compareText(`s.${clause.key === 'status' ? 'state' : clause.key}`, clause, bind);
  });
  return `exists (select from tracking.trace_spans b,
    unnest(b.names, b.types, b.states, b.texts) s (name, type, state, content)
    where b.trace = r.num and ${conditions.join(' and ')})`;
}

/** Returns the value as text: scalars without quotes, lists and maps as JSON. */
function attributeCondition(clause: FilterClause, bind: Bind): string {
  const value = `(s.content::jsonb -> 'a' -> ${bind(clause.key)}::text)`;
  const text = `coalesce(${value} -> '@' ->> 1, ${value} #>> '{}')`;
  // Parsing JSON is much slower than searching for a text in it.
  return `strpos(s.content, ${bind(JSON.stringify(clause.key))}::text) > 0 and ${compareText(text, clause, bind)}`;
}
