import { PasswordInput } from '#ui/controls.ts';

export interface NewPasswordFieldsProps {
  readonly password: string;
  readonly again: string;
  readonly onPassword: (password: string) => void;
  readonly onAgain: (again: string) => void;
  /** The error of the server. */
  readonly refused?: string | undefined;
  readonly autoFocus?: boolean;
}

export function NewPasswordFields(props: NewPasswordFieldsProps) {
  const { password, again, onPassword, onAgain, refused, autoFocus = false } = props;
  return (
    <>
      <PasswordInput
        label="New password"
        description="At least 12 characters. Several unrelated words are easy to remember and hard to guess."
        size="sm"
        name="new-password"
        autoComplete="new-password"
        autoFocus={autoFocus}
        value={password}
        error={refused}
        onChange={(event) => onPassword(event.currentTarget.value)}
      />
      <PasswordInput
        label="Confirm password"
        size="sm"
        name="new-password-again"
        autoComplete="new-password"
        value={again}
        onChange={(event) => onAgain(event.currentTarget.value)}
      />
    </>
  );
}
