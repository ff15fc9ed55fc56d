/** Views and services as the ledger works with them: references followed, defaults filled in, expressions parsed. */
import type { Expression, FeatureViewSource, KeyType, ValueType } from '@dais/api/data';

export interface JoinKey {
  /** The join key, as the entity calls it. */
  readonly name: string;
  readonly type: KeyType;
  /** What it is called in the source. */
  readonly column: string;
}

export interface CompiledFeature {
  readonly name: string;
  readonly type: ValueType;
  /** What it is called in the source. */
  readonly column: string;
  /** Of a view on demand. */
  readonly expression: Expression | undefined;
}

export interface CompiledView {
  readonly uid: string;
  readonly name: string;
  readonly generation: number;
  readonly source: FeatureViewSource;
  /** In the order of their names: that of the packed key. */
  readonly keys: readonly JoinKey[];
  readonly features: readonly CompiledFeature[];
  readonly eventTime: string | undefined;
  readonly createdTime: string | undefined;
  /** Microseconds; 0: values never grow too old. */
  readonly ttlUs: number;
  readonly online: boolean;
}

/** A view as something asked for it. */
export interface SelectedView {
  /** What it is called there: part of a full name. */
  readonly as: string;
  readonly view: CompiledView;
  /** Those of its features that were asked for. */
  readonly features: readonly CompiledFeature[];
  /** By join key: the column of whoever asks. */
  readonly keys: ReadonlyMap<string, string>;
  /** Nobody asked for it, but an expression of another needs it. */
  readonly hidden: boolean;
}

export interface Selection {
  /** Of the FeatureService, where one was named. */
  readonly service: { readonly name: string; readonly uid: string; readonly generation: number } | undefined;
  /** Those that come from a store or a source; hidden ones last. */
  readonly stored: readonly SelectedView[];
  /** Those that are worked out. */
  readonly onDemand: readonly SelectedView[];
  /** In the order asked, hidden ones left out. */
  readonly asked: readonly SelectedView[];
  /** What whoever asks must give beside join keys. */
  readonly request: readonly { readonly name: string; readonly type: ValueType }[];
}

/** Where in a selection an expression of `onDemand` finds a column. */
export type ColumnPlace =
  | { readonly of: 'request'; readonly name: string; readonly type: ValueType }
  | { readonly of: 'feature'; readonly as: string; readonly name: string; readonly type: ValueType };
