import { escapeHtml, MARK, type Page } from '#http/pages/html-page.ts';
import { errorCatalog, type DaisError } from '@dais/api';

/** The page for a browser that used a host name that is not allowed. `detail` names it. */
export function hostPage(detail: string): Page {
  return {
    title: 'Host name not allowed',
    body:
      `<header>${MARK}<div><h1>Host name not allowed</h1><p class="dim">${escapeHtml(detail)}</p></div></header>` +
      '<h2>Why</h2><p>A malicious website could resolve its own host name to this machine and send requests with your permissions. ' +
      'Therefore, Dais accepts requests only for configured host names.</p>' +
      '<h2>What to do</h2><dl><dt>On this machine</dt><dd>Run <code>dais open</code>, or open <code>http://127.0.0.1:PORT</code>.</dd>' +
      '<dt>If you own this host name</dt><dd>Start Dais with <code>--allow-host NAME</code>, or set <code>allowHosts</code> in its configuration.</dd></dl>',
  };
}

/** The page for a browser after a failed sign-in at an identity provider. */
export function signInFailedPage(error: DaisError, basePath: string): Page {
  const { title } = errorCatalog[error.code];
  return {
    title: 'You are not signed in',
    body:
      `<header>${MARK}<div><h1>You are not signed in</h1><p class="dim">${escapeHtml(title)}.</p></div></header>` +
      `<h2>Why</h2><p>${escapeHtml(error.message)}</p>` +
      `<h2>What to do</h2><p><a href="${escapeHtml(basePath)}/">Go to the sign-in page</a> and sign in. If the error persists, send the text above to your administrator.</p>`,
  };
}
