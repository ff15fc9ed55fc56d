/** The list of the facts that policies may use, by kind; see compose.ts. */
import type { Facts } from '@dais/api';
import type { FactProvider } from '#kernel/principal.ts';
import type { ExplainedFacts, UpstreamFactsOptions } from '#ledgers/lineage/index.ts';

export interface LoadedFacts {
  readonly dataset: FactProvider;
  readonly model: FactProvider;
  readonly endpoint: FactProvider;
  /** Facts about what is upstream, with their causes, by kind. */
  readonly upstream: Readonly<Record<'Model' | 'Endpoint', UpstreamFactsOptions>>;
}

export type { ExplainedFacts, UpstreamFactsOptions };

export async function loadFacts(now: () => number): Promise<LoadedFacts> {
  const [lineage, { findingFacts, upstreamFindings }, { upstreamQuality }, safety, registry, { endpointStarts }] =
    await Promise.all([
      import('#ledgers/lineage/index.ts'),
      import('#ledgers/privacy/index.ts'),
      import('#ledgers/quality/index.ts'),
      import('#ledgers/safety/index.ts'),
      import('#ledgers/registry/index.ts'),
      import('#ledgers/serving/index.ts'),
    ]);
  const { upstreamCounts, upstreamFacts } = lineage;
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
    Endpoint: { measures, starts: endpointStarts, clock },
  };
  return {
    dataset: findingFacts(now),
    model: combineFacts(safety.safetyFacts, upstreamFacts(upstream.Model)),
    endpoint: upstreamFacts(upstream.Endpoint),
    upstream,
  };
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
