import type { DaisError } from '@dais/api';
import {
  requestApprovalOperation,
  setModelAliasOperation,
  stageModelVersionOperation,
  stages,
  type ModelSpec,
  type Stage,
} from '@dais/api/registry';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { approverNames, listed, moveWords } from './approval-words.ts';
import type { ModelScope } from './use-registry.ts';
import { useClient } from '#server/console-context.ts';
import { Autocomplete, Button, Checkbox, Modal, Select, Textarea } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { toast } from '#ui/toast.ts';

export interface MoveDialogProps {
  readonly scope: ModelScope;
  readonly spec: ModelSpec;
  readonly version: number;
  /** Current version of each alias. */
  readonly aliases: Readonly<Record<string, number>>;
  readonly close: () => void;
}

const BY_ALIAS = 'alias';

/** Sets an alias or a stage of a version; requests approval where it is required. */
export function MoveDialog({ scope, spec, version, aliases, close }: MoveDialogProps) {
  const client = useClient(scope.project);
  const queries = useQueryClient();
  const [what, setWhat] = useState<string>(BY_ALIAS);
  const [alias, setAlias] = useState('');
  const [reason, setReason] = useState('');
  const [byItself, setByItself] = useState(true);
  const move = what === BY_ALIAS ? { alias: alias.trim() } : { stage: what as Stage };
  const named = move.stage !== undefined || move.alias !== '';
  const approvers = rulesAbout(spec, move).map(approverNames);
  const done = (title: string, text: string) => {
    toast({ title, text });
    void queries.invalidateQueries({ queryKey: scope.key });
    close();
  };
  const moving = useMutation<unknown, DaisError>({
    mutationFn: async () =>
      move.stage === undefined
        ? await client.perform(setModelAliasOperation, {
            name: scope.name,
            alias: move.alias,
            version: String(version),
          })
        : await client.perform(stageModelVersionOperation, {
            name: scope.name,
            version: String(version),
            stage: move.stage,
          }),
    onSuccess: () => done('Moved', `${moveWords(move)}: version ${version}`),
  });
  const request = useMutation<unknown, DaisError>({
    mutationFn: async () =>
      await client.perform(requestApprovalOperation, {
        name: scope.name,
        version: String(version),
        reason,
        moveWhenApproved: byItself,
        ...move,
      }),
    onSuccess: () => done('Approval requested', `${moveWords(move)}: version ${version}`),
  });
  const missing = moving.error?.code === 'approval_missing';
  const now = move.alias === undefined ? undefined : aliases[move.alias];
  const needsApproval = missing || approvers.length > 0;
  const forget = () => moving.reset();
  return (
    <Modal opened onClose={close} title={`Set an alias on version ${version}`} size="lg">
      <form
        className="confirm"
        onSubmit={(event) => {
          event.preventDefault();
          if (named) moving.mutate();
        }}
      >
        <Select
          label="Move"
          value={what}
          data={[
            { value: BY_ALIAS, label: 'alias' },
            ...stages.map((stage) => ({ value: stage, label: stage === 'None' ? 'no stage' : `stage ${stage}` })),
          ]}
          allowDeselect={false}
          onChange={(value) => {
            setWhat(value ?? BY_ALIAS);
            forget();
          }}
        />
        {what === BY_ALIAS && (
          <Autocomplete
            label="Alias"
            data-autofocus
            value={alias}
            data={aliasesOffered(spec, aliases)}
            description="Letters, digits, _ and -. An alias points to one version."
            onChange={(value) => {
              setAlias(value);
              forget();
            }}
          />
        )}
        {now !== undefined && (
          <p className="dim">
            {now === version
              ? `The alias already points to version ${now}.`
              : `The alias points to version ${now} now.`}
          </p>
        )}
        {approvers.length > 0 && !missing && (
          <p>
            <StateBadge state="waiting" word="Needs approval" /> by {listed(approvers)} (rule of the model).
          </p>
        )}
        {moving.error !== null && <ErrorNote error={moving.error} />}
        {request.error !== null && <ErrorNote error={request.error} />}
        {needsApproval && named && (
          <>
            <Textarea
              label="Reason"
              description="Shown to the approvers."
              value={reason}
              maxLength={4096}
              autosize
              minRows={2}
              onChange={(event) => setReason(event.currentTarget.value)}
            />
            <Checkbox
              label="Apply automatically with the last approval"
              checked={byItself}
              onChange={(event) => setByItself(event.currentTarget.checked)}
            />
          </>
        )}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          {needsApproval && (
            <Button disabled={!named} loading={request.isPending} onClick={() => request.mutate()}>
              Request approval
            </Button>
          )}
          {!missing && (
            <Button
              type="submit"
              variant={needsApproval ? 'default' : 'filled'}
              disabled={!named}
              loading={moving.isPending}
            >
              {move.stage === undefined ? 'Set alias' : 'Change stage'}
            </Button>
          )}
        </div>
      </form>
    </Modal>
  );
}

/** Rules of the manifest for this change, as a preview. The server applies the rules at the time of the request. */
function rulesAbout({ approvals = [] }: ModelSpec, move: { readonly alias?: string; readonly stage?: Stage }) {
  return approvals.filter(({ aliases = [], stages: covered = [] }) =>
    move.stage === undefined ? aliases.includes(move.alias ?? '') : covered.some((one) => one === move.stage),
  );
}

function aliasesOffered({ approvals = [] }: ModelSpec, aliases: Readonly<Record<string, number>>): string[] {
  return [...new Set([...Object.keys(aliases), ...approvals.flatMap((rule) => rule.aliases ?? [])])].toSorted();
}
