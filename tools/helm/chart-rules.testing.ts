/** Rules for the objects of the Helm chart. Each returns a sentence for each violation. */
import { configFields } from '@dais/api/config';
import {
  refuseArchiveOfExternal,
  refuseRoleWithoutDatabase,
  refuseUnsafeBind,
} from '../../packages/server/src/control/config-safety.ts';
import { resolveConfig, type ResolvedConfig } from '../../packages/server/src/config-load.ts';
import { restrictedViolations } from '../../packages/server/src/engines/compute/kubernetes/plan/restricted-check.testing.ts';
import { podsOf, type Container, type Labels, type Pod, type Rendered } from './chart.testing.ts';

const POD_IP = '10.1.2.3';
const SECRETS: Labels = {
  DAIS_DATABASE_URL: 'postgres://dais:secret@db.internal/dais?sslmode=verify-full',
  DAIS_KEYS_VALUES: `k1:${Buffer.alloc(32, 1).toString('base64')}`,
};
const SECRET_VARIABLES = new Set(configFields().flatMap(({ secret, variable }) => (secret ? [variable] : [])));
/** Names that have room for the suffix that Kubernetes adds for their pods and revisions. */
const MAX_NAME: Readonly<Record<string, number>> = { StatefulSet: 52, CronJob: 52, Deployment: 52, Service: 63 };

/** The Pod Security Standard `restricted`, resources, and a fixed image of one registry. */
export function podViolations({ annotations, labels, spec }: Pod, image: RegExp): readonly string[] {
  const containers = spec.containers.flatMap((container) => {
    const { resources, image: own, env = [] } = container;
    const security = container['securityContext'] as { readonly readOnlyRootFilesystem?: boolean } | undefined;
    return [
      ...(security?.readOnlyRootFilesystem === true ? [] : ['the root file system is writable']),
      ...['cpu', 'memory', 'ephemeral-storage'].filter((name) => resources.requests[name] === undefined),
      ...(/^\d+(Mi|Gi)$/.test(resources.limits['memory'] ?? '') ? [] : ['no limit of memory']),
      ...(image.test(own) ? [] : [`the image ${own}`]),
      ...env
        .filter(({ name, value }) => value !== undefined && SECRET_VARIABLES.has(name))
        .map(({ name }) => `a value of ${name}`),
    ];
  });
  return [
    ...restrictedViolations({ metadata: { annotations }, spec }),
    ...containers,
    // Services would become variables such as DAIS_PORT.
    ...(spec.enableServiceLinks === false ? [] : ['variables of Services']),
    ...(labels['app.kubernetes.io/component'] === undefined ? ['no component'] : []),
  ];
}

/** For the last collection of predictions (`LAST_WORK_MS` of `up.ts`). */
const LAST_WORK_SECONDS = 20;

/** Probes, and more time to stop than the drain needs. Only for pods of `dais up`. */
export function probeViolations({ of, spec }: Pod, objects: readonly Rendered[]): readonly string[] {
  const [container] = spec.containers;
  if (container?.args?.[0] !== 'up') return [];
  const text = (field: string) => JSON.stringify(container[field] ?? {});
  const waits = /(?<="seconds":)\d+|(?<=--time-limit )\d+/.exec(text('lifecycle'));
  const { drainSeconds, drainNoticeSeconds } = configOf(container, objects).limits;
  const needed = drainNoticeSeconds + drainSeconds + LAST_WORK_SECONDS + Number(waits?.[0] ?? 0);
  return [
    ...['startupProbe', 'livenessProbe'].filter((probe) => !text(probe).includes('"path":"/livez"')),
    ...(text('readinessProbe').includes('/readyz') ? [] : ['no readiness']),
    // Gateways serve while the database is away, when /readyz of the main port fails.
    ...(text('readinessProbe').includes('"exec"') === of.endsWith('-gateway') ? [] : ['the wrong readiness']),
    ...((spec.terminationGracePeriodSeconds ?? 0) > needed ? [] : [`less than ${needed} s to stop`]),
  ];
}

