import { errorCatalogue, type DaisError } from '@dais/api';
import { escapeHtml, MARK, type Page } from '#http/html-page.ts';

/** The page for a browser after a failed sign-in at an identity provider. */
export function signInFailedPage(error: DaisError, basePath: string): Page {
  const { title } = errorCatalogue[error.code];
  return {
    title: 'You are not signed in',
    body:
      `<header>${MARK}<div><h1>You are not signed in</h1><p class="dim">${escapeHtml(title)}.</p></div></header>` +
      `<h2>Why</h2><p>${escapeHtml(error.message)}</p>` +
      `<h2>What to do</h2><p><a href="${escapeHtml(basePath)}/">Go to the sign-in page</a> and try again. If the error persists, send the text above to your administrator.</p>`,
  };
}
