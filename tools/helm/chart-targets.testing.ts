/** What selectors and references between the objects of the Helm chart lead to. */
import { podsOf, selects, type Json, type Labels, type Rendered } from './chart.testing.ts';

/** Returns a sentence for each selector without the right pods, missing port, and missing Service or workload. */
export function targetViolations(objects: readonly Rendered[]): readonly string[] {
  return objects.flatMap((object) =>
    violationsOf(object, objects).map((problem) => `${object.kind} ${object.metadata.name}: ${problem}`),
  );
}

function violationsOf(object: Rendered, objects: readonly Rendered[]): readonly string[] {
  const spec = (object['spec'] ?? {}) as Json;
  switch (object.kind) {
    case 'Service':
      return serviceViolations(spec, objects);
    case 'Deployment':
    case 'StatefulSet':
    case 'PodDisruptionBudget': {
      const selector = labelsOf(spec);
      const selected = podsOf(objects).filter(({ labels }) => selects(selector, labels));
      return selected.length === 1 ? [] : [`selects ${selected.length} workloads`];
    }
    case 'HorizontalPodAutoscaler': {
      const { kind, name } = spec['scaleTargetRef'] as { readonly kind: string; readonly name: string };
      const target = objects.find((one) => one.kind === kind && one.metadata.name === name);
      if (target === undefined) return [`${kind} ${name} does not exist`];
      // A number of replicas would compete with the autoscaler at each upgrade.
      return Object.hasOwn(target['spec'] as Json, 'replicas') ? [`${kind} ${name} has a number of replicas`] : [];
    }
    case 'ServiceMonitor': {
      const selector = labelsOf(spec);
      const selected = servicesOf(objects).filter(({ metadata }) => selects(selector, metadata.labels));
      return selected.length === 1 ? [] : [`selects ${selected.length} Services`];
    }
    case 'Ingress':
    case 'HTTPRoute':
      return routeViolations(spec, objects);
    default:
      return [];
  }
}

function serviceViolations(spec: Json, objects: readonly Rendered[]): readonly string[] {
  const selected = podsOf(objects).filter(({ labels }) => selects(spec['selector'] as Labels, labels));
  const ports = selected.flatMap((pod) => pod.spec.containers.flatMap((container) => container.ports ?? []));
  const names = new Set(ports.map(({ name }) => name));
  return (spec['ports'] as readonly { readonly targetPort: string }[])
    .filter(({ targetPort }) => !names.has(targetPort))
    .map(({ targetPort }) => `no pod has the port ${targetPort}`);
}

function routeViolations(spec: Json, objects: readonly Rendered[]): readonly string[] {
  const names = [...JSON.stringify(spec).matchAll(/"(?:service":|backendRefs":\[)\{"name":"([^"]+)"/g)].map(
    ([, name]) => name,
  );
  if (names.length === 0) return ['leads nowhere'];
  return names
    .filter((name) => !servicesOf(objects).some(({ metadata }) => metadata.name === name))
    .map((name) => `Service ${name} does not exist`);
}

function servicesOf(objects: readonly Rendered[]): readonly Rendered[] {
  return objects.filter(({ kind }) => kind === 'Service');
}

function labelsOf(spec: Json): Labels {
  return (spec['selector'] as { readonly matchLabels: Labels }).matchLabels;
}
