import type { DaisError } from '@dais/api';
import { simulatePolicyOperation } from '@dais/api/access';
import { useMutation } from '@tanstack/react-query';
import { parse } from 'yaml';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './policies.css';

export interface SimulationProps {
  readonly kind: 'Policy' | 'OrganizationPolicy';
  readonly project: string;
  readonly text: string;
}

type Outcome = (typeof simulatePolicyOperation)['output']['_output'];

const DECISIONS = 500;
/** Maximum number of shown rows: the count covers the rest. */
const SHOWN = 50;

/** Recent decisions that the edited policy would change. */
export function Simulation({ kind, project, text }: SimulationProps) {
  const client = useClient(project);
  const may = useMay(project);
  const { mutate, data, error, isPending } = useMutation<Outcome, DaisError>({
    mutationFn: async () => {
      const { metadata, spec } = parse(text, { maxAliasCount: 0 }) as {
        readonly metadata: { readonly name: string };
        readonly spec: { readonly cedar: string };
      };
      const candidates = [{ kind, name: metadata.name, cedar: spec.cedar }];
      return await client.perform(simulatePolicyOperation, { candidates, decisions: DECISIONS });
    },
  });
  const allowed = may('policy:simulate') === true;
  return (
    <Panel
      title={`Simulation on past decisions of ${project}`}
      flush={data !== undefined && data.changes.length > 0}
      actions={
        allowed && (
          <Button variant="default" loading={isPending} onClick={() => mutate()}>
            {data === undefined ? 'Simulate' : 'Simulate again'}
          </Button>
        )
      }
    >
      {!allowed && (
        <p className="dim">Administrators of {project} can simulate the policy on past decisions (policy:simulate).</p>
      )}
      {allowed && data === undefined && error === null && (
        <p className="dim">
          Evaluates the latest {DECISIONS} decisions of the project with this policy. The simulation changes nothing.
        </p>
      )}
      {error !== null && <ErrorNote error={error} />}
      {data !== undefined && <Changes outcome={data} />}
    </Panel>
  );
}

function Changes({ outcome: { examined, skipped, changes } }: { readonly outcome: Outcome }) {
  const of = `${examined.toLocaleString('en')} ${examined === 1 ? 'decision' : 'decisions'}`;
  return (
    <>
      <p className="policy-summary" role="status">
        <StateBadge
          state={examined === 0 ? 'off' : changes.length === 0 ? 'ok' : 'warning'}
          word={
            examined === 0
              ? 'No past decisions yet'
              : changes.length === 0
                ? `No change in ${of}`
                : `${changes.length.toLocaleString('en')} of ${of} would change`
          }
        />
        {skipped > 0 && <span className="dim"> {skipped} could not be evaluated.</span>}
      </p>
      {changes.length > 0 && (
        <PlainTable
          label="Changed decisions"
          rows={changes.slice(0, SHOWN)}
          keyOf={({ at, principal, action, resource }) => `${at} ${principal} ${action} ${resource}`}
          columns={[
            { title: 'Time', narrow: true, cell: ({ at }) => <Time at={at} /> },
            { title: 'Principal', cell: ({ principal }) => principal.replace(/^user:/, '') },
            {
              title: 'Action',
              cell: ({ action, resource }) => (
                <>
                  <code>{action}</code> {resource}
                </>
              ),
            },
            {
              title: 'Result',
              narrow: true,
              cell: ({ after, reasons }) => (
                <span title={reasons.map(({ id }) => id).join(', ')}>
                  <StateBadge
                    state={after === 'allow' ? 'ok' : 'failed'}
                    word={after === 'allow' ? 'allowed' : 'denied'}
                  />
                </span>
              ),
            },
          ]}
        />
      )}
      {changes.length > SHOWN && <p className="dim policy-summary">The newest {SHOWN} are shown.</p>}
    </>
  );
}
