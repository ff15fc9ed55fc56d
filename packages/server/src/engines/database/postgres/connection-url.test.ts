import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDatabaseUrl } from './connection-url.ts';

test('the parts of a URL', () => {
  expect(parseDatabaseUrl('postgres://u:p%40ss@db.example:6432/dais')).toEqual({
    connection: { host: 'db.example', port: 6432, user: 'u', password: 'p@ss', database: 'dais' },
    tls: { mode: 'require' },
  });
  expect(parseDatabaseUrl('postgresql://u@[::1]/d').connection).toEqual({
    host: '::1',
    port: 5432,
    user: 'u',
    database: 'd',
  });
  expect(parseDatabaseUrl('postgres://u@h/d?prepared_statements=false').connection.preparedStatements).toBe(false);
  expect(parseDatabaseUrl('postgres://u@/d?host=/run/postgresql')).toEqual({
    connection: { host: '/run/postgresql', port: 5432, user: 'u', database: 'd' },
    tls: undefined,
  });
});

test.each([
  ['postgres://u@127.0.0.1/d', undefined],
  ['postgres://u@localhost/d?sslmode=require', { mode: 'require' }],
  ['postgres://u@h/d?sslmode=disable', undefined],
  ['postgres://u@h/d?sslmode=require&sslrootcert=/ca.pem', { mode: 'verify-ca', rootCertificate: '/ca.pem' }],
  ['postgres://u@h/d?sslmode=verify-full&sslcert=/c&sslkey=/k', { mode: 'verify-full', certificate: '/c', key: '/k' }],
])('TLS of %s', (url, tls) => {
  expect(parseDatabaseUrl(url).tls).toEqual(tls);
});

test.each([
  ['mysql://u@h/d', 'start with postgres://'],
  ['postgres://h/d', 'has no user'],
  ['postgres://u@h', 'name of the database'],
  ['postgres://u@h/a/b', 'name of the database'],
  ['postgres://u@h1,h2/d', 'several hosts'],
  ['postgres://u@h/d?sslmode=prefer', 'sslmode is "prefer"'],
  ['postgres://u@h/d?target_session_attrs=any', 'target_session_attrs'],
  ['postgres://u:%zz@h/d', '%25'],
  ['postgres://u:se/cret@h/d', 'not a URL'],
])('rejects %s', (url, reason) => {
  expect(() => parseDatabaseUrl(url)).toThrow(reason);
});

test('an error never shows the password', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 6 }), fc.constantFrom('', '?sslmode=x', '?x=1', '/y'), (secret, rest) => {
      expect(complaintAbout(`postgres://u:${secret}@h/d${rest}`)).not.toContain(`:${secret}@`);
    }),
  );
});

test('user, password and database survive encoding', () => {
  const part = fc
    .string({ minLength: 1, unit: 'grapheme' })
    // A URL cannot end in a segment `.` or `..`.
    .filter((text) => !text.includes('/') && !/^\.\.?$/.test(text) && text.isWellFormed());
  fc.assert(
    fc.property(part, part, part, (user, password, database) => {
      const [u, p, d] = [user, password, database].map(encodeURIComponent);
      const { connection } = parseDatabaseUrl(`postgres://${u}:${p}@h/${d}`);
      expect([connection.user, connection.password, connection.database]).toEqual([user, password, database]);
    }),
  );
});

function complaintAbout(url: string): string {
  try {
    parseDatabaseUrl(url);
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}
