/** Decides about every operation by roles and policies; what it refuses is put on record. */
import { DaisError, findReferences } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import type { Authorizer, Decision, Permit, Principal, Question, RowFilter } from '#kernel/principal.ts';
import { noSuchProject } from '#kernel/tenants.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { versionPrelude } from '#policy/state.ts';
import type { PolicyEngine } from '#policy/policy-engine.ts';
import { beyondToken, requireWithinToken } from '#policy/token-limits.ts';
import { DenialRecorder, type Denial } from './cedar/denials.ts';
import { findPrincipal, makeInquiry, type RequestContext, type PrincipalType } from './cedar/inquiries.ts';
import { auditDecisions, recordAudited, AuditRecorder, type AuditedRefusal } from './cedar/production/audited.ts';
import {
  auditSetsOf,
  candidatesOf,
  authorize,
  authorizeCollection,
  type CollectionDecision,
  type Inquiry,
} from './cedar/authorize.ts';
import { RolePermits } from './cedar/role-permits.ts';
import { actionWord, factNames, type KindModel } from './cedar/model.ts';
import { forbidden, type Undecided } from './cedar/denial-message.ts';
import { isHidden } from './cedar/project-visibility.ts';
import { collectionOf } from './cedar/resource-entity.ts';
import { holds } from './cedar/rows/row-condition.ts';
import { eventFilter, resourceFilter } from './cedar/rows/row-filter.ts';
import { SIGNED_IN_ID, type Rules } from './cedar/rules.ts';
import { TargetView, type Evidence } from './cedar/target-view.ts';
import { VersionWatch } from './cedar/version-watch.ts';

export interface CedarAuthorizerDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly engine: PolicyEngine;
}

/** Owners of the token of the data folder, to whom no policies apply. The audit log marks their actions. */
const BREAK_GLASS = 'break-glass';

export class CedarAuthorizer implements Authorizer {
  readonly prelude = versionPrelude;
  readonly #dependencies: CedarAuthorizerDependencies;
  readonly #denials: DenialRecorder;
  readonly #audits: AuditRecorder;
  readonly #versions: VersionWatch;
  readonly #rolePermits = new RolePermits();
  /** The reason of an error, until its operation is over. */
  readonly #refusals = new WeakMap<DaisError, Denial>();

  constructor(dependencies: CedarAuthorizerDependencies) {
    this.#dependencies = dependencies;
    this.#denials = new DenialRecorder(dependencies);
    this.#audits = new AuditRecorder(dependencies);
    this.#versions = new VersionWatch(dependencies.database, dependencies.clock);
  }

  async authorize(question: Question, tx: Transaction): Promise<Permit> {
    const { engine } = this.#dependencies;
    const { principal, operation } = question;
    if (principal.type === 'system') {
      // A step that the platform started has the same limits as other steps.
      requireWithinToken(question);
      return {};
    }
    const known = engine.rules.known(tx.sql);
    if (principal.credentialCheck !== undefined) {
      const { version } = known ?? (await engine.rules.current(tx.sql));
      await principal.credentialCheck.check(version, tx.sql);
    }
    if (operation.public === true) return {};
    if (principal.via === undefined || principal.via.method === 'none') {
      throw new DaisError('unauthenticated', `The action ${operation.action} requires authentication.`);
    }
    const rules = known ?? (await engine.rules.current(tx.sql));
    if (isOwner(principal)) {
      requireWithinToken(question);
      return { decision: { policies: [BREAK_GLASS], set: rules.digest } };
    }
    const cached = this.#rolePermits.find(rules, question);
    const permit =
      cached !== undefined && beyondToken(question) === undefined ? cached : await this.#permit(question, tx, rules);
    if (operation.mode !== 'watch') return permit;
    return { ...permit, until: this.#versions.until(rules.version, principal.credentialCheck?.leftMs) };
  }

  async #permit(question: Question, tx: Transaction, rules: Rules): Promise<Permit> {
    const evidence = { sql: tx.sql, tx, facts: this.#dependencies.engine.factsIn(tx, question.projectId) };
    const inquiry = await this.#inquire(question, evidence, rules);
    this.#checkLimits(question, inquiry);
    const permit = await this.#decide(inquiry, question, evidence);
    this.#rolePermits.keep(question, inquiry, permit);
    return question.operation.mode === 'watch' ? permit : await this.#withUses(permit, inquiry, question, evidence);
  }

  /** Records a denial before its response is sent. */
  async ended(error: unknown): Promise<void> {
    if (!(error instanceof DaisError)) return;
    // Another error may have replaced it.
    const denial = this.#refusals.get(error) ?? this.#refusals.get(error.cause as DaisError);
    if (denial === undefined) return;
    this.#refusals.delete(error);
    await this.#denials.record(denial);
  }

  #refuse(question: Question, rules: Rules, error: DaisError, policies: readonly string[]): DaisError {
    this.#refusals.set(error, { question, decision: { policies, set: rules.digest } });
    return error;
  }

