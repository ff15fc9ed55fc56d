/**
 * Trees of Dais with the role `all`, each in a zone of its own, on one PostgreSQL and one S3 server, behind one load balancer for the API and
 * one for predictions.
 */
import { chmod, mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { ServerNode } from '@dais/api/access';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { isAlive, startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { startMotoServer, type MotoServer } from '../../../../../conformance/s3/moto-server.ts';
import { until } from './until.testing.ts';
import { ZoneBalancer, type Backend } from './zone-balancer.testing.ts';
import { ZoneClient } from './zone-client.testing.ts';
import { ZoneNetwork, type Zone } from './zone-network.testing.ts';

/** In every zone the same: each has a network of its own. */
export const PORTS = { main: 7070, inference: 7071, grpc: 7072, inferenceGrpc: 7073 } as const;
const PASSWORD = 'zones';
const BUCKET = 'zones';
const REGION = 'eu-central-1';
const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

type Flags = Readonly<Record<string, unknown>>;

export class ZoneTree {
  readonly name: string;
  readonly zone: Zone;
  readonly url: string;
  readonly data: string;
  readonly #flags: Flags;
  #dais: DaisProcess | undefined;

  constructor(name: string, zone: Zone, data: string, flags: Flags) {
    this.name = name;
    this.zone = zone;
    this.url = `http://${zone.address}:${PORTS.main}`;
    this.data = data;
    this.#flags = {
      ...flags,
      data,
      host: zone.address,
      port: PORTS.main,
      'ports.inference': PORTS.inference,
      'ports.grpc': PORTS.grpc,
      'ports.inferenceGrpc': PORTS.inferenceGrpc,
    };
  }

  /** Of its supervisor. */
  get pid(): number {
    return this.#dais?.process.pid ?? 0;
  }

  /** What it has written since its last start. */
  get output(): string {
    return this.#dais?.output() ?? '';
  }

  /** Resolves when it is ready. `command`: starts it, within its zone. */
  async start(command: readonly string[] = []): Promise<void> {
    this.#dais = startDaisProcess(this.#flags, { command: [...this.zone.command, ...command] });
    await this.#dais.ready;
  }

  async stop(): Promise<void> {
    this.#dais?.process.kill('SIGTERM');
    await this.#dais?.ended;
  }

  /** kill -9 of all processes in the zone, the steps of jobs included, as when a machine fails. Its disk remains. */
  async kill(): Promise<void> {
    const all = this.zone.processes();
    this.zone.signal('SIGKILL');
    await this.#dais?.ended;
    await until('all processes of the zone have ended', () => !all.some(isAlive));
  }

  async nodeId(): Promise<string> {
    return (JSON.parse(await readFile(join(this.data, 'node.json'), 'utf8')) as { id: string }).id;
  }
}

interface FleetEngines {
  readonly folder: string;
  readonly network: ZoneNetwork;
  readonly database: TestDatabase;
  readonly s3: MotoServer;
}

export class ZoneFleet {
  readonly trees: readonly ZoneTree[];
  readonly api: ZoneBalancer;
  readonly grpc: ZoneBalancer;
  readonly inference: ZoneBalancer;
  readonly inferenceGrpc: ZoneBalancer;
  /** Of a service account that administers the organization: works on every tree. */
  readonly token: string;
  readonly folder: string;
  readonly #engines: FleetEngines;

  private constructor(engines: FleetEngines, trees: readonly ZoneTree[], token: string, balancers: Balancers) {
    this.#engines = engines;
    this.folder = engines.folder;
    this.trees = trees;
    this.token = token;
    this.api = balancers.api;
    this.grpc = balancers.grpc;
    this.inference = balancers.inference;
    this.inferenceGrpc = balancers.inferenceGrpc;
  }

  /** `flags`: differences from the default configuration of each tree. */
  static async start(count: number, flags: Flags = {}): Promise<ZoneFleet> {
    const folder = await mkdtemp(join(tmpdir(), 'dais-zones-'));
    // Models run as other users.
    await chmod(folder, 0o755);
    const network = await ZoneNetwork.open(count, folder);
    try {
      return await ZoneFleet.#startIn(network, folder, flags);
    } catch (error) {
      // The servers of the database and of S3 end with this process.
      await network.close();
      throw error;
    }
  }

  static async #startIn(network: ZoneNetwork, folder: string, flags: Flags): Promise<ZoneFleet> {
    const { address, range, zones } = network;
    const engines = {
      folder,
      network,
      database: await startTestDatabase([], { tcp: { address, clients: range }, settings: { max_connections: 200 } }),
      s3: await startMotoServer(0, address),
    };
    await makeBucket(engines.s3.url);
    const { port } = engines.database.connection;
    const { database } = await engines.database.emptyDatabase();
    await engines.database.asAdmin(`alter role dais password '${PASSWORD}'`);
    const backends = (to: number, healthPort: number): readonly Backend[] =>
      zones.map((zone, at) => ({ name: nameOf(at), host: zone.address, port: to, healthPort }));
    const balancers = {
      api: await ZoneBalancer.start(address, 0, backends(PORTS.main, PORTS.main)),
      grpc: await ZoneBalancer.start(address, 0, backends(PORTS.grpc, PORTS.main)),
      inference: await ZoneBalancer.start(address, 0, backends(PORTS.inference, PORTS.inference)),
      inferenceGrpc: await ZoneBalancer.start(address, 0, backends(PORTS.inferenceGrpc, PORTS.inference)),
    };
    const shared = {
      role: 'all',
      'authentication.mode': 'accounts',
      insecureHttp: true,
      'node.join': 'open',
      publicUrl: balancers.api.url,
      inferenceUrl: balancers.inference.url,
      'keys.folder': join(folder, 'keys'),
      'database.url': `postgres://dais:${PASSWORD}@${address}:${port}/${database}?sslmode=disable`,
      'blobs.type': 's3',
      'blobs.bucket': BUCKET,
      'blobs.region': REGION,
      'blobs.endpoint': engines.s3.url,
      'blobs.pathStyle': true,
      'blobs.accessKeyId': CREDENTIALS.accessKeyId,
      'blobs.secretAccessKey': CREDENTIALS.secretAccessKey,
      ...flags,
    };
    const trees = zones.map((zone, at) => new ZoneTree(nameOf(at), zone, join(folder, nameOf(at)), shared));
    // The first one migrates the database.
    const [first] = trees;
    await first!.start();
    await Promise.all(trees.slice(1).map((tree) => tree.start()));
    const fleet = new ZoneFleet(engines, trees, await makeToken(first!), balancers);
    // Gateways listen from the first endpoint on.
    await until('the balancer of the API has all trees', () => balancers.api.up.length === trees.length);
    return fleet;
  }

  get databasePort(): number {
    return this.#engines.database.connection.port;
  }

  get s3Port(): number {
    return Number(new URL(this.#engines.s3.url).port);
  }

  /** Process id of the server of the database, whose children are its connections. */
  async databasePid(): Promise<number> {
    const [row] = await this.#engines.database.asAdmin(`select pg_read_file('postmaster.pid') as text`);
    return Number(String(row?.['text']).split('\n')[0]);
  }

  /** Resolves when all trees get requests and predictions. There must be an endpoint. */
  async isUp(): Promise<void> {
    const { length } = this.trees;
    await until('the balancer of the API has all trees', () => this.api.up.length === length);
    await until('the balancer of predictions has all trees', () => this.inference.up.length === length);
  }

  /** The nodes of the installation, as a tree sees them. */
  async nodes(from?: ZoneTree): Promise<readonly ServerNode[]> {
    const client = new ZoneClient(from?.url ?? this.api.url, this.token);
    return (await client.must<{ items: ServerNode[] }>({ method: 'GET', path: '/api/v1/nodes' })).items;
  }

  /** The tree that numbers events. */
  async leader(): Promise<ZoneTree> {
    let leader: ZoneTree | undefined;
    await until('a tree has the lease of the sequencer', async () => {
      const leading = (await this.nodes()).find(({ leases }) => leases.includes('sequencer'));
      for (const tree of this.trees) if ((await tree.nodeId()) === leading?.id) leader = tree;
      return leader !== undefined;
    });
    return leader!;
  }

  /** Part of the ids of the predictions of its gateway. */
  async gatewayOf(tree: ZoneTree): Promise<number | undefined> {
    const id = await tree.nodeId();
    return (await this.nodes()).find((node) => node.id === id)?.gateway;
  }

  async close(): Promise<void> {
    const { api, grpc, inference, inferenceGrpc } = this;
    await Promise.all(this.trees.map((tree) => tree.stop()));
    await Promise.all([api, grpc, inference, inferenceGrpc].map((balancer) => balancer.close()));
    await this.#engines.s3.stop();
    await this.#engines.database.stop();
    await this.#engines.network.close();
  }
}

type Balancers = Readonly<Record<'api' | 'grpc' | 'inference' | 'inferenceGrpc', ZoneBalancer>>;

const nameOf = (at: number): string => `zone-${at + 1}`;

async function makeToken(tree: ZoneTree): Promise<string> {
  const owner = (await readFile(join(tree.data, 'owner-token'), 'utf8')).trim();
  const headers = { authorization: `Bearer ${owner}`, 'content-type': 'application/json' };
  const post = async (path: string, body: object) => {
    const answer = await fetch(`${tree.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as { readonly token: string };
  };
  const documents = [
    { kind: 'ServiceAccount', metadata: { name: 'zones' }, spec: {} },
    {
      kind: 'OrganizationRoleBinding',
      metadata: { name: 'zones' },
      spec: { role: 'admin', serviceAccounts: ['zones'] },
    },
  ].map((one) => JSON.stringify({ apiVersion: 'dais.dev/v1', ...one }));
  await post('/api/v1/apply', { sources: documents.map((text) => ({ file: 'zones', text })) });
  return (await post('/api/v1/serviceaccounts/zones/tokens', { title: 'zones' })).token;
}

async function makeBucket(endpoint: string): Promise<void> {
  const client = new S3Client({ region: REGION, endpoint, credentials: CREDENTIALS, forcePathStyle: true });
  const location = { CreateBucketConfiguration: { LocationConstraint: REGION } } as const;
  await client.send(new CreateBucketCommand({ Bucket: BUCKET, ...location }));
  client.destroy();
}
