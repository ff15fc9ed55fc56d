import { expect, test } from 'vitest';
import { addressInHtml, addressInJson } from './pinned-wheel.mjs';

const file = 'uv-1.2.3-py3-none-manylinux_2_17_x86_64.whl';

test('a file’s address is found in the JSON form of an index', () => {
  const page = JSON.stringify({
    files: [
      { filename: 'other.whl', url: '/a' },
      { filename: file, url: '/b' },
    ],
  });
  expect(addressInJson(page, file)).toBe('/b');
  expect(addressInJson(page, 'missing.whl')).toBeUndefined();
});

test('a file’s address is found in the HTML form of an index', () => {
  const page = `<a href="../x/other.whl">other.whl</a><br/>
    <a data-requires-python="&gt;=3.8" href='../../packages/${file}?a=1&amp;b=2#sha256=00'>${file}</a>`;
  expect(addressInHtml(page, file)).toBe(`../../packages/${file}?a=1&b=2#sha256=00`);
  expect(addressInHtml(page, 'missing.whl')).toBeUndefined();
});
