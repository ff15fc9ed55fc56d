import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useConnection } from '#server/use-connection.ts';
import { StateBadge } from '#ui/state-badge.tsx';

/** Shows the connection state only when there is a problem. */
export function ConnectionSign() {
  const state = useConnection();
  const queries = useQueryClient();
  const before = useRef(state);
  useEffect(() => {
    // Failed and possibly stale queries are read again, which also restarts their watches.
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
