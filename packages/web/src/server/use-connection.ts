import { useSyncExternalStore } from 'react';
import type { ConnectionState } from './connection.ts';
import { useConsole } from './console-context.ts';

export function useConnection(): ConnectionState {
  const { connection } = useConsole();
  return useSyncExternalStore(
    (listener) => connection.subscribe(listener),
    () => connection.state,
  );
}
