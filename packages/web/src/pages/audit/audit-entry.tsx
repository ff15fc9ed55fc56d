import type { Resource } from '@dais/api';
import type { AuditEntry } from '@dais/api/audit';
import { Link } from '@tanstack/react-router';
import { EntrySubject, OUTCOMES } from './audit-table.tsx';
import { InclusionProof } from './inclusion-proof.tsx';
import { accessAddress } from '#addresses.ts';
import { valueText } from '#kinds/column-value.ts';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ReasonName } from '#pages/access/reason-list.tsx';
import { ActorName } from '#pages/people/actor-name.tsx';
import { describeUserAgent } from '#pages/sessions/user-agent.ts';
import { ActionIcon } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { KeyValue, type Pair } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './audit.css';

export interface AuditEntryProps {
  readonly entry: AuditEntry;
  readonly project: string;
  readonly policies: readonly Resource[];
  /** The viewer can read the log of the organization, which has the proofs. */
  readonly proves: boolean;
  readonly close: () => void;
}

/** All fields of one entry. */
export function AuditEntryPanel({ entry, project, policies, proves, close }: AuditEntryProps) {
  const scope = entry.project?.name ?? project;
  const details = Object.entries(entry.data ?? {})
    .map(([key, value]) => [key, valueText(value)] as const)
    .filter(([, text]) => text !== '');
  return (
    <Panel
      title={`Entry ${entry.seq.toLocaleString('en')}`}
      actions={
        <ActionIcon size="sm" aria-label="Close entry" onClick={close}>
          <Icon name="close" />
        </ActionIcon>
      }
    >
      <KeyValue label="Entry" pairs={[...whatPairs(entry, scope), ...actorPairs(entry, scope)]} />
      <h3>Reason for: {entry.outcome === 'denied' ? 'refused' : 'permitted'}</h3>
      <Decision entry={entry} project={scope} policies={policies} />
      {details.length > 0 && (
        <>
          <h3>Details</h3>
          <KeyValue label="Details" pairs={details.map(([key, text]) => ({ key, value: dataValue(text) }))} />
        </>
      )}
      {proves && <InclusionProof key={entry.seq} seq={entry.seq} />}
    </Panel>
  );
}

function whatPairs(entry: AuditEntry, project: string): readonly Pair[] {
  const { at, type, outcome, requestId, subject } = entry;
  return [
    { key: 'outcome', value: <StateBadge {...OUTCOMES[outcome]} /> },
    {
      key: 'when',
      value: (
        <>
          {at} <span className="dim">(</span>
          <Time at={at} />
          <span className="dim">)</span>
        </>
      ),
    },
    { key: 'what', value: <code>{type}</code> },
    ...(subject === undefined && type !== 'access.denied'
      ? []
      : [{ key: 'to', value: <EntrySubject entry={entry} project={project} /> }]),
    ...(subject?.uid === undefined ? [] : [{ key: 'uid', value: <Id text={subject.uid} /> }]),
    ...(entry.project === undefined
      ? []
      : [
          {
            key: 'project',
            value: <ReferenceLink kind="Project" name={entry.project.name ?? ''} project={project} />,
          },
        ]),
    ...(requestId === undefined
      ? []
      : [
          {
            key: 'request',
            value: (
              <>
                <Id text={requestId} />{' '}
                <Link to="." search={{ requestId }}>
                  all actions in this session
                </Link>
              </>
            ),
          },
        ]),
  ];
}

function actorPairs({ actor, via }: AuditEntry, project: string): readonly Pair[] {
  return [
    { key: 'who', value: <ActorName actor={actor} project={project} /> },
    ...(via === undefined
      ? [{ key: 'method', value: 'the platform itself' }]
      : [
          {
            key: 'method',
            value: `${via.method}${via.mfa ? ', with a second factor' : ''}`,
          },
          ...(via.credential === undefined
            ? []
            : [{ key: 'credential', about: 'ID of the session or token.', value: <Id text={via.credential} /> }]),
          ...(via.address === undefined ? [] : [{ key: 'from', value: <code>{via.address}</code> }]),
          ...(via.userAgent === undefined
            ? []
            : [{ key: 'client', value: <span title={via.userAgent}>{describeUserAgent(via.userAgent)}</span> }]),
        ]),
  ];
}

interface DecisionProps {
  readonly entry: AuditEntry;
  readonly project: string;
  readonly policies: readonly Resource[];
}

function Decision({ entry, project, policies }: DecisionProps) {
  const { decision, actor, type, data } = entry;
  if (decision === undefined) return <p className="dim">No policy was evaluated: {UNASKED}</p>;
  const denied =
    type === 'access.denied' && actor.type !== 'system' ? (data as { action?: string; kind?: string }) : {};
  return (
    <>
      {decision.policies.length === 0 ? (
        <p className="dim">No role or policy allowed it.</p>
      ) : (
        <ul className="plain-reasons">
          {decision.policies.map((id) => (
            <li key={id}>
              <ReasonName id={id} policies={policies} project={project} />
            </li>
          ))}
        </ul>
      )}
      {denied.action !== undefined && denied.kind !== undefined && (
        <p>
          <Link
            {...accessAddress(project, {
              who: `${actor.type}:${actor.id}`,
              action: denied.action,
              resource: denied.kind,
            })}
          >
            Show what would allow it now
          </Link>
        </p>
      )}
      <p className="dim">
        Policies evaluated: <Id text={decision.set} />
      </p>
    </>
  );
}

const UNASKED = 'the entry belongs to a sign-in, or the platform acted.';

/** Ids and digests are shortened to their ends; a click shows the full value. */
function Id({ text }: { readonly text: string }) {
  return (
    <>
      <code title={text}>{text.slice(-8)}</code> <CopyButton text={text} label={`Copy ${text.slice(-8)}`} />
    </>
  );
}

function dataValue(text: string) {
  return text.length > 40 && !text.includes(' ') ? <Id text={text} /> : text;
}
