import { findKind, type Resource } from '@dais/api';
import { roleBindingKind, whyOperation, type PolicyReason } from '@dais/api/access';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ReasonList } from './reason-list.tsx';
import { useAdministrators } from './use-administrators.ts';
import { createAddress, namedAddress } from '#addresses.ts';
import { singular } from '#kinds/kind-words.ts';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { Button, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './access.css';

export interface WhyPanelProps {
  readonly project: string;
  /** `user:ada@example.com`; undefined: the viewer. */
  readonly who: string | undefined;
  readonly shownName: string;
  readonly action: string;
  /** `Secret`, or `Secret/prod-db`. */
  readonly resource: string | undefined;
  readonly policies: readonly Resource[];
}

const DECISIONS = {
  allow: { state: 'ok', word: 'Allowed' },
  deny: { state: 'failed', word: 'Denied' },
  conditional: { state: 'warning', word: 'Depends on the resource' },
} as const;

/** Explains why a principal can or cannot perform one action, and how to change that. */
export function WhyPanel({ project, who, shownName, action, resource, policies }: WhyPanelProps) {
  const client = useClient(project);
  const { data, error, refetch } = useQuery({
    queryKey: ['access', project, 'why', who, action, resource],
    queryFn: async ({ signal }) =>
      await client.perform(
        whyOperation,
        { action, ...(who !== undefined && { principal: who }), ...(resource !== undefined && { resource }) },
        { signal },
      ),
  });
  const [kindWord = '', ...name] = (resource ?? '').split('/');
  return (
    <Panel title={`${action} ${resource ?? ''}`}>
      <div className="why" aria-live="polite">
        {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
        {data === undefined && error === null && <Skeleton rows={4} />}
        {data !== undefined && (
          <>
            <p className="why-decision">
              <StateBadge {...DECISIONS[data.decision]} />{' '}
              <span>{decisionSentence(data.decision, shownName, action, resource, project)}</span>
            </p>
            {data.reasons.length > 0 ? (
              <>
                <h3>Reason</h3>
                <ReasonList reasons={data.reasons} policies={policies} project={project} />
              </>
            ) : (
              <p className="dim">No role allows it, and no policy applies.</p>
            )}
            {data.suggestions.length > 0 && (
              <Change suggestions={data.suggestions} reasons={data.reasons} project={project} />
            )}
          </>
        )}
        <AboutOne key={resource} kindWord={kindWord} name={name.join('/')} project={project} />
      </div>
    </Panel>
  );
}

interface ChangeProps {
  readonly suggestions: readonly string[];
  readonly reasons: readonly PolicyReason[];
  readonly project: string;
}

/** How to get the permission, and who can grant it. */
function Change({ suggestions, reasons, project }: ChangeProps) {
  const may = useMay(project);
  const administrators = useAdministrators(project);
  // The message of the policy is already shown above.
  const messages = reasons.flatMap(({ message }) => message ?? []);
  const further = suggestions.filter((one) => !messages.some((message) => one.endsWith(message)));
  const byPolicy = reasons.some(({ effect }) => effect === 'forbid');
  return (
    <>
      <h3>How to allow it</h3>
      {further.length < suggestions.length && <p>Meet the condition of the policy, or change the policy.</p>}
      {further.map((one) => (
        <p key={one}>{one}</p>
      ))}
      <p>
        {administrators.length > 0 ? (
          <>
            Ask{' '}
            {administrators.slice(0, 5).map(({ kind: word, name }, at) => (
              <span key={`${word} ${name}`}>
                {at > 0 && ' or '}
                {word === 'Team' && 'team '}
                <AdministratorLink kind={word} name={name} project={project} />
              </span>
            ))}
            , who can change this.
          </>
        ) : (
          `Ask an administrator of ${project}.`
        )}
      </p>
      {!byPolicy && may('roleBinding:write') === true && (
        <p>
          You can grant a role yourself:{' '}
          <Link {...createAddress(roleBindingKind, project)}>grant a role in {project}</Link>.
        </p>
      )}
    </>
  );
}

function AdministratorLink({ kind, name, project }: { kind: string; name: string; project: string }) {
  const address = namedAddress(kind, project, name);
  return address === undefined ? <span>{name}</span> : <Link {...address}>{name}</Link>;
}

/** Selects one resource: decisions on all of a kind often depend on the resource. */
function AboutOne({ kindWord, name, project }: { kindWord: string; name: string; project: string }) {
  const navigate = useNavigate();
  const [text, setText] = useState(name);
  const kind = findKind(kindWord);
  if (kind === undefined) return null;
  const go = (resource: string) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, resource }), replace: true });
  return (
    <form
      className="why-one"
      onSubmit={(event) => {
        event.preventDefault();
        go(text.trim() === '' ? kind.kind : `${kind.kind}/${text.trim()}`);
      }}
    >
      <TextInput
        label={`Check one ${singular(kind)}`}
        placeholder={kind.scope === 'org' ? 'name' : `name in ${project}`}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button type="submit" variant="default">
        Check
      </Button>
      {name !== '' && (
        <Button variant="subtle" onClick={() => go(kind.kind)}>
          Check all
        </Button>
      )}
    </form>
  );
}

function decisionSentence(
  decision: 'allow' | 'deny' | 'conditional',
  name: string,
  action: string,
  resource: string | undefined,
  project: string,
) {
  const [kindWord = '', ...rest] = (resource ?? '').split('/');
  const kind = findKind(kindWord);
  const scope = kind?.scope === 'org' ? 'the organization' : project;
  const what = rest.length > 0 ? rest.join('/') : kind === undefined ? kindWord : `any ${singular(kind)} of ${scope}`;
  const some = kind === undefined ? kindWord : `some ${singular(kind)}s of ${scope}, but not others`;
  const may = name === 'You' ? 'You may' : `${name} may`;
  return (
    <>
      {may}
      {decision === 'deny' && ' not'} <code>{action}</code> {decision === 'conditional' ? some : what}.
    </>
  );
}
