import { toast } from './toast.ts';

/** Copies text, and shows a toast when the browser refuses. Returns true on success. */
export async function copyText(text: string): Promise<boolean> {
  const copied = await write(text);
  if (!copied) toast({ title: 'Not copied', text: 'The browser denied access to the clipboard.', state: 'failed' });
  return copied;
}

async function write(text: string): Promise<boolean> {
  // Browsers have it only on secure pages, which plain HTTP in an internal network is not.
  const clipboard: Clipboard | undefined = navigator.clipboard;
  try {
    if (clipboard === undefined) return copySelected(text);
    await clipboard.writeText(text);
    return true;
  } catch {
    return copySelected(text);
  }
}

/** The fallback: the browser copies the selection. */
function copySelected(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'out-of-sight';
  area.setAttribute('aria-hidden', 'true');
  document.body.append(area);
  area.select();
  // oxlint-disable-next-line typescript/no-deprecated -- insecure pages have no other way
  const copied = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return copied;
}
