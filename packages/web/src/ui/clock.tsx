import { createContext, useContext, useEffect, useState, type ReactNode } from 'react';

/** Update interval of relative times. */
const TICK_MS = 5000;

const NowContext = createContext<number | undefined>(undefined);

/** One clock for all relative times on the page, so that they change together. */
export function ClockProvider({ now, children }: { readonly now: () => number; readonly children: ReactNode }) {
  const [at, setAt] = useState(now);
  useEffect(() => {
    const timer = setInterval(() => setAt(now()), TICK_MS);
    return () => clearInterval(timer);
  }, [now]);
  return <NowContext value={at}>{children}</NowContext>;
}

/** Milliseconds since 1970, some seconds old at most. */
export function useNow(): number {
  const now = useContext(NowContext);
  if (now === undefined) throw new Error('ClockProvider is missing');
  return now;
}
