/** The schema of the values of the Helm chart. Rules between several values are in `templates/_checks.tpl` of the chart. */
import { configFields, configVariable } from '@dais/api/config';
import { z } from 'zod';
import { configValuesSchema } from './config-values.ts';

/** Secret fields that have a value of their own in the chart. */
const OWN_VALUES = ['database.url', 'blobs.secretAccessKey', 'keys.values', 'node.joinToken'];

/** Names of objects and of keys in Secrets and ConfigMaps; empty: none. */
const name = z
  .string()
  .max(253)
  .regex(/^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$/);
const key = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9._-]+$/);
const namespace = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
const quantity = z.string().regex(/^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/);
/** The memory of queries is computed from it. */
const memory = z.string().regex(/^[0-9]+(Mi|Gi)$/);
const port = z.int().min(1).max(65_535);
const texts = z.record(z.string(), z.string());
/** Objects of Kubernetes, which the API server checks. */
const object = z.looseObject({});
const objects = z.array(object);

const resources = z.strictObject({
  requests: z.record(z.string(), quantity),
  // Without a limit, one pod could use the memory of its whole machine.
  limits: z.looseObject({ memory }).catchall(quantity),
});

const claim = z.strictObject({ enabled: z.boolean(), size: quantity, storageClass: name.optional() });

const role = z.strictObject({
  replicas: z.int().min(0).max(100),
  preStopSeconds: z.int().min(0).max(600),
  resources,
  dataVolume: z.strictObject({ size: quantity }),
  persistence: claim,
  podLabels: texts.optional(),
  podAnnotations: texts.optional(),
  nodeSelector: texts.optional(),
  tolerations: objects.optional(),
  affinity: object.optional(),
  priorityClassName: name.optional(),
  runtimeClassName: name.optional(),
  podSecurityContext: object.optional(),
  securityContext: object.optional(),
  hostUsers: z.boolean().optional(),
});

const autoscaling = z.strictObject({
  enabled: z.boolean(),
  minReplicas: z.int().min(1).max(100),
  maxReplicas: z.int().min(1).max(100),
  targetCpu: z.int().min(1).max(100),
});

