import { Link } from '@tanstack/react-router';
import { EmptyState } from '#ui/empty-state.tsx';
import { PageHead } from '#ui/page-head.tsx';

export function PageMissing() {
  return (
    <div className="page">
      <PageHead title="Page not found" />
      <EmptyState sentence="The URL is wrong, or the page has moved.">
        <Link to="/">Go home</Link>, or press <kbd>Ctrl K</kbd> to search.
      </EmptyState>
    </div>
  );
}
