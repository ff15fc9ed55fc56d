import type { Resource } from '@dais/api';
import { manifestText, resourceText } from './manifest-text.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { Panel } from '#ui/panel.tsx';

/** The manifest as a user writes it, and the full resource. */
export function ResourceManifest({ resource }: { readonly resource: Resource }) {
  return (
    <div className="grid-2">
      <Text title="Manifest (user fields)" text={manifestText(resource)} />
      <Text title="Manifest (as stored)" text={resourceText(resource)} />
    </div>
  );
}

function Text({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <Panel title={title} actions={<CopyButton text={text} label={`Copy: ${title.toLowerCase()}`} />}>
      <pre className="yaml-text" tabIndex={0}>
        {text}
      </pre>
    </Panel>
  );
}
