import type { DaisClient } from '@dais/api';
import { createContext, useContext, useMemo } from 'react';
import type { Connection } from './connection.ts';

/** The context of all pages. */
export interface Console {
  /** Client without a project; `useClient` returns that of the page's project. */
  readonly client: DaisClient;
  readonly connection: Connection;
  /** Path under which a proxy serves the console: `/ml`, or empty. */
  readonly basePath: string;
  /** Nonce of the page's content policy, for styles that libraries add at run time. */
  readonly nonce: string;
}

export const ConsoleContext = createContext<Console | undefined>(undefined);

export function useConsole(): Console {
  const value = useContext(ConsoleContext);
  if (value === undefined) throw new Error('ConsoleContext is missing');
  return value;
}

/** The client for a project, the same one while the page is open; undefined for organization resources. */
export function useClient(project: string | undefined): DaisClient {
  const { client } = useConsole();
  return useMemo(() => (project === undefined ? client : client.withProject(project)), [client, project]);
}
