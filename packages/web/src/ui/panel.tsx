import type { ReactNode } from 'react';
import './panel.css';

export interface PanelProps {
  readonly title: string;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  /** Content with its own padding: a table, an editor. */
  readonly flush?: boolean;
}

export function Panel({ title, actions, children, flush = false }: PanelProps) {
  return (
    <section className={flush ? 'panel panel-flush' : 'panel'} aria-label={title}>
      <header>
        <h2>{title}</h2>
        {actions}
      </header>
      <div className="panel-body">{children}</div>
    </section>
  );
}
