import { expect, test } from 'vitest';
import { Connection } from './connection.ts';

function setUp() {
  const waiting: (() => void)[] = [];
  const world = { reachable: false, online: true, visible: true };
  const connection = new Connection({
    ask: async () => {
      if (!world.reachable) throw new Error('away');
    },
    isOnline: () => world.online,
    isVisible: () => world.visible,
    after: (_ms, then) => void waiting.push(then),
  });
  const seen: string[] = [];
  connection.subscribe(() => seen.push(connection.state));
  const next = async () => {
    waiting.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  };
  return { connection, world, seen, next, waiting };
}

test('a lost connection is retried until the server responds', async () => {
  const { connection, world, seen, next, waiting } = setUp();
  connection.lost();
  connection.lost();
  expect(waiting).toHaveLength(1);
  await next();
  world.reachable = true;
  await next();
  expect(seen).toEqual(['reconnecting', 'connected']);
  expect(waiting).toHaveLength(0);
});

test('without a network the state is offline', async () => {
  const { connection, world, seen, next } = setUp();
  world.online = false;
  connection.lost();
  world.online = true;
  await next();
  expect(seen).toEqual(['offline', 'reconnecting']);
});

test('a heartbeat notices a stopped server on a page without a live stream', async () => {
  const { connection, world, seen, next } = setUp();
  world.visible = false;
  connection.startHeartbeat();
  await next();
  expect(seen).toEqual([]);
  world.visible = true;
  await next();
  expect(seen).toEqual(['reconnecting']);
});
