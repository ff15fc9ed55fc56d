import { datasetKind } from '@dais/api';
import { type DataFinding, type FindingState } from '@dais/api/data';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { shareText } from './data-words.ts';
import { FindingDialog, type FindingVerb } from './finding-dialog.tsx';
import { datasetVersionAddress, resourceAddress } from '#addresses.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge, type State } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

const STATES: Readonly<Record<FindingState, { readonly state: State; readonly word: string }>> = {
  open: { state: 'warning', word: 'open' },
  resolved: { state: 'ok', word: 'masked' },
  waived: { state: 'off', word: 'waived' },
  gone: { state: 'off', word: 'no longer found' },
};

/** Findings that need a decision are listed first. */
const ORDER: readonly FindingState[] = ['open', 'resolved', 'waived', 'gone'];

const EVIDENCE: Readonly<Record<DataFinding['evidence'], string>> = {
  values: 'values',
  name: 'column name',
  both: 'column name and values',
};

export interface FindingsPanelProps {
  readonly project: string;
  /** Undefined: they are loading. */
  readonly findings: readonly DataFinding[] | undefined;
  /** The findings are of several datasets. */
  readonly named?: boolean;
}

/** Findings of personal data and secrets, with the decisions of people. */
export function FindingsPanel({ project, findings, named = false }: FindingsPanelProps) {
  const [dialog, setDialog] = useState<{ readonly finding: DataFinding; readonly verb: FindingVerb }>();
  // With one dataset, its policies also apply.
  const [first] = findings ?? [];
  const whyNot = useWhyNotDo(
    project,
    datasetKind.kind,
    first === undefined ? [] : ['dataset:classify'],
    named ? undefined : first?.dataset,
  )('dataset:classify');
  if (findings === undefined) return <Skeleton rows={4} />;
  const rows = findings.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));
  return (
    <Panel title="Personal data and secrets" flush={rows.length > 0}>
      {rows.length === 0 ? (
        <EmptyState sentence="No findings. Every new version is scanned automatically.">
          <a href="docs/guide/private-data" target="_blank" rel="noreferrer">
            What the scan detects
          </a>
        </EmptyState>
      ) : (
        <PlainTable
          label="Findings"
          rows={rows}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'State',
              narrow: true,
              cell: ({ state, mask }) => (
                <>
                  <StateBadge {...STATES[state]} />
                  {state === 'resolved' && mask !== undefined && <span className="dim"> by {mask}</span>}
                </>
              ),
            },
            ...(named
              ? [
                  {
                    title: 'Dataset',
                    cell: ({ dataset }: DataFinding) => (
                      <Link {...resourceAddress(datasetKind, project, dataset)} search={{ tab: 'findings' }}>
                        {dataset}
                      </Link>
                    ),
                  },
                ]
              : []),
            {
              title: 'Column',
              cell: ({ dataset, column, lastVersion }) => (
                <Link {...datasetVersionAddress(project, dataset, lastVersion, { column })}>
                  <code>{column}</code>
                </Link>
              ),
            },
            {
              title: 'Category',
              cell: ({ entity, evidence, example }) => (
                <>
                  <code title={EVIDENCE[evidence]}>{entity}</code>
                  {example !== undefined && <span className="dim"> as {example}</span>}
                </>
              ),
            },
            {
              title: 'Share',
              about: 'Share of the scanned values',
              narrow: true,
              cell: ({ share }) => shareText(share),
            },
            {
              title: 'Confidence',
              about: 'Between 0 and 1; not a probability',
              narrow: true,
              cell: ({ confidence }) => confidence.toFixed(2),
            },
            {
              title: 'Found',
              narrow: true,
              cell: ({ foundAt, firstVersion, lastVersion }) => (
                <>
                  <Time at={new Date(foundAt).toISOString()} />{' '}
                  <span className="dim">
                    in {firstVersion === lastVersion ? firstVersion : `${firstVersion} to ${lastVersion}`}
                  </span>
                </>
              ),
            },
            { title: 'Decision', cell: (finding) => <Decision project={project} finding={finding} /> },
            {
              title: '',
              narrow: true,
              cell: (finding) => (
                <span className="data-buttons">
                  {verbsOf(finding.state).map(([verb, word]) => (
                    <GuardedButton
                      key={verb}
                      size="compact-xs"
                      variant="default"
                      why={whyNot}
                      onClick={() => setDialog({ finding, verb })}
                    >
                      {word}
                    </GuardedButton>
                  ))}
                </span>
              ),
            },
          ]}
        />
      )}
      {dialog !== undefined && (
        <FindingDialog
          key={`${dialog.finding.id} ${dialog.verb}`}
          project={project}
          finding={dialog.finding}
          verb={dialog.verb}
          close={() => setDialog(undefined)}
        />
      )}
    </Panel>
  );
}

function verbsOf(state: FindingState): readonly (readonly [FindingVerb, string])[] {
  if (state === 'open') {
    return [
      ['resolve', 'Mask'],
      ['waive', 'Waive'],
    ];
  }
  return state === 'gone' ? [] : [['reopen', 'Reopen']];
}

function Decision({ project, finding }: { readonly project: string; readonly finding: DataFinding }) {
  const { decidedBy, decidedAt, reason, expiresAt, declared } = finding;
  return (
    <>
      {declared && <div className="dim">declared in the manifest</div>}
      {decidedBy !== undefined && (
        <div>
          <ActorName actor={decidedBy} project={project} />
          {decidedAt !== undefined && (
            <>
              {' '}
              <Time at={new Date(decidedAt).toISOString()} />
            </>
          )}
          {reason !== undefined && reason !== '' && `: ${reason}`}
        </div>
      )}
      {expiresAt !== undefined && (
        <div className="dim">
          reopened <Time at={new Date(expiresAt).toISOString()} />
        </div>
      )}
    </>
  );
}
