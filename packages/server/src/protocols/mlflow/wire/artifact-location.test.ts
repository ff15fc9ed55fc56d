import { expect, test } from 'vitest';
import { attachment, contentTypeOf, folderOf } from './artifact-location.ts';

test.each([
  ['mlflow-artifacts:/1/r/artifacts', '1/r/artifacts'],
  ['mlflow-artifacts://host:7070/1/r/artifacts/', '1/r/artifacts'],
  ['mlflow-artifacts:/', ''],
])('%s is the folder %j', (uri, folder) => {
  expect(folderOf(uri)).toBe(folder);
});

test('artifacts in other locations are not served', () => {
  expect(() => folderOf('s3://bucket/1')).toThrow('The artifacts are stored at s3://bucket/1, not in Dais');
});

test.each([
  ['a/MLmodel', 'text/plain'],
  ['a/page.HTML', 'text/plain'],
  ['a/plot.png', 'image/png'],
  ['a/model.pkl', 'application/octet-stream'],
  ['a/mlproject', 'text/plain'],
  ['a/noextension', 'application/octet-stream'],
])('%s goes out as %s', (path, type) => {
  expect(contentTypeOf(path)).toBe(type);
});

test('file names are encoded for headers', () => {
  expect(attachment('a/model.pkl')).toBe('attachment; filename=model.pkl');
  expect(attachment('images/dog+step+20.png')).toBe('attachment; filename=dog+step+20.png');
  expect(attachment('a/mo"del\né.pkl')).toBe(
    "attachment; filename=mo_del__.pkl; filename*=UTF-8''mo%22del%0A%C3%A9.pkl",
  );
});
