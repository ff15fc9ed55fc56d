import type { KindSpec } from '@dais/api';
import { Link } from '@tanstack/react-router';
import { plural } from './kind-words.ts';
import { listAddress } from '#addresses.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

export interface UnreadPageProps {
  readonly title: string;
  readonly kind: KindSpec;
  readonly project: string;
  /** Null or undefined while it is loading. */
  readonly error: Error | null | undefined;
  readonly retry: () => void;
  /** Title of the list, where it is not that of the kind. */
  readonly all?: string;
}

/** The page of a resource while it is loading, or when it cannot be loaded. */
export function UnreadPage({ title, kind, project, error, retry, all = plural(kind) }: UnreadPageProps) {
  return (
    <div className="page">
      <PageHead title={title} />
      {error === null || error === undefined ? (
        <Skeleton rows={8} />
      ) : (
        <ErrorNote error={error} retry={retry}>
          <p>
            <Link {...listAddress(kind, project)}>All {all}</Link>
          </p>
        </ErrorNote>
      )}
    </div>
  );
}
