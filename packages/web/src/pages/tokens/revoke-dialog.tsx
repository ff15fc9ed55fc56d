import type { DaisError, TokenEntry } from '@dais/api';
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
      toast({ title: `${token.title} is revoked` });
      done();
      close();
    },
  });
  return (
    <Confirm title={`Revoke ${token.title}?`} verb="Revoke" busy={isPending} confirm={() => mutate()} close={close}>
      <p>
        Whatever uses <code>…{token.ending}</code> is refused from now on. It was last used{' '}
        {token.usedAt === undefined ? 'never' : <Time at={token.usedAt} />}. A revoked token does not come back.
      </p>
      {error !== null && <ErrorNote error={error} />}
    </Confirm>
  );
}
