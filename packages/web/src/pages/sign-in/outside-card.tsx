import { useEffect, type ReactNode } from 'react';
import { Mark } from '#frame/mark.tsx';
import './sign-in.css';

export interface OutsideCardProps {
  readonly title: string;
  readonly wide?: boolean;
  readonly children: ReactNode;
}

/** A page without the frame, for viewers who have not signed in. */
export function OutsideCard({ title, wide = false, children }: OutsideCardProps) {
  useEffect(() => {
    document.title = `${title} · Dais`;
  }, [title]);
  return (
    <main className="outside">
      <div className={wide ? 'outside-card outside-wide' : 'outside-card'}>
        <div className="outside-head">
          <Mark />
          <h1>{title}</h1>
        </div>
        {children}
      </div>
    </main>
  );
}
