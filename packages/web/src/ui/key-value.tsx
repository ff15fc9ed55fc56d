import type { ReactNode } from 'react';
import './key-value.css';

export interface Pair {
  readonly key: string;
  /** What the field means; shown on hover. */
  readonly about?: string | undefined;
  readonly value: ReactNode;
}

/** Names with values. */
export function KeyValue({ pairs, label }: { readonly pairs: readonly Pair[]; readonly label: string }) {
  return (
    <dl className="pairs" aria-label={label}>
      {pairs.map(({ key, about, value }) => (
        <div key={key}>
          <dt title={about?.replaceAll('`', '')}>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
