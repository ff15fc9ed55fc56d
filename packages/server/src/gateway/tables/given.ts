import type { JsonValue } from '#lib/json-reader.ts';

/** A table in any input format: columns of values, or one nested list without names. */
export type InputTable =
  | {
      readonly kind: 'table';
      readonly columns: ReadonlyMap<string, readonly JsonValue[]>;
      readonly rows: number;
      /** `texts`: as in CSV, where only the model determines which columns are numbers. */
      readonly cells?: 'texts';
    }
  /** Rows without column names. */
  | { readonly kind: 'rows'; readonly rows: readonly (readonly JsonValue[])[] }
  | { readonly kind: 'tensor'; readonly value: readonly JsonValue[] }
  | { readonly kind: 'tensors'; readonly values: ReadonlyMap<string, JsonValue> };
