/** The grammar of record searches: writing, parsing and error messages. */
export {
  experimentFilter,
  evaluationDatasetFilter,
  issueFilter,
  loggedModelFilter,
  modelVersionFilter,
  registeredModelFilter,
  runFilter,
} from '#filter/filter-entities.ts';
export { traceFilter, unorderedTraceKeys } from '#filter/trace-filter.ts';
export type { FilterEntity, FilterFamily, FilterKey, FilterOperator, FilterValueType } from '#filter/filter-entity.ts';
export { filterError } from '#filter/filter-problem.ts';
export { lexFilter } from '#filter/filter-lexer.ts';
export type { FilterToken } from '#filter/filter-lexer.ts';
export { parseFilter, parseOrder } from '#filter/filter-parser.ts';
export { formatFilter, formatKey } from '#filter/filter-tree.ts';
export type { FilterClause, FilterSpan, FilterValue, OrderKey } from '#filter/filter-tree.ts';
