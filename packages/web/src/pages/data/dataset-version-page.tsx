import { datasetKind } from '@dais/api';
import { type DatasetVersion, type QualityReport } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { ColumnsTab } from './columns-tab.tsx';
import { sourceText, bytesText, countText, VERSION_STATES } from './data-words.ts';
import { Tags } from './dataset-versions-tab.tsx';
import { ExpectationsPanel, FailuresPanel } from './expectations-panel.tsx';
import { FindingsPanel } from './findings-panel.tsx';
import { ReadItTab } from './read-it-tab.tsx';
import { RowsTab } from './rows-tab.tsx';
import {
  useDatasetScope,
  useDatasetVersion,
  useFindings,
  useMasks,
  useQualityReport,
  type DatasetScope,
} from './use-data.ts';
import { VersionActions } from './version-actions.tsx';
import { datasetDiffAddress, datasetVersionAddress, listAddress, resourceAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { LineageGraphTab } from '#pages/lineage/lineage-graph-tab.tsx';
import { LineageStrip } from '#pages/lineage/lineage-strip.tsx';
import { useLineage } from '#pages/lineage/use-lineage.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useConsole } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Button, Tabs } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import '#kinds/resource-page.css';
import './data.css';

/** One version of a dataset: violations first, then each column compared with the previous version. */
export function DatasetVersionPage() {
  const project = useCurrentProject();
  const { name = '', version = '' } = useAddressFields();
  return <OneVersion key={`${project} ${name} ${version}`} project={project} name={name} which={version} />;
}

function OneVersion(props: { readonly project: string; readonly name: string; readonly which: string }) {
  const { project, name, which } = props;
  const scope = useDatasetScope(project, name);
  const { data: version, error, refetch } = useDatasetVersion(scope, which);
  // `latest` and tags may move while the page is open: its queries use the number of the version.
  const number = version === undefined ? undefined : String(version.number);
  const report = useQualityReport(scope, number);
  const { tab = 'columns' } = useAddressQuery();
  const graph = useLineage(project, version === undefined ? undefined : `dataset-version:${version.id}`);
  if (version === undefined) {
    return (
      <div className="page">
        <PageHead title={`${name} version ${which}`} />
        {error === null ? (
          <Skeleton rows={8} />
        ) : (
          <ErrorNote error={error} retry={() => void refetch()}>
            <p>
              <Link {...resourceAddress(datasetKind, project, name)}>All versions of {name}</Link>
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  const self = `${name}@${version.number}`;
  return (
    <div className="page">
      <PageHead
        title={`${name} version ${version.number}`}
        under={
          <>
            <Link {...listAddress(datasetKind, project)}>Datasets</Link>
            <Link {...resourceAddress(datasetKind, project, name)}>{name}</Link>
            <StateBadge {...VERSION_STATES[version.state]} why={version.reason} />
            {graph !== undefined && <LineageStrip project={project} graph={graph} self={self} />}
          </>
        }
        actions={<Actions scope={scope} version={version} before={report.data?.before?.number} />}
      />
      <Facts project={project} version={version} />
      {version.state === 'quarantined' || version.state === 'broken' ? (
        <div className="note note-failed" role="status">
          <StateBadge {...VERSION_STATES[version.state]} />
          <p>{version.reason ?? 'No reason was recorded.'}</p>
          <p className="dim">
            {version.state === 'broken'
              ? 'The files at its source have changed. Reads fail instead of returning other data.'
              : `${name}@latest does not resolve to this version until someone releases it with a reason.`}
          </p>
        </div>
      ) : null}
      {/* The panel is hidden on the tabs for rows, lineage and files. */}
      {report.data?.check !== undefined && ['columns', 'expectations'].includes(tab) && (
        <FailuresPanel check={report.data.check} />
      )}
      <VersionTabs scope={scope} version={version} report={report.data} reportError={report.error} />
    </div>
  );
}

/** The composition of the version in one line. */
function Facts({ project, version }: { readonly project: string; readonly version: DatasetVersion }) {
  const { rows, bytes, newBytes, schema, tags, createdAt, createdBy, source, message, keys, label, eventTime } =
    version;
  return (
    <p className="data-facts">
      <span>
        <strong>{countText(rows)}</strong> rows of <strong>{countText(schema.columns.length)}</strong> columns
      </span>
      <span title={`${bytesText(newBytes)} not shared with earlier versions`}>
        <strong>{bytesText(bytes)}</strong>, {bytesText(newBytes)} new
      </span>
      {keys.length > 0 && (
        <span>
          keys <code>{keys.join(', ')}</code>
        </span>
      )}
      {eventTime !== undefined && (
        <span>
          event time <code>{eventTime}</code>
        </span>
      )}
      {label !== undefined && (
        <span>
          label <code>{label}</code>
        </span>
      )}
      <span>
        created <Time at={new Date(createdAt).toISOString()} /> by <ActorName actor={createdBy} project={project} />{' '}
        from {sourceText(source)}
      </span>
      {message !== '' && <span>“{message}”</span>}
      {tags.length > 0 && (
        <span>
          <Tags tags={tags} />
        </span>
      )}
    </p>
  );
}

interface ActionsProps {
  readonly scope: DatasetScope;
  readonly version: DatasetVersion;
  readonly before: number | undefined;
}

function Actions({ scope, version, before }: ActionsProps) {
  const { project, name } = scope;
  const { basePath } = useConsole();
  const { number } = version;
  const path = `/api/v1/data/datasets/${encodeURIComponent(name)}/versions/${number}`;
  const reference = `${name}@${number}`;
  const forms = useCopyForms({
    command: cliCommand(['data', 'head', reference], datasetKind, project),
    call: { project, path },
  });
  const other = before ?? (number > 1 ? number - 1 : undefined);
  return (
    <>
      <CopyAs forms={[{ title: 'Reference', preview: reference, text: () => reference }, ...forms]} />
      <Button
        variant="default"
        component="a"
        href={`${basePath}/p/${encodeURIComponent(project)}${path}/report.html`}
        target="_blank"
        rel="noreferrer"
      >
        Report
      </Button>
      {other !== undefined && (
        <Button
          variant="default"
          renderRoot={(props: object) => <Link {...datasetDiffAddress(project, name, other, number)} {...props} />}
        >
          Compare with {other}
        </Button>
      )}
      <VersionActions scope={scope} version={version} />
    </>
  );
}

interface VersionTabsProps {
  readonly scope: DatasetScope;
  readonly version: DatasetVersion;
  readonly report: QualityReport | undefined;
  readonly reportError: unknown;
}

function VersionTabs({ scope, version, report, reportError }: VersionTabsProps) {
  const { project, name } = scope;
  const { tab = 'columns' } = useAddressQuery();
  const navigate = useNavigate();
  const findings = useFindings(scope);
  const masks = useMasks(scope);
  const own = findings.data?.filter(
    ({ firstVersion, lastVersion }) => firstVersion <= version.number && version.number <= lastVersion,
  );
  const open = own?.filter(({ state }) => state === 'open').length ?? 0;
  const results = report?.check?.results;
  const kept = results?.filter(({ outcome }) => outcome === 'passed').length ?? 0;
  const gone = version.state === 'deleted';
  const tabs = [
    ['columns', 'Columns'],
    ['expectations', results === undefined ? 'Expectations' : `Expectations (${kept} of ${results.length} passed)`],
    ['rows', 'Rows'],
    ['findings', open === 0 ? 'Findings' : `Findings (${open} open)`],
    ['lineage', 'Lineage'],
    ['read', 'Files and access'],
  ] as const;
  return (
    <Tabs
      value={tab}
      onChange={(next) =>
        void navigate(
          datasetVersionAddress(
            project,
            name,
            version.number,
            next === null || next === 'columns' ? {} : { tab: next },
          ),
        )
      }
      keepMounted={false}
    >
      <Tabs.List>
        {tabs.map(([value, title]) => (
          <Tabs.Tab key={value} value={value}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="columns">
        {reportError !== null && reportError !== undefined && <ErrorNote error={reportError} />}
        <ColumnsTab version={version} report={report} masks={masks} findings={own ?? []} />
      </Tabs.Panel>
      <Tabs.Panel value="expectations">
        <ExpectationsPanel scope={scope} version={version} report={report} />
      </Tabs.Panel>
      <Tabs.Panel value="rows">
        {gone ? <p className="dim">The files were deleted.</p> : <RowsTab scope={scope} version={version} />}
      </Tabs.Panel>
      <Tabs.Panel value="findings">
        {findings.error === null ? (
          <FindingsPanel project={project} findings={own} />
        ) : (
          <ErrorNote error={findings.error} retry={() => void findings.refetch()} />
        )}
      </Tabs.Panel>
      <Tabs.Panel value="lineage">
        <LineageGraphTab project={project} node={`dataset-version:${version.id}`} />
      </Tabs.Panel>
      <Tabs.Panel value="read">
        <ReadItTab scope={scope} version={version} />
      </Tabs.Panel>
    </Tabs>
  );
}
