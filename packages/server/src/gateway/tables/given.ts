import type { JsonValue } from '#lib/formats/json-reader.ts';

/** A table as it came, whatever its form: columns of values, or one nested list without names. */
export type Given =
  | {
      readonly kind: 'table';
      readonly columns: ReadonlyMap<string, readonly JsonValue[]>;
      readonly rows: number;
      /** `texts`: as in CSV, where only the model says what is a number. */
      readonly cells?: 'texts';
    }
  /** Rows without names of columns. */
  | { readonly kind: 'rows'; readonly rows: readonly (readonly JsonValue[])[] }
  | { readonly kind: 'tensor'; readonly value: readonly JsonValue[] }
  | { readonly kind: 'tensors'; readonly values: ReadonlyMap<string, JsonValue> };