  /** The limits of a token apply independent of its owner. */
  #checkLimits(question: Question, inquiry: Inquiry): void {
    const beyond = beyondToken(question);
    if (beyond === undefined) return;
    const hidden = beyond.policy === 'token-scopes' && isHidden(inquiry);
    const error = hidden ? noSuchProject(question.project) : new DaisError('forbidden', beyond.detail);
    throw this.#refuse(question, inquiry.rules, error, [beyond.policy]);
  }

  async #inquire(question: Question, evidence: Evidence, rules: Rules): Promise<Inquiry> {
    const { principal, client, operation, project } = question;
    const type: PrincipalType = principal.type === 'user' ? 'user' : 'service';
    const facts = await findPrincipal(rules, this.#dependencies.engine.principals, type, principal.id, evidence.sql);
    if (facts === undefined || facts.suspended) {
      const detail = `The account "${principal.id}" ${facts === undefined ? 'was deleted' : 'is suspended'}. Ask an administrator of the organization.`;
      throw this.#refuse(question, rules, new DaisError('forbidden', detail), ['suspended']);
    }
    const now = this.#dependencies.clock.now();
    const circumstances: RequestContext = { via: principal.via, client, scopes: principal.scopes, now };
    return makeInquiry(rules, type, facts, { action: operation.action, project, circumstances });
  }

  async #decide(inquiry: Inquiry, question: Question, evidence: Evidence): Promise<Permit> {
    const { operation, target } = question;
    const kind = inquiry.rules.model.kinds.get(target.kind);
    const reads = operation.mode !== 'write' && operation.action.endsWith(':read');
    if (kind !== undefined && target.name === undefined && reads) return this.#decideRows(inquiry, question, kind);
    const permit = await this.#decideTarget(inquiry, question, evidence, {
      kind,
      mustSee: !operation.action.endsWith(':read'),
    });
    // What everybody may do for themselves, they may do in projects that they know of.
    if (permit.decision?.policies.every((id) => id === SIGNED_IN_ID) === true && isHidden(inquiry))
      throw this.#refuse(question, inquiry.rules, noSuchProject(inquiry.project), permit.decision.policies);
    if (operation.action !== 'event:read') return permit;
    const rows = readableEvents(inquiry);
    return rows === undefined ? permit : { ...permit, rows };
  }

  /** A resource that names a Secret can use it, so its author needs the permission to use the Secret. */
  async #withUses(permit: Permit, inquiry: Inquiry, question: Question, evidence: Evidence): Promise<Permit> {
    const { desired } = question.target;
    const kind = inquiry.rules.model.kinds.get(question.target.kind);
    if (desired === undefined || kind === undefined) return permit;
    const policies = new Set(permit.decision?.policies);
    const unseen: { kind: string; name: string; error: DaisError }[] = [];
    for (const { kind: used, name } of findReferences(kind.spec.spec, desired.spec)) {
      const action = inquiry.rules.model.actions.get(`${actionWord(used)}:use`);
      if (action === undefined) continue;
      const { operation, project } = question;
      const target = { kind: used, name, ...(project !== '' && { project }) };
      const request = { ...question, target, operation: { ...operation, action: action.action } };
      this.#checkLimits(request, inquiry);
      try {
        const use = await this.#decideUse({ ...inquiry, action }, request, evidence);
        for (const id of use.decision?.policies ?? []) policies.add(id);
      } catch (error) {
        if (!(error instanceof DaisError) || error.code !== 'not_found') throw error;
        // Admission reports it with the error for a missing resource.
        unseen.push({ kind: used, name, error });
      }
    }
    return { ...permit, unseen, decision: { policies: [...policies], set: inquiry.rules.digest } };
  }

  async #decideUse(inquiry: Inquiry, question: Question, evidence: Evidence): Promise<Permit> {
    const kind = inquiry.rules.model.kinds.get(question.target.kind);
    const view = new TargetView(question, evidence, kind, []);
    const reads = candidatesOf(inquiry, view.uid.type).some((policy) => policy.readsResource);
    // Admission reports a missing resource, or the same apply creates it.
    if (reads && (await view.resource()) === undefined) return {};
    return await this.#decideTarget(inquiry, question, evidence, { kind, mustSee: false });
  }

  #decideRows(inquiry: Inquiry, question: Question, kind: KindModel): Permit {
    const { condition, permits, forbids, forbidAll } = authorizeCollection(
      inquiry,
      collectionOf(kind, inquiry.project),
    );
    // Apply rejects policies whose conditions do not translate to rows; a policy from an older version hides all rows.
    if (condition === undefined) throw this.#refusal(inquiry, question, forbids);
    if (condition.op === 'never') throw this.#refusal(inquiry, question, forbidAll);
    const decision: Decision = { policies: [...permits, ...forbids], set: inquiry.rules.digest };
    return condition.op === 'always' ? { decision } : { decision, rows: resourceFilter(condition) };
  }

  /**
   * `mustSee`: a resource that the caller may not read counts as missing, whatever else the caller may do with it. A
   * read operation needs no second check.
   */
  async #decideTarget(
    inquiry: Inquiry,
    question: Question,
    evidence: Evidence,
    { kind, mustSee }: { readonly kind: KindModel | undefined; readonly mustSee: boolean },
  ): Promise<Permit> {
    const view = new TargetView(question, evidence, kind, factNames(inquiry.rules.model, question.target.kind));
    const policies = candidatesOf(inquiry, view.uid.type);
    const audited = candidatesOf(inquiry, view.uid.type, auditSetsOf(inquiry));
    const unseen = mustSee && kind !== undefined && (await isUnseen(inquiry, view, kind));
    if (unseen) view.hide();
    const everything = audited.length === 0 ? policies : [...policies, ...audited];
    const usesDesired = inquiry.action.writes && everything.some((policy) => policy.readsDesired);
    const context = view.versionContext(usesDesired ? await view.desiredContext(inquiry.context) : inquiry.context);
    const request = { ...inquiry, context };
    const entities = await view.entities(everything);
    const decisions = entities.map((entity) => authorize(request, view.uid, entity));
    const refused = decisions.find((decision) => !decision.allowed);
    if (refused === undefined && decisions.length > 0 && !unseen) {
      if (audited.length > 0) await this.#audit(question, evidence, auditDecisions(request, view, entities));
      const reasons = [...new Set(decisions.flatMap((decision) => decision.reasons))];
      return { decision: { policies: reasons, set: inquiry.rules.digest } };
    }
    const readsResource = policies.some((policy) => policy.readsResource);
    throw await this.#targetError({ inquiry, question, view, kind, readsResource, unseen, ...refused });
  }

  /** Records denials of policies in audit mode. A plan records nothing. */
  async #audit(question: Question, { tx }: Evidence, refusals: readonly AuditedRefusal[]): Promise<void> {
    if (refusals.length === 0) return;
    const { mode, action } = question.operation;
    if (tx.writable) await recordAudited(tx, question, refusals, this.#dependencies.clock.now());
    else if (mode !== 'read' || action.endsWith(':read')) this.#audits.record(question, refusals);
  }

  /** Missing and unreadable resources get the same error. */
  async #targetError(target: RefusedTarget): Promise<DaisError> {
    const { inquiry, question, view, kind, readsResource, unseen, reasons, errors = [] } = target;
    if (kind === undefined) return this.#refusal(inquiry, question, reasons ?? []);
    const { condition, forbids } = authorizeRead(inquiry, kind);
    if (condition === undefined || condition.op === 'never') {
      // A caller who can read none of the resources gets the same error for each: another error could depend on the
      // named resource.
      return this.#refusal(inquiry, question, readsResource ? forbids : (reasons ?? []));
    }
    const gone = new DaisError('not_found', `There is no ${question.target.kind} "${question.target.name ?? ''}".`);
    if (reasons === undefined) return unseen ? this.#refuse(question, inquiry.rules, gone, forbids) : gone;
    if (condition.op !== 'always') {
      const resource = await view.resource();
      const known =
        resource === undefined ? question.target.desired !== undefined : holds(condition, resource) === true;
      if (!known) return this.#refuse(question, inquiry.rules, gone, reasons);
    }
    return this.#refusal(inquiry, question, reasons, { errors, unknown: view.unknownFacts });
  }

  #refusal(
    inquiry: Inquiry,
    question: Question,
    reasons: readonly string[],
    undecided: Undecided = { errors: [], unknown: {} },
  ): DaisError {
    const { project } = inquiry;
    if (isHidden(inquiry)) return this.#refuse(question, inquiry.rules, noSuchProject(project), reasons);
    const bindings = inquiry.rules.model.kinds.get(project === '' ? 'OrganizationRoleBinding' : 'RoleBinding');
    const readsBindings = bindings !== undefined && authorizeRead(inquiry, bindings).condition?.op === 'always';
    const error = forbidden(inquiry, question, { reasons, readsBindings, ...undecided });
    return this.#refuse(question, inquiry.rules, error, reasons);
  }
}

