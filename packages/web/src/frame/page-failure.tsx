import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';

/** Replaces a failed page; the frame around it keeps working. */
export function PageFailure({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = () => {
    reset();
    void router.invalidate();
  };
  return (
    <div className="page">
      <PageHead title="This page cannot be displayed" />
      <ErrorNote error={error} retry={retry} />
    </div>
  );
}
