import { Link } from '@tanstack/react-router';
import { EmptyState } from '#ui/empty-state.tsx';
import { PageHead } from '#ui/page-head.tsx';

export function PageMissing() {
  return (
    <div className="page">
      <PageHead title="There is no such page" />
      <EmptyState sentence="The address is misspelt, or what was here has another one now.">
        <Link to="/">Go home</Link>, or press <kbd>Ctrl K</kbd> to search.
      </EmptyState>
    </div>
  );
}
