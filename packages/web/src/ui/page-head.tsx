import { useEffect, type ReactNode } from 'react';

export interface PageHeadProps {
  /** The title of the page. */
  readonly title: string;
  readonly under?: ReactNode;
  readonly actions?: ReactNode;
}

export function PageHead({ title, under, actions }: PageHeadProps) {
  useEffect(() => {
    document.title = `${title} · Dais`;
  }, [title]);
  return (
    <div className="page-head">
      <div>
        <h1>{title}</h1>
        {under !== undefined && <div className="page-head-under">{under}</div>}
      </div>
      {actions !== undefined && <div className="page-head-actions">{actions}</div>}
    </div>
  );
}
