import { ActionIcon, Tooltip } from '@mantine/core';
import { useState } from 'react';
import { copyText } from './copy-text.ts';
import { Icon } from './icons.tsx';

export interface CopyButtonProps {
  /** Created on request, where it is long. */
  readonly text: string | (() => string);
  readonly label: string;
}

export function CopyButton({ text, label }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    if (!(await copyText(typeof text === 'string' ? text : text()))) return;
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <Tooltip label={copied ? 'Copied' : label}>
      <ActionIcon size="sm" aria-label={copied ? 'Copied' : label} onClick={() => void copy()}>
        <Icon name={copied ? 'check' : 'copy'} />
      </ActionIcon>
    </Tooltip>
  );
}
