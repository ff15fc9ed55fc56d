import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { Simulation } from './simulation.tsx';
import { usePolicyCheck, type PolicyCheck } from './use-policy-check.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './policies.css';

export interface PolicyPanelsProps {
  readonly kind: 'Policy' | 'OrganizationPolicy';
  readonly project: string;
  /** The manifest in the editor, without a problem that the browser can detect. */
  readonly text: string;
}

/** Delay after the last key press, the same as the editor's. */
const PAUSE_MS = 400;

/** Analysis of an edited policy before it is applied. */
export function PolicyPanels({ kind, project, text }: PolicyPanelsProps) {
  const paused = usePaused(text);
  const check = usePolicyCheck(project);
  const { data, error, refetch } = useQuery(check(paused));
  return (
    <>
      <Panel title="Policy tests" flush={data !== undefined && data.cases.length > 0}>
        {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton rows={2} />}
        {data !== undefined && <Outcome check={data} />}
      </Panel>
      {data !== undefined && data.problems.length === 0 && (
        <Simulation key={paused} kind={kind} project={project} text={paused} />
      )}
    </>
  );
}

function Outcome({ check }: { readonly check: PolicyCheck }) {
  const { problems, cases } = check;
  if (problems.length > 0) {
    return (
      <div className="policy-problems" role="status">
        <StateBadge state="failed" word={problems.length === 1 ? '1 error' : `${problems.length} errors`} />
        <ul>
          {problems.slice(0, 20).map(({ from, place, message }) => (
            <li key={`${from} ${message}`}>
              {place !== undefined && <span className="dim">line {place} </span>}
              {message}
            </li>
          ))}
        </ul>
      </div>
    );
  }
  if (cases.length === 0) {
    return (
      <p role="status">
        <StateBadge state="ok" word="Valid" />{' '}
        <span className="dim">
          No test cases. Add <code>spec.tests</code> to protect the policy against unintended changes. See{' '}
          <a href="docs/guide/write-a-policy" target="_blank" rel="noreferrer">
            Write a policy
          </a>
          .
        </span>
      </p>
    );
  }
  const failed = cases.filter(({ passed }) => !passed).length;
  return (
    <>
      <p className="policy-summary" role="status">
        <StateBadge
          state={failed === 0 ? 'ok' : 'failed'}
          word={
            failed === 0
              ? passingWords(cases.length)
              : `${failed} of ${cases.length} test cases ${failed === 1 ? 'fails' : 'fail'}; the policy would be rejected`
          }
        />
      </p>
      <PlainTable
        label="Test cases"
        rows={cases.toSorted((a, b) => Number(a.passed) - Number(b.passed))}
        keyOf={({ name }) => name}
        columns={[
          {
            title: 'Test case',
            cell: ({ name, passed }) => <StateBadgeLine passed={passed} name={name} />,
          },
          { title: 'Expected', narrow: true, cell: ({ expected }) => expected },
          {
            title: 'Actual',
            narrow: true,
            cell: ({ actual, reasons }) => <span title={reasons.join(', ')}>{actual}</span>,
          },
        ]}
      />
    </>
  );
}

function StateBadgeLine({ passed, name }: { readonly passed: boolean; readonly name: string }) {
  return (
    <span className="policy-case">
      <StateBadge state={passed ? 'ok' : 'failed'} word={passed ? 'fits' : 'differs'} /> {name}
    </span>
  );
}

function usePaused(text: string): string {
  const [paused, setPaused] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return paused;
}

function passingWords(count: number): string {
  return count === 1 ? 'The test case passes' : `All ${count} test cases pass`;
}
