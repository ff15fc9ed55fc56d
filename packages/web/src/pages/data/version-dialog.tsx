import { type DaisError } from '@dais/api';
import {
  deleteDatasetVersionOperation,
  releaseDatasetVersionOperation,
  restoreDatasetVersionOperation,
  tagDatasetVersionOperation,
  untagDatasetVersionOperation,
  versionTagSchema,
  type DatasetVersion,
} from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { countText } from './data-words.ts';
import type { DatasetScope } from './use-data.ts';
import { datasetVersionAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { Button, Modal, Textarea, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { toast } from '#ui/toast.ts';

export type VersionVerb = 'tag' | 'restore' | 'release' | 'delete';

export interface VersionDialogProps {
  readonly scope: DatasetScope;
  readonly version: DatasetVersion;
  readonly verb: VersionVerb;
  readonly close: () => void;
}

/** Collects the reason and the tag before an action on a version. */
export function VersionDialog({ scope, version, verb, close }: VersionDialogProps) {
  const { project, name, key } = scope;
  const { number } = version;
  const client = useClient(project);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const one = { name, version: String(number) };
  /** Returns the number of the resulting version. */
  const { mutate, isPending, error } = useMutation<number | undefined, DaisError, string | undefined>({
    mutationFn: async (untag) => {
      if (untag !== undefined) await client.perform(untagDatasetVersionOperation, { name, tag: untag });
      else if (verb === 'tag') await client.perform(tagDatasetVersionOperation, { ...one, tag: text });
      else if (verb === 'release') await client.perform(releaseDatasetVersionOperation, { ...one, reason: text });
      else if (verb === 'delete') await client.perform(deleteDatasetVersionOperation, { ...one, reason: text });
      else return (await client.perform(restoreDatasetVersionOperation, { ...one, message: text })).number;
      return undefined;
    },
    onSuccess: (made, untag) => {
      void queries.invalidateQueries({ queryKey: key });
      if (untag !== undefined) return;
      toast({ title: DONE[verb], text: `Version ${number} of ${name}` });
      close();
      if (made !== undefined) void navigate(datasetVersionAddress(project, name, made));
    },
  });
  const trimmed = text.trim();
  const why =
    verb === 'tag'
      ? versionTagSchema.safeParse(trimmed).success
        ? undefined
        : 'A tag has letters, digits and ._-, and starts with a letter'
      : verb === 'release' && trimmed === ''
        ? 'Enter a reason first. It is recorded with your name.'
        : undefined;
  return (
    <Modal opened onClose={close} title={QUESTIONS[verb](number, name)}>
      <form
        className="confirm"
        onSubmit={(event) => {
          event.preventDefault();
          if (why === undefined) mutate(undefined);
        }}
      >
        <About verb={verb} version={version} />
        {verb === 'tag' ? (
          <>
            {version.tags.map((tag) => (
              <p key={tag}>
                <span className="label-chip">{tag}</span>
                <Button size="compact-xs" variant="default" loading={isPending} onClick={() => mutate(tag)}>
                  Remove {tag}
                </Button>
              </p>
            ))}
            <TextInput
              label="Tag"
              data-autofocus
              value={text}
              description="A tag of another version moves to this one."
              onChange={(event) => setText(event.currentTarget.value)}
            />
          </>
        ) : (
          <Textarea
            label="Reason"
            description="Recorded with your name and the time."
            data-autofocus
            value={text}
            maxLength={2000}
            autosize
            minRows={2}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        )}
        {error !== null && <ErrorNote error={error} />}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <GuardedButton
            why={why}
            {...(verb === 'delete' && { color: 'red' })}
            loading={isPending}
            onClick={() => mutate(undefined)}
          >
            {VERBS[verb]}
          </GuardedButton>
        </div>
      </form>
    </Modal>
  );
}

const VERBS: Readonly<Record<VersionVerb, string>> = {
  tag: 'Set tag',
  restore: 'Restore',
  release: 'Release',
  delete: 'Delete',
};

const DONE: Readonly<Record<VersionVerb, string>> = {
  tag: 'Tagged',
  restore: 'Restored',
  release: 'Released',
  delete: 'Files deleted',
};

const QUESTIONS: Readonly<Record<VersionVerb, (number: number, name: string) => string>> = {
  tag: (number) => `Set tag on version ${number}`,
  restore: (number, name) => `Restore version ${number} of ${name}?`,
  release: (number) => `Release version ${number} despite a failed check?`,
  delete: (number, name) => `Delete the files of version ${number} of ${name}?`,
};

function About({ verb, version }: { readonly verb: VersionVerb; readonly version: DatasetVersion }) {
  if (verb === 'restore') {
    return <p>This creates a new version with the same {countText(version.rows)} rows. No data is copied or lost.</p>;
  }
  if (verb === 'delete') {
    return <p>The rows of this version are deleted permanently. The version stays in the lineage.</p>;
  }
  return verb === 'release' && version.reason !== undefined ? <p>Quarantined: {version.reason}</p> : null;
}
