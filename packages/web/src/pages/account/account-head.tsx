import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { accountAddress } from '#addresses.ts';
import { PageHead } from '#ui/page-head.tsx';
import './account.css';

const PAGES = [
  ['account', 'Account'],
  ['tokens', 'API tokens'],
  ['sessions', 'Sessions'],
] as const;

/** Links between the three pages of the viewer's account. */
export function AccountHead({ title, actions }: { readonly title: string; readonly actions?: ReactNode }) {
  return (
    <PageHead
      title={title}
      under={
        <nav className="account-nav" aria-label="About you">
          {PAGES.map(([page, word]) => (
            <Link key={page} {...accountAddress(page)} activeOptions={{ exact: true, includeSearch: false }}>
              {word}
            </Link>
          ))}
        </nav>
      }
      actions={actions}
    />
  );
}
