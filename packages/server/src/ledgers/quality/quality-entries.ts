import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import {
  expectationsSchema,
  listQualityChecksOperation,
  makeDatasetProfileOperation,
  readDatasetProfileOperation,
  readQualityCheckOperation,
  readQualityReportOperation,
  readQualityReportPageOperation,
  releaseDatasetVersionOperation,
  startQualityCheckOperation,
  suggestExpectationsOperation,
  type DatasetVersion,
  type Expectation,
  type QualityReport,
  type DatasetProfile,
  type QualityCheck,
  type QualityCheckResults,
} from '@dais/api/data';
import { downloadEntry, entry, type Call, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { enqueueCheck } from './check-job.ts';
import { insertCheck, listChecks, newestCheck, readCheck } from './check-rows.ts';
import { maskCheck, maskProfile } from './masking.ts';
import { enqueueProfile } from './profile-job.ts';
import { readProfile } from './profile-rows.ts';
import type { QualityDependencies } from './quality-dependencies.ts';
import { reportPage } from './report/report-page.ts';
import { shiftsOf } from './report/shifts.ts';
import { suggestedYaml, suggest } from './suggest.ts';

interface VersionInput {
  readonly name: string;
  readonly version: string;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Number of previous checks in a report. */
const SHOWN_HISTORY = 20;

export function qualityEntries(dependencies: QualityDependencies): readonly OperationEntry[] {
  const { now, versions } = dependencies;
  const versionOf = async (tx: Transaction, { name, version }: VersionInput) =>
    await versions.resolve(tx, `${name}@${version}`);
  const masked = async (tx: Transaction, call: Call, dataset: string) => {
    const may = async (action: string) => await permitted(call, dataset, action);
    const columns = await versions.masked(tx, dataset, call.context.principal, may);
    return new Set(columns.map(({ column }) => column));
  };
  const profileOf = async (tx: Transaction, version: DatasetVersion) => {
    const profile = await readProfile(tx, version.id);
    if (profile !== undefined) return profile;
    const named = `${version.dataset}@${version.number}`;
    throw new DaisError('not_found', `${named} has no profile yet. Create it with \`dais data profile ${named}\`.`);
  };
  const report = async (
    tx: Transaction,
    call: CallOf<typeof readQualityReportOperation | typeof readQualityReportPageOperation>,
  ): Promise<QualityReport> => {
    const version = await versionOf(tx, call.input);
    const hidden = await masked(tx, call, version.dataset);
    const [check, profile] = [await newestCheck(tx, version.id), await readProfile(tx, version.id)];
    const earlier = await versions.previous(tx, version.dataset, version.number);
    const then = earlier === undefined ? undefined : await readProfile(tx, earlier.id);
    const history = await listChecks(tx, version.dataset, { limit: SHOWN_HISTORY });
    return buildReport({
      version,
      ...(check !== undefined && { check: maskCheck(check, hidden) }),
      ...(profile !== undefined && { profile: maskProfile(profile, hidden) }),
      ...(earlier !== undefined &&
        then !== undefined && { before: { number: earlier.number, profile: maskProfile(then, hidden) } }),
      history: history.filter(({ number, gate }) => gate && number <= version.number),
    });
  };
  return [
    entry(readDatasetProfileOperation, async (tx, call) => {
      const version = await versionOf(tx, call.input);
      return maskProfile(await profileOf(tx, version), await masked(tx, call, version.dataset));
    }),
    entry(makeDatasetProfileOperation, async (tx, { input }) => {
      const version = readable(await versionOf(tx, input));
      return { job: enqueueProfile(tx, version, now()) };
    }),
    entry(startQualityCheckOperation, async (tx, { input, context }) => {
      const version = readable(await versionOf(tx, input));
      const expectations = input.expectations ?? (await expectationsOf(dependencies, tx, version.dataset));
      if (expectations.length === 0) {
        const hint = `\`dais data suggest ${version.dataset}@${version.number}\` suggests some.`;
        throw new DaisError('invalid_state', `Dataset ${version.dataset} has no expectations. ${hint}`);
      }
      const { type, id } = context.principal;
      const check = await insertCheck(tx, { version, gate: false, expectations, now: now(), by: { type, id } });
      enqueueCheck(tx, check.id);
      return check;
    }),
    entry(listQualityChecksOperation, async (tx, { input }) => {
      const filter = ['quality checks', tx.projectId, input.name];
      const after = decodePageCursor(filter, input.cursor);
      if (after !== undefined && !UUID.test(after)) {
        throw new DaisError('invalid_cursor', 'The cursor was not returned by this list.');
      }
      const found = await listChecks(tx, input.name, { after, limit: input.limit + 1 });
      const { page, next } = cutPage(found, input.limit, filter, ({ id }) => id);
      return { items: page, ...next };
    }),
    entry(readQualityCheckOperation, async (tx, call) => {
      const { name, check } = call.input;
      return maskCheck(await readCheck(tx, name, check), await masked(tx, call, name));
    }),
    entry(readQualityReportOperation, report),
    downloadEntry(readQualityReportPageOperation, async (tx, call) => pageDownload(reportPage(await report(tx, call)))),
    entry(suggestExpectationsOperation, async (tx, call) => {
      const version = await versionOf(tx, call.input);
      const { dataset, number, keys, eventTime, label } = version;
      const hidden = await masked(tx, call, dataset);
      const items = suggest(await profileOf(tx, version), { keys, eventTime, label, masked: [...hidden] });
      return { items, manifest: suggestedYaml(items, `${dataset}@${number}`) };
    }),
    entry(releaseDatasetVersionOperation, async (tx, { input }) => {
      const version = await versionOf(tx, input);
      if (version.state !== 'quarantined') {
        const named = `${version.dataset}@${version.number}`;
        throw new DaisError(
          'invalid_state',
          `${named} is ${version.state}. Only a quarantined version can be released.`,
        );
      }
      const { id, number, state } = await versions.decide(tx, version.id, 'released', {
        now: now(),
        reason: input.reason,
      });
      return { id, number, state };
    }),
  ];
}

/** Requires a version with managed files. @throws DaisError `invalid_state` */
function readable(version: DatasetVersion): DatasetVersion {
  if (version.mode === 'managed') return version;
  throw new DaisError(
    'invalid_state',
    `${version.dataset}@${version.number} refers to external files, which Dais does not read. Use a dataset with \`mode: managed\`.`,
  );
}

async function expectationsOf(
  { versions }: QualityDependencies,
  tx: Transaction,
  dataset: string,
): Promise<Expectation[]> {
  const { expectations = [] } = await versions.spec(tx, dataset);
  return expectationsSchema.parse(expectations);
}

async function permitted(call: Call, name: string, action: string): Promise<boolean> {
  try {
    await call.authorize({ kind: 'Dataset', name }, call.tenant, action);
    return true;
  } catch (error) {
    if (error instanceof DaisError && error.code === 'forbidden') return false;
    throw error;
  }
}

function pageDownload(page: string) {
  const bytes = Buffer.from(page);
  return {
    size: bytes.length,
    sha256: null,
    open: async (span?: { readonly start: number; readonly end: number }) =>
      Readable.from([span === undefined ? bytes : bytes.subarray(span.start, span.end + 1)]),
  };
}

interface ReportData {
  readonly version: DatasetVersion;
  readonly check?: QualityCheckResults | undefined;
  readonly profile?: DatasetProfile | undefined;
  readonly before?: { readonly number: number; readonly profile: DatasetProfile } | undefined;
  readonly history: readonly QualityCheck[];
}

function buildReport({ version, check, profile, before, history }: ReportData): QualityReport {
  const { id, number, state, reason, rows, bytes, createdAt, createdBy, digest } = version;
  return {
    dataset: version.dataset,
    version: { id, number, state, ...(reason !== undefined && { reason }), rows, bytes, createdAt, createdBy, digest },
    ...(check !== undefined && { check }),
    ...(profile !== undefined && { profile }),
    ...(before !== undefined && { before: { number: before.number, profile: before.profile } }),
    shifts: profile === undefined || before === undefined ? [] : [...shiftsOf(profile, before.profile)],
    history: [...history],
  };
}
