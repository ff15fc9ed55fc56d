/** The filter grammar of traces, which is larger than the others. */
import { filterValues, type FilterEntity } from '#filter/filter-entity.ts';

const { number, listedPattern, optionalPattern, contained, judgment, exact, identity } = filterValues;

export const traceFilter: FilterEntity = {
  name: 'traces',
  bare: 'attribute',
  families: [
    {
      name: 'attribute',
      words: ['attributes', 'attribute', 'trace'],
      keys: [
        { name: 'request_id', aliases: ['trace_id'], value: listedPattern },
        { name: 'timestamp_ms', aliases: ['timestamp'], value: number },
        { name: 'execution_time_ms', aliases: ['execution_time'], value: number },
        { name: 'end_time_ms', aliases: ['end_time'], value: number },
        { name: 'status', aliases: ['state'], value: listedPattern },
        { name: 'client_request_id', value: listedPattern },
        { name: 'name', value: listedPattern },
        { name: 'run_id', value: listedPattern },
        { name: 'prompt', value: exact },
        { name: 'text', value: contained },
        { name: 'experiment_id', value: identity },
      ],
      ordered: true,
    },
    { name: 'tag', words: ['tags', 'tag'], value: optionalPattern, ordered: true },
    { name: 'request_metadata', words: ['metadata', 'request_metadata'], value: optionalPattern, ordered: true },
    // Before its attributes: of family names with dots, the longest match applies.
    {
      name: 'span',
      words: ['span'],
      keys: [
        { name: 'name', value: listedPattern },
        { name: 'type', value: listedPattern },
        { name: 'status', value: listedPattern },
        { name: 'content', value: contained },
      ],
      ordered: false,
    },
    { name: 'span attribute', words: ['span.attributes'], value: listedPattern, ordered: false },
    { name: 'feedback', words: ['feedback'], value: judgment, ordered: false },
    { name: 'expectation', words: ['expectation'], value: judgment, ordered: false },
    { name: 'issue', words: ['issue'], keys: [{ name: 'id', value: exact }], ordered: false },
  ],
};

/** Attributes of a trace that cannot be sorted by. */
export const unorderedTraceKeys: ReadonlySet<string> = new Set(['client_request_id', 'prompt', 'text']);
