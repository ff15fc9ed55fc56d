import type { DaisClient } from '@dais/api';
import { createContext, useContext, useMemo } from 'react';
import type { Connection } from './connection.ts';

/** What every page stands on. */
export interface Console {
  /** Of no project; `useClient` gives that of the page's. */
  readonly client: DaisClient;
  readonly connection: Connection;
  /** Path below which a proxy shows the server: `/ml`, or empty. */
  readonly basePath: string;
  /** Of the page's content policy: styles that libraries add while they run carry it. */
  readonly nonce: string;
}

export const ConsoleContext = createContext<Console | undefined>(undefined);

export function useConsole(): Console {
  const value = useContext(ConsoleContext);
  if (value === undefined) throw new Error('ConsoleContext is missing');
  return value;
}

/** The client for a project, the same one as long as the page stays; undefined for what belongs to the organization. */
export function useClient(project: string | undefined): DaisClient {
  const { client } = useConsole();
  return useMemo(() => (project === undefined ? client : client.withProject(project)), [client, project]);
}
