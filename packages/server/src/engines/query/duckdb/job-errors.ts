/** Converts errors to those of the contract. Messages contain no values of the data. */
import { QueryError, type QueryErrorCode } from '../model/query-error.ts';
import { duckdbError, type DuckdbError } from './sql/duckdb-error.ts';
import type { WireFailure } from './wire.ts';

interface Rule {
  readonly type: RegExp;
  readonly message?: RegExp;
  readonly code: QueryErrorCode;
  readonly detail: (failure: DuckdbError) => string;
}

const MEMORY = 'The query needs more memory than `query.memoryMb` allows.';

const RULES: readonly Rule[] = [
  { type: /./, message: /No space left on device/i, code: 'storage_full', detail: () => 'The disk is full.' },
  {
    type: /^Out of Memory$|^IO$/,
    message: /max_temp_directory_size|offload|temp_directory|temporary/i,
    code: 'query_limit',
    detail: () => 'The query needs more temporary disk than `query.tempMb` allows.',
  },
  {
    type: /^Out of Memory$/,
    code: 'query_limit',
    detail: () => MEMORY,
  },
  { type: /^Interrupted?$/i, code: 'query_limit', detail: () => 'The query was stopped.' },
  {
    type: /^IO$/,
    message: /No files found|Cannot open file/,
    code: 'content_missing',
    detail: () => 'A file of the query is missing.',
  },
  {
    type: /./,
    message: /parquet|magic bytes|footer|snappy|thrift|decompress/i,
    code: 'data_invalid',
    detail: () => 'A Parquet file is damaged or uses an unsupported feature. Write it again.',
  },
  { type: /^Conversion$/, code: 'data_invalid', detail: conversion },
  {
    type: /^(?:Out of Range|Constraint)$/,
    code: 'data_invalid',
    detail: () => 'A value is outside the range of its type.',
  },
  // These messages of functions contain values (an invalid pattern, an invalid date part).
  { type: /^Invalid Input$/, code: 'query_invalid', detail: () => 'A function received an invalid argument.' },
  {
    type: /^(?:Parser|Binder|Catalog|Syntax|Permission|Not implemented|Mismatch Type|Invalid type)$/,
    code: 'query_invalid',
    detail: firstLine,
  },
];

/** Number of columns beyond which their buffers dominate the memory. */
const WIDE = 1000;

/** `widest`: columns of the widest table of the job. */
export function failureOf(error: unknown, widest = 0): WireFailure {
  const failure = plainFailure(error);
  if (widest <= WIDE || failure.detail !== MEMORY) return failure;
  const hint = `Its widest table has ${widest} columns, and each column needs memory. Raise the limit (10,000 columns need about 4096 MB), or split the table.`;
  return { ...failure, detail: `${failure.detail} ${hint}` };
}

function plainFailure(error: unknown): WireFailure {
  if (error instanceof QueryError) {
    const { errors, errorCount, position } = error;
    return { code: error.code as QueryErrorCode, detail: error.message, errors, errorCount, position };
  }
  if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return { code: 'storage_full', detail: 'The disk is full.' };
  const failure = duckdbError(error);
  if (failure === undefined)
    return {
      code: 'query_failed',
      detail: error instanceof Error ? `${error.name}: ${error.message.slice(0, 300)}` : '',
    };
  const rule = RULES.find(({ type, message = /(?:)/ }) => type.test(failure.type) && message.test(failure.message));
  if (rule === undefined) return { code: 'query_failed', detail: `DuckDB reported an error of type ${failure.type}.` };
  return { code: rule.code, detail: rule.detail(failure) };
}

function firstLine({ message }: DuckdbError): string {
  return (message.split('\n')[0] ?? '').slice(0, 500);
}

function conversion({ message }: DuckdbError): string {
  const [, type] = /\b(?:to|into) (?:type )?'?([A-Z][A-Z0-9]*)/.exec(message) ?? [];
  return `A value cannot be converted${type === undefined ? '' : ` to ${type}`}. TRY_CAST returns NULL instead.`;
}
