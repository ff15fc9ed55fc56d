/** The list of the facts that policies may use, by kind; see compose.ts. */
import type { Facts } from '@dais/api';
import type { FactProvider } from '#kernel/principal.ts';
import type { NodeSource } from '#ledgers/lineage/index.ts';
import type { LineageNames, ProductionSource } from '#policy/cedar/production.ts';

export interface LoadedFacts {
  readonly dataset: FactProvider;
  readonly model: FactProvider;
  readonly endpoint: FactProvider;
  /** What is in production, with the causes of facts about what is upstream. */
  readonly production: readonly ProductionSource[];
  readonly lineage: LineageNames;
}

export async function loadFacts(now: () => number): Promise<LoadedFacts> {
  const [lineage, { findingFacts, upstreamFindings }, { upstreamQuality }, safety, registry, serving] =
    await Promise.all([
      import('#ledgers/lineage/index.ts'),
      import('#ledgers/privacy/index.ts'),
      import('#ledgers/quality/index.ts'),
      import('#ledgers/safety/index.ts'),
      import('#ledgers/registry/index.ts'),
      import('#ledgers/serving/index.ts'),
    ]);
  const { explainUpstream, nodeNames, readableNodes, upstreamCounts, upstreamFacts } = lineage;
  const measures = [
    upstreamFindings(now),
    ...upstreamCounts,
    upstreamQuality,
    safety.upstreamScans,
    registry.upstreamApprovals,
  ];
  const clock = () => performance.now();
  const upstream = {
    Model: { measures, starts: registry.modelStarts, clock },
    Endpoint: { measures, starts: serving.endpointStarts, clock },
  };
  const sources = loadNodeSources;
  const causes = async (of: typeof upstream.Model, ...[tx, subject, names]: Parameters<ProductionSource['explain']>) =>
    (await explainUpstream(of, tx, subject, names)).causes;
  const explainEndpoint: ProductionSource['explain'] = async (tx, subject, names) => {
    const found = await causes(upstream.Endpoint, tx, subject, names);
    const variants = subject.uid === undefined ? undefined : await serving.servedVariants(tx, subject.uid);
    return found.map((cause) => {
      const serves = variants?.get(cause.path[0] ?? '');
      return serves === undefined ? cause : { ...cause, variants: serves };
    });
  };
  return {
    dataset: findingFacts(now),
    model: combineFacts(safety.safetyFacts, upstreamFacts(upstream.Model)),
    endpoint: upstreamFacts(upstream.Endpoint),
    production: [
      { kind: 'Endpoint', list: serving.listServing, explain: explainEndpoint },
      { kind: 'Model', list: registry.listAliases, explain: async (...of) => await causes(upstream.Model, ...of) },
    ],
    lineage: {
      names: async (tx, keys) => await nodeNames(tx, keys, await sources()),
      readable: async (tx, call, keys) => await readableNodes(tx, call, keys, await sources()),
    },
  };
}

/** The ledgers that keep what lineage nodes refer to. */
export async function loadNodeSources(): Promise<readonly NodeSource[]> {
  const [
    { loggedModelNodes, runNodes },
    { versionNodes },
    { stepNodes },
    { dataVersionNodes },
    { featureServiceNodes, featureViewNodes },
    { endpointNodes },
    { predictionNodes },
  ] = await Promise.all([
    import('#ledgers/tracking/index.ts'),
    import('#ledgers/registry/index.ts'),
    import('#ledgers/executions/index.ts'),
    import('#ledgers/data/index.ts'),
    import('#ledgers/features/index.ts'),
    import('#ledgers/serving/index.ts'),
    import('#ledgers/predictions/index.ts'),
  ]);
  return [
    runNodes,
    loggedModelNodes,
    versionNodes,
    stepNodes,
    dataVersionNodes,
    featureViewNodes,
    featureServiceNodes,
    endpointNodes,
    predictionNodes,
  ];
}

/** Combines what several providers give about one kind. */
function combineFacts(...providers: readonly FactProvider[]): FactProvider {
  return {
    names: providers.flatMap(({ names }) => names),
    load: async (tx, subject, names) => {
      const found: Facts[] = [];
      for (const provider of providers) {
        const wanted = new Set(provider.names.filter((name) => names.has(name)));
        if (wanted.size > 0) found.push(await provider.load(tx, subject, wanted));
      }
      return {
        values: Object.assign({}, ...found.map(({ values }) => values)) as Facts['values'],
        unknown: Object.assign({}, ...found.map(({ unknown }) => unknown)) as Facts['unknown'],
      };
    },
  };
}
