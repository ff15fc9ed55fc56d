import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { listenOn } from '#supervisor/listen-port.ts';

const failing = (...codes: string[]) => {
  const tried: number[] = [];
  const listen = async (_host: string, port: number) => {
    tried.push(port);
    const code = codes.shift();
    if (code !== undefined) throw Object.assign(new Error(code), { code });
    return port;
  };
  return { listen, tried };
};

test('without a port the first free one from 7070 is used', async () => {
  const { listen, tried } = failing('EADDRINUSE', 'EADDRINUSE');
  expect(await listenOn(listen, '127.0.0.1', undefined)).toBe(7072);
  expect(tried).toEqual([7070, 7071, 7072]);
});

test('or from another one on', async () => {
  const { listen, tried } = failing('EADDRINUSE');
  expect(await listenOn(listen, '127.0.0.1', undefined, 7072)).toBe(7073);
  expect(tried).toEqual([7072, 7073]);
});

test('reports when all ports are in use', async () => {
  const { listen } = failing(...Array.from({ length: 20 }, () => 'EADDRINUSE'));
  await expect(listenOn(listen, '127.0.0.1', undefined)).rejects.toThrow('All ports from 7070 to 7089');
});

test('a configured port in use is an error that names its process', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const listen = async () => {
    const other = createServer();
    return await new Promise<number>((resolve, reject) => {
      other.once('error', reject).listen(port, '127.0.0.1', () => resolve(port));
    });
  };
  const error = await listenOn(listen, '127.0.0.1', port).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'address_in_use' });
  expect(String(error)).toContain(`Port ${port} of 127.0.0.1 is in use by process ${process.pid} (`);
  await new Promise((resolve) => server.close(resolve));
});

test.each([
  ['EACCES', 'address_in_use', 'Only root can listen on port 80'],
  ['EADDRNOTAVAIL', 'invalid_config', 'does not have the address 127.0.0.1'],
])('%s: %s', async (code, expected, message) => {
  const error = await listenOn(failing(code).listen, '127.0.0.1', 80).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: expected });
  expect(String(error)).toContain(message);
});
