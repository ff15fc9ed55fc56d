import type { DaisError } from '@dais/api';
import type { TokenEntry } from '@dais/api/access';
import { useMutation } from '@tanstack/react-query';
import { Confirm } from '#ui/confirm.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

export interface RevokeDialogProps {
  readonly token: TokenEntry;
  readonly revoke: (id: string) => Promise<unknown>;
  readonly done: () => void;
  readonly close: () => void;
}

export function RevokeDialog({ token, revoke, done, close }: RevokeDialogProps) {
  const { mutate, isPending, error } = useMutation<unknown, DaisError>({
    mutationFn: async () => await revoke(token.id),
    onSuccess: () => {
      toast({ title: `${token.title} revoked` });
      done();
      close();
    },
  });
  return (
    <Confirm
      title={`Revoke ${token.title}?`}
      verb="Revoke token"
      busy={isPending}
      confirm={() => mutate()}
      close={close}
    >
      <p>
        Clients that use <code>…{token.ending}</code> are refused from now on. Last used{' '}
        {token.usedAt === undefined ? 'never' : <Time at={token.usedAt} />}. You cannot undo this.
      </p>
      {error !== null && <ErrorNote error={error} />}
    </Confirm>
  );
}
