/** Policies as a whole: their model, their validation, the rules in force. One of each process. */
import { platformOperations, resourceOperations } from '@dais/api';
import { furtherActions, roles } from '@dais/api/access';
import type { KindDefinition } from '#kernel/kind.ts';
import { KindRegistry } from '#kernel/registry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { PrincipalSource } from '#policy/principal-source.ts';
import { loadCedarWasm } from './cedar/language/cedar-wasm.ts';
import { buildModel, type Model } from './cedar/model.ts';
import { checkPolicy, type CheckedPolicy, type PolicyText } from './cedar/texts/policy-check.ts';
import { RulesCache } from './cedar/rules-cache.ts';
import { RulesReader } from './cedar/rules.ts';
import type { Evidence } from './cedar/target-view.ts';

export class PolicyEngine {
  readonly rules: RulesCache;
  readonly reader: RulesReader;
  readonly principals: PrincipalSource;
  readonly #kinds: () => readonly KindDefinition[];
  #model: Model | undefined;
  #registry: KindRegistry | undefined;

  /** @param kinds evaluated on first use: policies depend on kinds, and some kinds are policies */
  constructor(kinds: () => readonly KindDefinition[], principals: PrincipalSource) {
    this.#kinds = kinds;
    this.principals = principals;
    this.reader = new RulesReader(() => this.model, loadCedarWasm);
    this.rules = new RulesCache(this.reader);
  }

  get model(): Model {
    this.#model ??= this.#build();
    return this.#model;
  }

  get kinds(): KindRegistry {
    this.#registry ??= new KindRegistry(this.#kinds());
    return this.#registry;
  }

  #build(): Model {
    const kinds = this.#kinds();
    const operations = [...platformOperations, ...kinds.flatMap(({ spec }) => resourceOperations(spec))];
    return buildModel({ kinds, operations, further: furtherActions, roles });
  }

  /** Computes facts about what is in a project, in a transaction that may be in another. */
  factsIn(tx: Transaction, projectId: string): Evidence['facts'] {
    return async (subject, names) => {
      const home = tx.projectId;
      await tx.enter(projectId);
      const facts = await this.kinds.find(subject.kind)?.facts?.load(tx, subject, names);
      await tx.enter(home);
      return facts ?? { values: {}, unknown: {} };
    };
  }

  /** All errors of a policy text, and the results of its test cases. */
  async check(source: PolicyText): Promise<CheckedPolicy> {
    return checkPolicy(await loadCedarWasm(), this.model, source);
  }
}
