import { escapeHtml, MARK, type Page } from '#http/html-page.ts';

/** What a browser shows that reached the server under a name it does not answer to. `detail` says which. */
export function hostPage(detail: string): Page {
  return {
    title: 'Host name not allowed',
    body:
      `<header>${MARK}<div><h1>Dais does not answer to this name</h1><p class="dim">${escapeHtml(detail)}</p></div></header>` +
      '<h2>Why</h2><p>A page of somebody else could make its own name point at this machine, and speak to Dais with your rights. ' +
      'So Dais answers only to names it was told.</p>' +
      '<h2>What to do</h2><dl><dt>On this machine</dt><dd>Open <code>http://127.0.0.1:PORT</code>; <code>dais open</code> does.</dd>' +
      '<dt>If the name is yours</dt><dd>Start Dais with <code>--allow-host NAME</code>, or <code>allowHosts</code> in its configuration.</dd></dl>',
  };
}
