/** The facts that policies may use, as ledgers declare them. */
import type { Facts } from '@dais/api/access';
import type { KindDefinition } from '#kernel/kind.ts';
import type { FactProvider } from '#kernel/principal.ts';
import type { LedgerDefinition, ProductionKind } from '#ledgers/ledger.ts';
import type { LineageNames, ProductionSource } from '#policy/cedar/production/contract.ts';

export interface LoadedFacts {
  /** Facts about resources of a kind. */
  readonly of: (kind: string) => Pick<KindDefinition, 'facts'>;
  /** What is in production, with the causes of facts about what is upstream. */
  readonly production: readonly ProductionSource[];
  readonly lineage: LineageNames;
}

export async function loadFacts(ledgers: readonly LedgerDefinition[], now: () => number): Promise<LoadedFacts> {
  const { explainUpstream, nodeNames, readableNodes, upstreamFacts } = await import('#ledgers/lineage/index.ts');
  const declared = ledgers.flatMap(({ facts }) => facts?.(now) ?? []);
  const kinds = declared.flatMap(({ production }) => production ?? []);
  const measures = declared.flatMap(({ upstream = [] }) => upstream);
  const walk = ({ starts }: ProductionKind) => ({ measures, starts, clock: () => performance.now() });
  const nodes = ledgers.flatMap(({ lineageNodes = [] }) => lineageNodes);
  const explain =
    (of: ProductionKind): ProductionSource['explain'] =>
    async (tx, subject, names) => {
      const { causes } = await explainUpstream(walk(of), tx, subject, names);
      if (of.variants === undefined || subject.uid === undefined) return causes;
      const variants = await of.variants(tx, subject.uid);
      return causes.map((cause) => {
        const serves = variants.get(cause.path[0] ?? '');
        return serves === undefined ? cause : { ...cause, variants: serves };
      });
    };
  return {
    of: (kind) => {
      const providers = [
        ...declared.flatMap(({ providers: own }) => own?.[kind] ?? []),
        ...kinds.filter((one) => one.kind === kind).map((one) => upstreamFacts(walk(one))),
      ];
      return providers.length === 0 ? {} : { facts: combineFacts(providers) };
    },
    production: kinds.map((one) => ({ kind: one.kind, list: one.list, explain: explain(one) })),
    lineage: {
      names: async (tx, keys) => await nodeNames(tx, keys, nodes),
      readable: async (tx, call, keys) => await readableNodes(tx, call, keys, nodes),
    },
  };
}

/** Combines several providers of facts for one kind. */
function combineFacts(providers: readonly FactProvider[]): FactProvider {
  return {
    names: providers.flatMap(({ names }) => names),
    load: async (tx, subject, names) => {
      const found: Facts[] = [];
      for (const provider of providers) {
        const requested = new Set(provider.names.filter((name) => names.has(name)));
        if (requested.size > 0) found.push(await provider.load(tx, subject, requested));
      }
      return {
        values: Object.assign({}, ...found.map(({ values }) => values)) as Facts['values'],
        unknown: Object.assign({}, ...found.map(({ unknown }) => unknown)) as Facts['unknown'],
      };
    },
  };
}
