/** Reads traces in the database of a tracking server. */
import { text as streamText } from 'node:stream/consumers';
import type { Span } from '@dais/api/tracking';
import { exactJson, storable } from './exact-json.ts';
import { stateOf } from './http-traces.ts';
import type { LocalFiles } from './local-files.ts';
import { spanOfStored } from './span-json.ts';
import type { SqlReader, SqlRow } from './sql-reader.ts';
import { grouped, named, number, placeholders, text, truth } from './sql-values.ts';
import type { Pairs, SourceAssessment, SourceTrace } from './source.ts';
import { errorOf, kindOf, parsed, textsOf, TRACE_WORDS, wordsOf } from './trace-words.ts';

type Json = Readonly<Record<string, unknown>>;

/** Traces of one query. */
const PAGE = 200;
const FILE = 'traces.json';
/** Since 3.18 these are columns: the key in the map, the column. */
const TOKENS = [
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation_input_tokens_above_1hr',
] as const;
const COSTS = ['input_cost', 'output_cost', 'total_cost'] as const;

export class SqlTraces {
  readonly #reader: SqlReader;
  readonly #files: LocalFiles;
  readonly #tables: ReadonlySet<string>;

  constructor(reader: SqlReader, files: LocalFiles, tables: ReadonlySet<string>) {
    this.#reader = reader;
    this.#files = files;
    this.#tables = tables;
  }

  async *traces(experimentId: string): AsyncGenerator<SourceTrace> {
    if (!this.#tables.has('trace_info')) return;
    for (let after = ''; ;) {
      const rows = await this.#reader.all(
        `select * from trace_info where experiment_id = ? and request_id > ? order by request_id limit ${PAGE}`,
        [Number(experimentId), after],
      );
      const last = rows.at(-1);
      if (last === undefined) return;
      yield* await this.#hydrate(rows);
      after = text(last['request_id']);
    }
  }

  async #hydrate(rows: readonly SqlRow[]): Promise<SourceTrace[]> {
    const ids = rows.map((row) => text(row['request_id']));
    const tags = await this.#of('trace_tags', 'request_id', ids);
    const metadata = await this.#of('trace_request_metadata', 'request_id', ids);
    const assessments = await this.#of('assessments', 'trace_id', ids, 'created_timestamp, assessment_id');
    const links = await this.#of(
      'entity_associations',
      'source_id',
      ids,
      'destination_id',
      `source_type = 'trace' and `,
    );
    return rows.map((row) => {
      const id = text(row['request_id']);
      const linked = (type: string) =>
        (links.get(id) ?? [])
          .filter((link) => link['destination_type'] === type)
          .map((link) => text(link['destination_id']));
      const took = row['execution_time_ms'];
      return {
        id,
        requestedAt: number(row['timestamp_ms']),
        ...(took !== null && took !== undefined && { durationMs: Math.max(0, number(took)) }),
        state: stateOf(text(row['status'])),
        ...clean('clientRequestId', row['client_request_id']),
        ...clean('requestPreview', row['request_preview']),
        ...clean('responsePreview', row['response_preview']),
        ...wordsOf(
          { ...pairs(tags.get(id)), ...filledColumn(TRACE_WORDS.name, row['trace_name']) },
          { ...pairs(metadata.get(id)), ...columnWords(row) },
        ),
        assessments: (assessments.get(id) ?? []).map(assessmentOf),
        runIds: linked('run'),
        prompts: linked('prompt_version'),
      };
    });
  }

  async #of(table: string, owner: string, ids: readonly string[], order?: string, condition = '') {
    if (!this.#tables.has(table)) return new Map<string, SqlRow[]>();
    const by = order === undefined ? '' : ` order by ${order}`;
    return grouped(
      await this.#reader.all(`select * from ${table} where ${condition}${owner} in ${placeholders(ids)}${by}`, ids),
      owner,
    );
  }

  async spans(trace: SourceTrace): Promise<Span[]> {
    if (trace.hasSpans && this.#tables.has('spans')) {
      const rows = await this.#reader.all(
        'select content from spans where trace_id = ? order by start_time_unix_nano',
        [trace.id],
      );
      return rows.map((row) => spanOfStored(exactJson(text(row['content'])) as Json));
    }
    if (trace.artifactUri === '') return [];
    for await (const { path } of this.#files.list(trace.artifactUri)) {
      if (path !== FILE) continue;
      const file = exactJson(await streamText(await this.#files.open(trace.artifactUri, FILE))) as { spans?: Json[] };
      return (file.spans ?? []).map(spanOfStored);
    }
    return [];
  }
}

const clean = <Name extends string>(name: Name, value: SqlRow[string] | undefined) =>
  (text(value) === '' ? {} : { [name]: storable(text(value)) }) as { readonly [N in Name]?: string };

function pairs(rows: readonly SqlRow[] = []): Pairs {
  return Object.fromEntries(rows.map((row) => [text(row['key']), text(row['value'])]));
}

function filledColumn(key: string, value: SqlRow[string] | undefined): Pairs {
  return text(value) === '' ? {} : { [key]: text(value) };
}

function columnWords(row: SqlRow): Pairs {
  const map = (columns: readonly string[]) =>
    Object.fromEntries(
      columns.flatMap((column) => {
        const value = row[column];
        return value === null || value === undefined ? [] : [[column, number(value)]];
      }),
    );
  const [tokens, cost] = [map(TOKENS), map(COSTS)];
  return {
    ...filledColumn(TRACE_WORDS.session, row['session_id']),
    ...(Object.keys(tokens).length > 0 && { [TRACE_WORDS.usage]: JSON.stringify(tokens) }),
    ...(Object.keys(cost).length > 0 && { [TRACE_WORDS.cost]: JSON.stringify(cost) }),
  };
}

function assessmentOf(row: SqlRow): SourceAssessment {
  const kind = kindOf(text(row['assessment_type']));
  const value = parsed(text(row['value']) || 'null');
  const error = text(row['error']);
  return {
    id: text(row['assessment_id']),
    ...named('spanId', row['span_id']),
    name: text(row['name']),
    kind,
    value: kind === 'issue' ? ((value as Json | null)?.['issue_name'] ?? '') : value,
    ...(error !== '' && errorOf(parsed(error))),
    source: { type: text(row['source_type']), id: text(row['source_id']) },
    ...clean('rationale', row['rationale']),
    metadata: textsOf(parsed(text(row['assessment_metadata']) || 'null')),
    ...named('overrides', row['overrides']),
    valid: row['valid'] === undefined || row['valid'] === null || truth(row['valid']),
    createdAt: number(row['created_timestamp']),
    updatedAt: number(row['last_updated_timestamp']),
  };
}
