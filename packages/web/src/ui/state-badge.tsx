import './state-badge.css';

/** Meanings of color; each also has a shape and a word. */
export type State = 'ok' | 'running' | 'waiting' | 'warning' | 'failed' | 'off';

const shapes = {
  ok: <path d="m3 6.2 2 2 4-4.6" fill="none" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />,
  running: <path d="M3.5 2.5v7l6-3.5Z" fill="currentColor" />,
  waiting: <circle cx="6" cy="6" r="3.6" fill="none" stroke="currentColor" strokeWidth="1.6" strokeDasharray="3 2" />,
  warning: <path d="M6 1.8 11 10.5H1Z" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinejoin="round" />,
  failed: <path d="m3 3 6 6M9 3l-6 6" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />,
  off: <path d="M2.5 6h7" stroke="currentColor" strokeWidth="1.8" strokeLinecap="round" />,
} as const;

function Shape({ state }: { readonly state: State }) {
  return (
    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
      {shapes[state]}
    </svg>
  );
}

/** The shape in its color; the word is next to it. */
export function StateShape({ state }: { readonly state: State }) {
  return (
    <span className={`state state-${state}`}>
      <Shape state={state} />
    </span>
  );
}

export interface StateBadgeProps {
  readonly state: State;
  /** The text; default: that of the state. */
  readonly word?: string;
  /** The reason, shown on hover. */
  readonly why?: string | undefined;
}

export function StateBadge({ state, word, why }: StateBadgeProps) {
  return (
    <span className={`state state-${state}`} title={why}>
      <Shape state={state} />
      {word ?? state}
    </span>
  );
}
