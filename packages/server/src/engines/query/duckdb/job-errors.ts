/** Errors of DuckDB in the words of the contract. No value of the data goes into a text that others may see. */
import { QueryError, type QueryErrorCode } from '../model/query-error.ts';
import type { WireFailure } from './wire.ts';

/** What DuckDB calls its errors, at the beginning of the message. */
const RULES: readonly {
  readonly pattern: RegExp;
  readonly code: QueryErrorCode;
  readonly detail: (message: string) => string;
}[] = [
  {
    pattern: /^(?:Out of Memory Error|IO Error: .*max_temp_directory_size|.*failed to (?:allocate|offload))/,
    code: 'query_limit',
    detail: (message) =>
      /temp|offload/i.test(message)
        ? 'The query needs more temporary disk than `query.tempMb` allows.'
        : 'The query needs more memory than `query.memoryMb` allows.',
  },
  { pattern: /No space left on device/, code: 'storage_full', detail: () => 'The disk is full.' },
  {
    pattern: /^IO Error: (?:Cannot open file|No files found)/,
    code: 'content_missing',
    detail: () => 'A file of the query is not there.',
  },
  {
    pattern:
      /^(?:Invalid Input Error|IO Error|Serialization Error|Not implemented Error|TProtocolException): .*(?:parquet|footer|magic bytes|snappy|zstd|decompress)/i,
    code: 'data_invalid',
    detail: () => 'A Parquet file is broken or of a kind that cannot be read: write it anew.',
  },
  { pattern: /^Conversion Error/, code: 'data_invalid', detail: conversion },
  {
    pattern: /^(?:Out of Range Error|Constraint Error)/,
    code: 'data_invalid',
    detail: (message) => withoutValues(firstLine(message)),
  },
  { pattern: /^INTERRUPT/, code: 'query_limit', detail: () => 'The query was stopped.' },
  {
    pattern:
      /^(?:Parser|Binder|Catalog|Syntax|Permission|Invalid Input|Not implemented|Mismatch Type|Invalid type) Error/,
    code: 'query_invalid',
    detail: firstLine,
  },
];

export function failureOf(error: unknown): WireFailure {
  if (error instanceof QueryError) {
    const { faults, faultCount, position } = error;
    return { code: error.code as QueryErrorCode, detail: error.message, faults, faultCount, position };
  }
  const message = error instanceof Error ? error.message : String(error);
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return { code: 'storage_full', detail: 'The disk is full.' };
  const rule = RULES.find(({ pattern }) => pattern.test(message));
  if (rule === undefined) return { code: 'query_failed', detail: firstLine(message) };
  return { code: rule.code, detail: rule.detail(message) };
}

function firstLine(message: string): string {
  return (message.split('\n')[0] ?? '').slice(0, 1000).replace(/^\w+(?: \w+)* Error: /, '');
}

function conversion(message: string): string {
  const [, type] = /(?:to|into) (?:type )?'?([A-Z][A-Z0-9 ()[\],]*)/.exec(message) ?? [];
  return `A value cannot be converted${type === undefined ? '' : ` to ${type.trim()}`}: use a lenient cast to give NULL instead.`;
}

function withoutValues(detail: string): string {
  return detail.replaceAll(/'[^']*'|"[^"]*"|-?\d[\d.]*/g, '…');
}
