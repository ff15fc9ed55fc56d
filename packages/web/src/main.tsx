/** The entry point: reads the settings in the page and renders the console. */
import { createClient, DaisError } from '@dais/api';
import { currentSessionOperation } from '@dais/api/access';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { pathOfClientLink } from './client-links.ts';
import { Connection } from './server/connection.ts';

const basePath = new URL(document.baseURI).pathname.replace(/\/+$/, '');
const path = pathOfClientLink(location.hash, location.pathname.slice(basePath.length));
if (path !== undefined) history.replaceState(null, '', `${basePath}${path}`);
const client = createClient({ url: `${location.origin}${basePath}` });
const connection = new Connection({
  // The server is reachable also when the viewer has to sign in.
  ask: () => client.perform(currentSessionOperation, {}),
  isOnline: () => navigator.onLine,
  isVisible: () => document.visibilityState === 'visible',
  after: (ms, then) => void setTimeout(then, ms),
});
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce ?? '';

addEventListener('offline', () => connection.lost());
connection.startHeartbeat();

const element = document.querySelector('#console');
if (element === null) throw new Error('the page has no root element for the console');
createRoot(element, {
  // Pages show these errors with the texts of the catalog: only errors of the console itself belong in the browser's
  // log.
  onCaughtError: (error) => {
    if (!(error instanceof DaisError)) reportError(error);
  },
}).render(
  <StrictMode>
    <App environment={{ client, connection, basePath, nonce }} now={Date.now} />
  </StrictMode>,
);