/** Dais accepts the configuration and has writable folders for it. */
export function configViolations(container: Container, objects: readonly Rendered[]): readonly string[] {
  const config = configOf(container, objects);
  for (const refuse of [refuseUnsafeBind, refuseArchiveOfExternal, refuseRoleWithoutDatabase]) refuse(config);
  const { data, port, authentication, allowHosts, database, blobs, keys, query } = config;
  const [, amount = '', unit] = /^(\d+)(Mi|Gi)$/.exec(container.resources.limits['memory'] ?? '') ?? [];
  const quarter = (Number(amount) * (unit === 'Gi' ? 1024 : 1)) / 4;
  const isShared = database.url !== undefined;
  const checks: Readonly<Record<string, boolean>> = {
    'the data folder is no volume': mountOf(container, data) === 'data',
    '/tmp is no volume': mountOf(container, '/tmp') === 'tmp',
    'the keys are in no volume': keys.type !== 'file' || mountOf(container, keys.folder ?? '') === 'keys',
    'the port is not that of the probes': port === 7070,
    'accounts are off': authentication.mode === 'accounts',
    'Prometheus cannot read the metrics of a pod': allowHosts.includes(POD_IP),
    'pods do not share their content': isShared === (blobs.type !== 'fs'),
    'pods do not share their keys': isShared === (keys.type !== 'file'),
    // A quarter of the memory of the pod, not of its machine.
    'queries exceed the memory of the pod': container.args === undefined || query.memoryMb === quarter,
  };
  return Object.entries(checks).flatMap(([problem, isFine]) => (isFine ? [] : [problem]));
}

/** Service accounts, ConfigMaps, claims and volumes of a pod exist. `outside` are names of objects of the user. */
export function volumeViolations(
  pod: Pod,
  objects: readonly Rendered[],
  outside: readonly string[],
): readonly string[] {
  const { serviceAccountName, volumes = [], containers } = pod.spec;
  const references = [
    ...(serviceAccountName === undefined ? [] : [['ServiceAccount', serviceAccountName] as const]),
    ...volumes.flatMap(({ configMap, persistentVolumeClaim: claim }) => [
      ...(configMap === undefined ? [] : [['ConfigMap', configMap.name] as const]),
      ...(claim === undefined ? [] : [['PersistentVolumeClaim', claim.claimName] as const]),
    ]),
  ];
  const names = [...volumes.map(({ name }) => name), ...pod.claims];
  const mounted = containers.flatMap(({ volumeMounts = [] }) => volumeMounts.map(({ name }) => name));
  return [
    ...references
      .filter(
        ([kind, name]) =>
          !outside.includes(name) && !objects.some((one) => one.kind === kind && one.metadata.name === name),
      )
      .map(([kind, name]) => `${kind} ${name} does not exist`),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `two volumes ${name}`),
    ...mounted.filter((name) => !names.includes(name)).map((name) => `volume ${name} does not exist`),
  ];
}

/** Names and label values that Kubernetes accepts. */
export function nameViolations(objects: readonly Rendered[]): readonly string[] {
  const identities = objects.map(({ kind, metadata }) => `${kind} ${metadata.namespace ?? ''}/${metadata.name}`);
  return [
    ...identities.filter((identity, index) => identities.indexOf(identity) !== index),
    ...objects.flatMap(({ kind, metadata: { name, labels } }) => [
      ...(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name) ? [] : [name]),
      ...(name.length <= (MAX_NAME[kind] ?? 253) ? [] : [`${kind} ${name}: ${name.length} characters`]),
      ...Object.entries(labels)
        .filter(([, value]) => !/^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/.test(value))
        .map(([label, value]) => `${kind} ${name}: ${label} is ${value}`),
    ]),
  ];
}

/** The containers that run a command of Dais with the configuration of the installation. */
export function daisContainers(
  objects: readonly Rendered[],
): readonly { readonly of: string; readonly container: Container }[] {
  return podsOf(objects).flatMap(({ of, spec }) =>
    spec.containers
      .filter(({ args = [], command = [] }) => args[0] === 'up' || command.join(' ').includes('dais admin backup'))
      .map((container) => ({ of, container })),
  );
}

/** The configuration of a container as Dais reads it, with a value for each Secret. @throws DaisError `invalid_config` */
function configOf({ env = [] }: Container, objects: readonly Rendered[]): ResolvedConfig {
  const [file = ''] = objects.flatMap(({ kind, data }) =>
    kind === 'ConfigMap' ? [(data as Labels)['dais.yaml'] ?? []].flat() : [],
  );
  const environment = Object.fromEntries(
    env.map(({ name, value = SECRETS[name] ?? 'secret' }) => [name, value.replaceAll('$(POD_IP)', POD_IP)]),
  );
  return resolveConfig(
    { file: { path: '/etc/dais/dais.yaml', text: file }, environment, flags: {}, workingFolder: '/' },
    { home: environment['HOME'] ?? '', isRoot: false },
  );
}

/** Name of the volume that contains a path. */
function mountOf({ volumeMounts = [] }: Container, path: string): string | undefined {
  return volumeMounts.find(({ mountPath }) => path === mountPath || path.startsWith(`${mountPath}/`))?.name;
}
