/** Test fixture: a kernel with the ledger of definitions and a gRPC server on a separate port. */
import { createServer } from 'node:net';
import { entityKind, featureServiceKind, featureViewKind } from '@dais/api/data';
import { GrpcServer } from '#grpc/grpc-server.ts';
import { OWNER_TOKEN, startHttpFixture, TEST_LIMITS, type HttpFixture } from '#http/testing/http-fixture.ts';
import { KindRegistry } from '#kernel/registry.ts';
import { project } from '#kinds/project/index.ts';
import { definitionEntries, definitionsSlice } from '#ledgers/definitions/index.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { OwnerAccess } from '#policy/owner-access.ts';
import { feastRegistry } from '../registry/registry-methods.ts';
import { registryClient, type RegistryClient } from './registry-client.ts';

export interface RegistryWorld {
  readonly http: HttpFixture;
  readonly address: string;
  readonly client: RegistryClient;
  stop(): Promise<void>;
}

/** `ownUid`: the user that needs no token; default: the user that runs the test. */
export async function startRegistryWorld(ownUid = process.geteuid?.()): Promise<RegistryWorld> {
  const kinds = [project, ...[entityKind, featureViewKind, featureServiceKind].map((spec) => ({ spec }))];
  const http = await startHttpFixture({
    kinds,
    slices: [definitionsSlice],
    entries: () => definitionEntries({ now: () => systemClock.now(), kinds: () => new KindRegistry(kinds) }),
  });
  const grpc = new GrpcServer({
    doors: [feastRegistry({ calls: http.kernel.dispatcher, log: silentLog })],
    access: new OwnerAccess({ hosts: [], origins: [], token: OWNER_TOKEN, ownUid }),
    clock: systemClock,
    log: silentLog,
    bodyBytes: TEST_LIMITS.bodyBytes,
    tls: undefined,
    finished: (request) => http.finished.push(request),
  });
  const server = createServer((socket) => grpc.accept(socket));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const port = (server.address() as { readonly port: number }).port;
  const address = `127.0.0.1:${port}`;
  const client = registryClient(address);
  return {
    http,
    address,
    client,
    stop: async () => {
      client.close();
      await grpc.drain(1000);
      await new Promise((resolve) => {
        server.close(resolve);
      });
      await http.stop();
    },
  };
}
