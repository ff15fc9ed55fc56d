import { Button, Menu } from '@mantine/core';
import { copyText } from './copy-text.ts';
import { Icon } from './icons.tsx';
import { toast } from './toast.ts';
import './copy-as.css';

export interface CopyForm {
  readonly title: string;
  /** The start of the text, where it is known before it is requested. */
  readonly preview?: string;
  /** Created on request: its creator may have to be loaded. */
  readonly text: () => string | Promise<string>;
}

/** Copy formats of an object: command, manifest, API request, link. */
export function CopyAs({ forms }: { readonly forms: readonly CopyForm[] }) {
  const copy = async ({ title, text }: CopyForm) => {
    if (await copyText(await text())) toast({ title: 'Copied', text: title });
  };
  return (
    <Menu position="bottom-end" width={380} withinPortal={false} classNames={{ itemLabel: 'copy-label' }}>
      <Menu.Target>
        <Button variant="default" leftSection={<Icon name="copy" />}>
          Copy as
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {forms.map((form) => (
          <Menu.Item key={form.title} onClick={() => void copy(form)}>
            {form.title}
            {form.preview !== undefined && <code className="copy-preview">{form.preview}</code>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
