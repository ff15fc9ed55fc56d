import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useConnection } from '#server/use-connection.ts';
import { StateBadge } from '#ui/state-badge.tsx';

/** Quiet as long as all is well. */
export function ConnectionSign() {
  const state = useConnection();
  const queries = useQueryClient();
  const before = useRef(state);
  useEffect(() => {
    // What failed meanwhile, and what may have changed, is read again; its watches begin anew with that.
    if (state === 'connected' && before.current !== 'connected') void queries.invalidateQueries();
    before.current = state;
  }, [state, queries]);
  return (
    <span role="status">
      {state === 'reconnecting' && (
        <StateBadge
          state="waiting"
          word="Reconnecting…"
          why="The server does not respond. This page may be out of date."
        />
      )}
      {state === 'offline' && (
        <StateBadge
          state="off"
          word="Offline"
          why="This computer has no network connection. This page may be out of date."
        />
      )}
    </span>
  );
}