const service = z.strictObject({ type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']), annotations: texts });
const egress = z.strictObject({ to: objects, ports: z.array(port).min(1) });

/** Returns a JSON Schema (draft 7) that refuses unknown values. */
export function valuesSchema(): object {
  const values = z.strictObject({
    profile: z.enum(['', 'trial', 'production']),
    nameOverride: name,
    fullnameOverride: name,
    labels: texts,
    image: z.strictObject({
      registry: z.string().regex(/^([A-Za-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)*)?$/),
      repository: z.string().regex(/^[a-z0-9._-]+(\/[a-z0-9._-]+)*$/),
      tag: z.string().regex(/^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$/),
      digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/),
      pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']),
      pullSecrets: z.array(name),
    }),
    config: z.looseObject({}).meta({ id: 'config' }),
    listenAddress: z.enum(['0.0.0.0', '::']),
    startupSeconds: z.int().min(30).max(86_400),
    allowHosts: z.array(z.string().regex(/^[^\s/@]+$/)).max(40),
    database: z.strictObject({ secret: z.strictObject({ name, key }) }),
    blobs: z.strictObject({ secret: z.strictObject({ name, accessKeyId: key, secretAccessKey: key }) }),
    keys: z.strictObject({ secret: z.strictObject({ name, key }) }),
    secretVariables: z.array(z.strictObject({ name: z.enum(secretVariables()), secret: name.min(1), key })),
    variables: z.record(z.string(), z.string()),
    tls: z.strictObject({
      secretName: name,
      caKey: z
        .string()
        .max(253)
        .regex(/^[A-Za-z0-9._-]*$/),
    }),
    caBundle: z.strictObject({ configMap: name, secret: name, key }),
    extraVolumes: objects,
    extraVolumeMounts: objects,
    nodes: z.strictObject({
      join: z.enum(['open', 'token']),
      joinToken: z.strictObject({ secret: name, key }),
      internalPort: z.int().min(0).max(65_535),
    }),
    roles: z.strictObject({
      all: role,
      api: role.extend({ autoscaling }),
      controller: role,
      gateway: role.extend({ autoscaling, grpc: z.boolean() }),
      worker: role.extend({
        drain: z.strictObject({ secret: name, key, timeLimitSeconds: z.int().min(1).max(86_400) }),
      }),
    }),
    keysVolume: z.strictObject({ size: quantity, storageClass: name }),
    topologySpread: z.enum(['ScheduleAnyway', 'DoNotSchedule', 'None']),
    podSecurityContext: object,
    securityContext: object,
    hostUsers: z.boolean().nullish(),
    serviceAccounts: z.strictObject({ create: z.boolean(), name, annotations: texts, podLabels: texts }),
    rbac: z.strictObject({
      create: z.boolean(),
      mode: z.enum(['namespaced', 'cluster']),
      namespaces: z.array(namespace),
      projectObjects: z.boolean(),
      kueue: z.boolean(),
    }),
    service,
    gatewayService: service,
    ingress: z.strictObject({ enabled: z.boolean(), className: name, annotations: texts, tlsSecretName: name }),
    httpRoute: z.strictObject({ enabled: z.boolean(), annotations: texts, parentRefs: objects }),
    disruptionBudgets: z.strictObject({ enabled: z.boolean() }),
    networkPolicy: z.strictObject({
      enabled: z.boolean(),
      clients: objects,
      metrics: objects,
      egress: z.strictObject({
        dns: egress,
        database: egress,
        objectStore: egress,
        kubernetesApi: egress,
        internet: z.boolean(),
        extra: objects,
      }),
    }),
    metrics: z.strictObject({
      serviceMonitor: z.strictObject({
        enabled: z.boolean(),
        labels: texts,
        interval: z.string().regex(/^[0-9]+[sm]$/),
        token: z.strictObject({ secret: name, key }),
        gateways: z.boolean(),
      }),
      rules: z.strictObject({ enabled: z.boolean(), labels: texts }),
      dashboards: z.strictObject({ enabled: z.boolean(), labels: texts }),
    }),
    backup: z.strictObject({
      enabled: z.boolean(),
      schedule: z.string().min(9).max(100),
      timeZone: z.string().min(1).max(64),
      keep: z.int().min(1).max(1000),
      skipDamaged: z.boolean(),
      timeLimitSeconds: z.int().min(60).max(604_800),
      volume: z.strictObject({
        existingClaim: name,
        size: quantity,
        storageClass: name,
        accessMode: z.enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany']),
      }),
      resources,
    }),
    test: z.strictObject({ resources }),
    // Helm adds it to the values of a chart that is a dependency of another one.
    global: object.optional(),
  });
  const { $schema, ...schema } = z.toJSONSchema(values, { io: 'input', target: 'draft-7' });
  const definitions = { config: configValuesSchema(), variables: variablesSchema() };
  const properties = { ...schema.properties, variables: { $ref: '#/definitions/variables' } };
  return { $schema, title: 'Values of the Dais chart', ...schema, properties, definitions };
}

/** Names that are not of Dais: `DAI` and `DAIS` are, `DAI_X` is not. */
function variablesSchema(): object {
  return {
    description: 'Variables of other programs. Settings of Dais are in `config`, its secrets in `secretVariables`.',
    type: 'object',
    propertyNames: { pattern: '^[A-Za-z_][A-Za-z0-9_]*$', not: { pattern: '^DAIS_' } },
    additionalProperties: { type: 'string' },
  };
}

function secretVariables(): string[] {
  const own = new Set(OWN_VALUES.map(configVariable));
  const names = configFields()
    .filter(({ secret, variable }) => secret && variable !== '' && !own.has(variable))
    .map(({ variable }) => variable);
  return [...new Set(names)].toSorted();
}
