import { curlCommand, type CurlCall } from './curl-command.ts';
import { useSession } from '#server/session.ts';
import type { CopyForm } from '#ui/copy-as.tsx';

export interface CopySources {
  /** Arguments of `dais`. */
  readonly command: string;
  readonly call: Pick<CurlCall, 'project' | 'path' | 'query' | 'file'>;
  /** Omitted where a page shows no resource. */
  readonly manifest?: CopyForm | undefined;
}

/** Returns the copy formats of a page: command, manifest, API request and link. */
export function useCopyForms({ command, call, manifest }: CopySources): readonly CopyForm[] {
  const accounts = useSession()?.mode === 'accounts';
  const curl = () => curlCommand({ server: document.baseURI.replace(/\/$/, ''), accounts, ...call });
  return [
    { title: 'CLI command', preview: command, text: () => command },
    ...(manifest === undefined ? [] : [manifest]),
    { title: 'curl command', preview: curl(), text: curl },
    { title: 'Link to this page', text: () => location.href },
  ];
}
