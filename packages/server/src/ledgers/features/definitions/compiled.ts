/** Compiled views and services: resolved references, defaults, parsed expressions. */
import type { Expression, FeatureViewSource, KeyType, ValueType } from '@dais/api/data';

export interface JoinKey {
  /** The join key of the entity. */
  readonly name: string;
  readonly type: KeyType;
  /** The column in the source. */
  readonly column: string;
}

export interface CompiledFeature {
  readonly name: string;
  readonly type: ValueType;
  /** The column in the source. */
  readonly column: string;
  /** The expression of an on-demand view. */
  readonly expression: Expression | undefined;
}

export interface CompiledView {
  readonly uid: string;
  readonly name: string;
  readonly generation: number;
  readonly source: FeatureViewSource;
  /** Sorted by name, which is the order of the packed key. */
  readonly keys: readonly JoinKey[];
  readonly features: readonly CompiledFeature[];
  readonly eventTime: string | undefined;
  readonly createdTime: string | undefined;
  /** Microseconds; 0 for no expiry. */
  readonly ttlUs: number;
  readonly online: boolean;
}

/** A view within a selection. */
export interface SelectedView {
  /** The name in the selection: the prefix of full names. */
  readonly as: string;
  readonly view: CompiledView;
  /** The selected features. */
  readonly features: readonly CompiledFeature[];
  /** Input columns by join key. */
  readonly keys: ReadonlyMap<string, string>;
  /** Whether the view is only an input of expressions of another view. */
  readonly hidden: boolean;
}

export interface Selection {
  /** The name of the FeatureService, if one was selected. */
  readonly service: { readonly name: string; readonly uid: string; readonly generation: number } | undefined;
  /** Views with an online store or a source; hidden ones last. */
  readonly stored: readonly SelectedView[];
  /** On-demand views. */
  readonly onDemand: readonly SelectedView[];
  /** In the requested order, without hidden ones. */
  readonly requested: readonly SelectedView[];
  /** Request fields that are required in addition to join keys. */
  readonly request: readonly { readonly name: string; readonly type: ValueType }[];
}

/** The input of an expression of an on-demand view. */
export type ColumnLocation =
  | { readonly of: 'request'; readonly name: string; readonly type: ValueType }
  | { readonly of: 'feature'; readonly as: string; readonly name: string; readonly type: ValueType };
