import { serviceAccountKind, userKind } from '@dais/api/access';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useAll } from './use-all.ts';
import { accessAddress } from '#addresses.ts';
import { useMay } from '#server/own-access.ts';
import { Autocomplete, Button } from '#ui/controls.ts';

export interface PrincipalPickerProps {
  readonly project: string;
  /** `user:ada@example.com`: the principal of the page. */
  readonly who: string;
  /** The viewer. */
  readonly self: string;
}

/** Selects a principal: offers the names that the viewer can read. */
export function PrincipalPicker({ project, who, self }: PrincipalPickerProps) {
  const navigate = useNavigate();
  const may = useMay(project);
  const users = useAll(userKind, project, may('user:read') === true);
  const services = useAll(serviceAccountKind, project, may('serviceAccount:read') === true);
  const [text, setText] = useState(who);
  const [seen, setSeen] = useState(who);
  if (who !== seen) {
    setSeen(who);
    setText(who);
  }
  const go = (value: string) => {
    const named = principal(value);
    if (named !== undefined) void navigate(accessAddress(project, named === self ? {} : { who: named }));
  };
  const offered = [
    ...new Set([
      self,
      ...users.map(({ metadata }) => `user:${metadata.name}`),
      ...services.map(({ metadata }) => `service:${metadata.name}`),
    ]),
  ];
  if (may('policy:read') === false) {
    return <span className="dim">You can see your own permissions. Administrators can see those of others.</span>;
  }
  return (
    <form
      className="access-who"
      onSubmit={(event) => {
        event.preventDefault();
        go(text);
      }}
    >
      <Autocomplete
        aria-label="User or service account"
        placeholder="user:NAME or service:NAME"
        size="xs"
        data={offered}
        limit={50}
        value={text}
        onChange={setText}
        onOptionSubmit={go}
      />
      <Button type="submit" variant="default">
        Show
      </Button>
    </form>
  );
}

/** A name without a prefix is a user. Undefined: no principal. */
function principal(text: string): string | undefined {
  const name = text.trim();
  if (name === '') return undefined;
  return /^(user|service):./.test(name) ? name : `user:${name}`;
}
