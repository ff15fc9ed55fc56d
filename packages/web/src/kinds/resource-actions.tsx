import type { KindSpec, Resource } from '@dais/api';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { cliCommand } from './cli-command.ts';
import { DeleteDialog } from './delete-dialog.tsx';
import { useCopyForms } from './use-copy-forms.ts';
import { useWhyNot, type WhyNot } from './use-why-not.ts';
import { changeAddress } from '#addresses.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';

export interface ChangeButtonsProps {
  readonly kind: KindSpec;
  readonly project: string;
  readonly name: string;
  readonly whyNot: WhyNot;
  /** Another action is the primary one. */
  readonly quiet?: boolean;
  /** Confirms a deletion that needs a longer explanation than usual. */
  readonly dialog?: (close: () => void) => ReactNode;
}

/** Delete and Edit, with a reason where the viewer has no permission. */
export function ChangeButtons({ kind, project, name, whyNot, quiet = false, dialog }: ChangeButtonsProps) {
  const [deleting, setDeleting] = useState(false);
  const close = () => setDeleting(false);
  return (
    <>
      <GuardedButton
        why={whyNot('delete')}
        variant="default"
        leftSection={<Icon name="bin" />}
        onClick={() => setDeleting(true)}
      >
        Delete
      </GuardedButton>
      <GuardedButton
        why={whyNot('update')}
        {...(quiet && { variant: 'default' })}
        link={(props) => <Link {...changeAddress(kind, project, name)} {...props} />}
        leftSection={<Icon name="edit" />}
      >
        Edit
      </GuardedButton>
      {deleting && (dialog?.(close) ?? <DeleteDialog kind={kind} project={project} name={name} close={close} />)}
    </>
  );
}

export interface ResourceActionsProps extends Omit<ChangeButtonsProps, 'name' | 'whyNot'> {
  readonly resource: Resource;
  /** The equivalent arguments of the command line: `['describe', 'model', 'flights']`. */
  readonly command: readonly string[];
  /** The equivalent API request. */
  readonly path: string;
}

/** Actions of a resource with its own page. */
export function ResourceActions({ resource, command, path, ...buttons }: ResourceActionsProps) {
  const { kind, project } = buttons;
  const whyNot = useWhyNot(kind, project, resource);
  const forms = useCopyForms({
    command: cliCommand(command, kind, project),
    manifest: {
      title: 'Manifest',
      text: async () => (await import('./manifest-text.ts')).manifestText(resource),
    },
    call: { project, path },
  });
  return (
    <>
      <CopyAs forms={forms} />
      <ChangeButtons {...buttons} whyNot={whyNot} name={resource.metadata.name} />
    </>
  );
}
