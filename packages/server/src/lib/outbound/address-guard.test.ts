import { describe, expect, test } from 'vitest';
import { canonicalHost, createAddressGuard, type Address } from './address-guard.ts';
import type { OutboundErrorCode } from './error-code.ts';

class Failed extends Error {
  readonly code: OutboundErrorCode;
  constructor(code: OutboundErrorCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

const names: Readonly<Record<string, readonly string[]>> = {
  'public.example': ['93.184.216.34', '2606:2800:21f::1'],
  'rebind.example': ['127.0.0.1'],
  'mixed.example': ['93.184.216.34', '10.0.0.5'],
  'metadata.example': ['169.254.169.254'],
  'hooks.internal': ['10.1.2.3'],
  'odd.internal': ['169.254.169.254'],
  'nothing.example': [],
};

function guardOf(...allowHosts: string[]) {
  return createAddressGuard({
    allowHosts,
    fail: (code, detail) => new Failed(code, detail),
    resolve: async (name) => {
      const found = names[name.replace(/\.$/, '')];
      if (found === undefined) throw Object.assign(new Error('no'), { code: 'ENOTFOUND' });
      return found.map((address): Address => ({ address, family: address.includes(':') ? 6 : 4 }));
    },
  });
}

describe('the address guard', () => {
  test('public hosts pass with all their addresses', async () => {
    expect(await guardOf().check('public.example', 443)).toEqual([
      { address: '93.184.216.34', family: 4 },
      { address: '2606:2800:21f::1', family: 6 },
    ]);
    expect(await guardOf().check('8.8.8.8', 443)).toEqual([{ address: '8.8.8.8', family: 4 }]);
    expect(await guardOf().check('[2606:2800:21f::1]', 443)).toEqual([{ address: '2606:2800:21f::1', family: 6 }]);
  });

  test.each([
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '017700000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '１２７.0.0.1',
    '①②⑦.0.0.1',
    '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '::ffff:127.0.0.1',
    '[::1]',
    '[64:ff9b::7f00:1]',
    '0',
    '0.0.0.0',
    '10.0.0.1',
    '0xa9fea9fe',
    '169.254.169.254',
    'rebind.example',
    'REBIND.example.',
    'mixed.example',
    'metadata.example',
    'a b',
    'a/b',
    'user@public.example',
    'public.example:80',
    '',
    '[::1',
  ])('rejects %s', async (host) => {
    await expect(guardOf().check(host, 80)).rejects.toMatchObject({ code: 'address_refused' });
  });

  test('the refusal names the host, the reason and the setting', async () => {
    await expect(guardOf().check('mixed.example', 443)).rejects.toThrow(
      'mixed.example resolves to 10.0.0.5, a private address. An administrator can allow it with outbound.allowHosts',
    );
    await expect(guardOf().check('0x7f.1', 443)).rejects.toThrow('127.0.0.1 is a loopback address');
  });

  test('an allowed name permits local addresses, but no metadata service', async () => {
    const guard = guardOf('hooks.internal', 'odd.internal');
    expect(await guard.check('hooks.internal', 443)).toEqual([{ address: '10.1.2.3', family: 4 }]);
    await expect(guard.check('odd.internal', 443)).rejects.toMatchObject({ code: 'address_refused' });
    await expect(guard.check('10.1.2.3', 443)).rejects.toMatchObject({ code: 'address_refused' });
    await expect(guardOf('.internal').check('hooks.internal', 443)).resolves.toHaveLength(1);
    await expect(guardOf('internal').check('hooks.internal', 443)).rejects.toMatchObject({ code: 'address_refused' });
  });

  test('an allowed network permits its addresses, by name and by address, on its port', async () => {
    const guard = guardOf('10.1.0.0/16:8443', '169.254.169.254');
    await expect(guard.check('10.1.2.3', 8443)).resolves.toHaveLength(1);
    await expect(guard.check('hooks.internal', 8443)).resolves.toHaveLength(1);
    await expect(guard.check('hooks.internal', 443)).rejects.toMatchObject({ code: 'address_refused' });
    await expect(guard.check('10.2.0.1', 8443)).rejects.toMatchObject({ code: 'address_refused' });
    await expect(guard.check('metadata.example', 80)).resolves.toHaveLength(1);
    await expect(guardOf('127.0.0.0/8').check('[::ffff:127.0.0.1]', 80)).rejects.toMatchObject({
      code: 'address_refused',
    });
  });

  test('a name without an address fails without a refusal', async () => {
    await expect(guardOf().check('unknown.example', 443)).rejects.toMatchObject({ code: 'upstream_failed' });
    await expect(guardOf().check('nothing.example', 443)).rejects.toMatchObject({ code: 'upstream_failed' });
  });

  test('for a proxy, names that only the proxy resolves are accepted', async () => {
    const guard = guardOf();
    await expect(guard.checkForProxy('unknown.example', 443)).resolves.toBeUndefined();
    await expect(guard.checkForProxy('public.example', 443)).resolves.toBeUndefined();
    await expect(guard.checkForProxy('rebind.example', 443)).rejects.toMatchObject({ code: 'address_refused' });
    await expect(guard.checkForProxy('0x7f.1', 443)).rejects.toMatchObject({ code: 'address_refused' });
  });

  test('an invalid entry of the list is reported', () => {
    expect(() => guardOf('10.0.0.0/99')).toThrow('outbound.allowHosts: 10.0.0.0/99 is not a host name');
    expect(() => guardOf('*')).toThrow('outbound.allowHosts: * is not a host name');
  });
});

test.each([
  ['EXAMPLE.com', 'example.com'],
  ['münchen.example', 'xn--mnchen-3ya.example'],
  ['0x7f.1', '127.0.0.1'],
  ['[2606:2800:0::1]', '2606:2800::1'],
  ['2606:2800:0::1', '2606:2800::1'],
  ['999.1.1.1', undefined],
])('%s is written %s', (host, expected) => {
  expect(canonicalHost(host)).toBe(expected);
});
