import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import { MarkdownContent } from './markdown-content.tsx';

/** The HTML that the browser shows, without the element around it. */
function shown(text: string, mentions: readonly string[] = []): string {
  const markup = renderToStaticMarkup(createElement(MarkdownContent, { text, mentions, user: (name) => name }));
  return markup.replace(/^<div class="markdown">/, '').replace(/<\/div>$/, '');
}

const ANCHOR = 'target="_blank" rel="noreferrer noopener nofollow"';

describe('blocks', () => {
  test('a heading is a bold line', () => expect(shown('# Head')).toBe('<p><strong>Head</strong></p>'));

  test('lists, also within each other', () => {
    expect(shown('- a\n- b\n  1. c\n\n3. d')).toBe(
      '<ul><li>a</li><li><p>b</p><ol start="1"><li>c</li></ol></li></ul><ol start="3"><li>d</li></ol>',
    );
    expect(shown('- [x] done\n- [ ] open')).toBe('<ul><li>☑ done</li><li>☐ open</li></ul>');
  });

  test('quotes and code', () => {
    expect(shown('> q\n> r')).toBe('<blockquote><p>q\nr</p></blockquote>');
    expect(shown('```py\n# no head\n```\nend')).toBe('<pre tabindex="0"># no head</pre><p>end</p>');
    expect(shown('```\nnever closed')).toBe('<pre tabindex="0">never closed</pre>');
    expect(shown('')).toBe('');
  });

  test('tables', () => {
    expect(shown('| metric | value |\n| --- | --: |\n| mae | `4.1` |')).toBe(
      '<div class="markdown-table" tabindex="0"><table><thead><tr><th scope="col">metric</th><th scope="col" align="right">value</th></tr></thead>' +
        '<tbody><tr><td>mae</td><td align="right"><code>4.1</code></td></tr></tbody></table></div>',
    );
  });
});

describe('inside a line', () => {
  test('emphasis and code', () => {
    expect(shown('a **b `c`** _d_ `**e**` ~~f~~')).toBe(
      '<p>a <strong>b <code>c</code></strong> <em>d</em> <code>**e**</code> <del>f</del></p>',
    );
  });

  test('links and URLs', () => {
    expect(shown('see [it](https://a.example/b), https://c.example/d. (https://e.example)')).toBe(
      `<p>see <a href="https://a.example/b" ${ANCHOR}>it</a>, <a href="https://c.example/d" ${ANCHOR}>https://c.example/d</a>. ` +
        `(<a href="https://e.example" ${ANCHOR}>https://e.example</a>)</p>`,
    );
    expect(shown('[it][1]\n\n[1]: https://a.example')).toBe(`<p><a href="https://a.example" ${ANCHOR}>it</a></p>`);
  });

  test('only users are mentioned', () => {
    expect(shown('@ada. @nobody `@ada` [@ada](https://a.example)', ['ada'])).toBe(
      `<p><span class="mention">@ada</span>. @nobody <code>@ada</code> <a href="https://a.example" ${ANCHOR}>@ada</a></p>`,
    );
    expect(shown('for @ada@example.com', ['ada@example.com'])).toContain(
      '<span class="mention">@ada@example.com</span>',
    );
  });
});

describe('what could run code or load something stays text', () => {
  test.each([
    '[x](javascript:alert(1))',
    '[x](JAVASCRIPT:alert(1))',
    '[x](data:text/html,x)',
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '![x](data:text/html,x)',
    '![x](https://a.example/x.png)',
    '[x][1]',
    'snake_case_name',
  ])('%s', (text) => {
    const escaped = text.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    expect(shown(text).replace(/^<p>(.*)<\/p>$/, '$1')).toBe(escaped);
  });

  test('a reference to a script', () => {
    expect(shown('[x][1]\n\n[1]: javascript:alert(1)')).toBe('<p>[x][1]</p>');
  });
});

test.each([
  ['brackets', '['],
  ['emphasis', '*a '],
  ['quotes', '> '],
  ['backticks', '`'],
  ['images', '![['],
  ['cells', '|'],
])('a text of the largest size is shown, whatever it nests: %s', (_, part) => {
  expect(shown(part.repeat(10_000 / part.length)).length).toBeGreaterThan(0);
});

test('a line that nests deeper than people write is text, because parsing it would block the page', () => {
  expect(shown(`${'> '.repeat(19)}a`)).toContain('<blockquote>');
  expect(shown(`${'> '.repeat(20)}a`)).toBe(`<p>${'&gt; '.repeat(20)}a</p>`);
});