/** Or a step that the owner had run; no account can have that name. */
function isOwner({ type, id, via }: Principal): boolean {
  const method = via?.method;
  return type === 'user' && id === 'owner' && (method === 'owner-token' || method === 'solo' || method === 'step');
}

interface RefusedTarget {
  readonly inquiry: Inquiry;
  readonly question: Question;
  readonly view: TargetView;
  readonly kind: KindModel | undefined;
  /** A policy used more than the name of the target. */
  readonly readsResource: boolean;
  /** It is there, and the caller may not read it. */
  readonly unseen: boolean;
  /** Absent: the action is permitted, but the target does not exist. */
  readonly reasons?: readonly string[];
  /** Ids of policies that could not decide. */
  readonly errors?: readonly string[];
}

/** Whether it is there and the caller may read others of its kind, but not this one. */
async function isUnseen(inquiry: Inquiry, view: TargetView, kind: KindModel): Promise<boolean> {
  if (view.target.name === undefined) return false;
  const { condition } = authorizeRead(inquiry, kind);
  if (condition === undefined || condition.op === 'never' || condition.op === 'always') return false;
  const resource = await view.resource();
  return resource !== undefined && holds(condition, resource) !== true;
}

/** Which rows of a kind the caller may read. */
function authorizeRead(inquiry: Inquiry, kind: KindModel): CollectionDecision {
  const action = inquiry.rules.model.actions.get(`${actionWord(kind.spec.kind)}:read`);
  if (action === undefined) return { condition: undefined, permits: [], forbids: [], forbidAll: [] };
  const project = kind.spec.scope === 'org' ? '' : inquiry.project;
  return authorizeCollection({ ...inquiry, action, project }, collectionOf(kind, project));
}

/** Undefined: every event of the place may be seen. */
function readableEvents(inquiry: Inquiry): RowFilter | undefined {
  const scope = inquiry.project === '' ? 'org' : 'project';
  const kinds = [...inquiry.rules.model.kinds.values()].filter(({ spec }) => spec.scope === scope);
  const open = kinds.filter((kind) => authorizeRead(inquiry, kind).condition?.op === 'always');
  return open.length === kinds.length ? undefined : eventFilter(open.map(({ spec }) => spec.kind));
}
