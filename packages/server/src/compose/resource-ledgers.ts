/** The ledgers whose operations use resources, for every kernel with the kinds. */
import type { Ledger } from '#ledgers/ledger.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';

const artifactRoot = 'mlflow-artifacts:';

export async function openResourceLedgers({
  now,
  engine,
}: {
  readonly now: () => number;
  readonly engine: PolicyEngine;
}): Promise<readonly Ledger[]> {
  const [comments, definitions, registry, tracking, { memberOf }] = await Promise.all([
    import('#ledgers/comments/index.ts'),
    import('#ledgers/definitions/index.ts'),
    import('#ledgers/registry/index.ts'),
    import('#ledgers/tracking/index.ts'),
    import('#policy/membership.ts'),
  ]);
  const kinds = () => engine.kinds;
  return [
    registry.ledger.open({
      now,
      kinds,
      artifactRoot,
      homes: {
        ofRun: async (tx, id) => await tracking.runHome(tx, id, { artifactRoot }),
        ofLoggedModel: async (tx, id) => await tracking.loggedModelHome(tx, id, { artifactRoot }),
      },
      memberOf: async (tx, who, teams) => await memberOf(engine, tx, who, teams),
    }),
    comments.ledger.open({
      now,
      subjects: {
        run: tracking.commentedRun,
        version: registry.versionSubject,
        places: async (tx, keys) =>
          new Map([...(await tracking.commentedRuns(tx, keys)), ...(await registry.commentedVersions(tx, keys))]),
      },
    }),
    definitions.ledger.open({ now, kinds }),
  ];
}
