import { toast } from './toast.ts';

/** Copies, and says so when the browser refuses. True: it is copied. */
export async function copyText(text: string): Promise<boolean> {
  const copied = await write(text);
  if (!copied) toast({ title: 'Not copied', text: 'The browser denied access to the clipboard.', state: 'failed' });
  return copied;
}

async function write(text: string): Promise<boolean> {
  // Browsers have it on secure pages only, and an address of the office's own network over plain HTTP is none.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  try {
    if (clipboard === undefined) return copySelected(text);
    await clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** The old way: whatever is selected is copied. */
function copySelected(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'out-of-sight';
  area.setAttribute('aria-hidden', 'true');
  document.body.append(area);
  area.select();
  // oxlint-disable-next-line typescript/no-deprecated -- there is no other way on pages that are not secure
  const copied = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
