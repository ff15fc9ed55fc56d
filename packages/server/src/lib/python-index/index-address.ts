/** Addresses of package indexes: credentials apart from them, and the files that an index lists. */

export interface IndexAddress {
  /** Without credentials and without a slash at its end. */
  readonly url: string;
  readonly credentials?: { readonly user: string; readonly password: string };
}

export function splitCredentials(address: string): IndexAddress {
  const url = new URL(address);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  return {
    url: indexUrl(url.href),
    ...((username !== '' || password !== '') && {
      credentials: { user: decoded(username), password: decoded(password) },
    }),
  };
}

/** A `%` that does not start an escape stays literal. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Credentials as they can occur in messages of uv or a server. */
export function secretForms({ user, password }: NonNullable<IndexAddress['credentials']>): readonly string[] {
  const forms = [password, encodeURIComponent(password), Buffer.from(`${user}:${password}`).toString('base64')];
  return [...new Set(forms)].filter((form) => form !== '').toSorted((one, other) => other.length - one.length);
}

/** One form for one index. */
export function indexUrl(url: string): string {
  return url.replace(/\/+$/, '');
}

/**
 * The address of one file on a page of the simple API, in either of its forms (JSON: PEP 691, HTML: PEP 503; mirrors often
 * have only the second).
 */
export function fileOnPage(page: string, contentType: string, text: string, file: string): string | undefined {
  const address = contentType.includes('json') ? inJson(text, file) : inHtml(text, file);
  if (address === undefined || !URL.canParse(address, page)) return undefined;
  const url = new URL(address, page);
  url.hash = '';
  return url.href;
}

/** Returns the URL of any file on such a page; undefined for a page without files. */
export function anyFileOnPage(page: string, contentType: string, text: string): string | undefined {
  const address = contentType.includes('json')
    ? (JSON.parse(text) as { files?: readonly { url?: string }[] }).files?.[0]?.url
    : /<a\b[^>]*?\bhref\s*=\s*["']([^"']+)["']/i.exec(text)?.[1]?.replaceAll('&amp;', '&');
  return address === undefined || !URL.canParse(address, page) ? undefined : new URL(address, page).href;
}

function inJson(text: string, file: string): string | undefined {
  const { files = [] } = JSON.parse(text) as { files?: readonly { filename?: string; url?: string }[] };
  return files.find((entry) => entry.filename === file)?.url;
}

function inHtml(text: string, file: string): string | undefined {
  for (const [, href = '', label = ''] of text.matchAll(
    /<a\b[^>]*?\bhref\s*=\s*["']([^"']+)["'][^>]*>([^<]*)<\/a>/gi,
  )) {
    if (label.trim() === file || href.split('#')[0]?.endsWith(`/${file}`) === true)
      return href.replaceAll('&amp;', '&');
  }
  return undefined;
}
