/** A browser as far as signing in needs one: cookies for each origin, redirects one by one. */
interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly attributes: string;
}

export interface Answer {
  readonly status: number;
  readonly url: string;
  readonly location: string | undefined;
  readonly headers: Headers;
  readonly text: string;
  readonly cookies: readonly Cookie[];
}

export class TestBrowser {
  readonly #cookies = new Map<string, Map<string, Cookie>>();

  async get(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return await this.#send(url, { headers });
  }

  /** As a page of the server itself does. */
  async post(url: string, body: unknown): Promise<Answer> {
    return await this.#send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: new URL(url).origin },
      body: JSON.stringify(body),
    });
  }

  /** As a page of another site does: the cookies of the server are not sent with it. */
  async postForm(url: string, fields: Readonly<Record<string, string>>, origin: string): Promise<Answer> {
    const other = new TestBrowser();
    return await other.#send(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin, 'sec-fetch-site': 'cross-site' },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** Follows redirects until there is none, or the next one matches `stop`. */
  async follow(url: string, stop: (next: string) => boolean = () => false): Promise<Answer> {
    let answer = await this.get(url);
    for (let hops = 0; answer.location !== undefined; hops++) {
      if (hops > 15) throw new Error(`redirected without end: ${answer.location}`);
      if (stop(answer.location)) return answer;
      answer = await this.get(answer.location);
    }
    return answer;
  }

  cookie(url: string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).origin)?.get(name)?.value;
  }

  setCookie(url: string, name: string, value: string): void {
    this.#jar(url).set(name, { name, value, attributes: '' });
  }

  #jar(url: string): Map<string, Cookie> {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map<string, Cookie>();
    this.#cookies.set(origin, jar);
    return jar;
  }

  async #send(url: string, init: RequestInit): Promise<Answer> {
    const jar = this.#jar(url);
    const cookie = [...jar.values()].map(({ name, value }) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), ...(cookie !== '' && { cookie }) },
    });
    const cookies = response.headers.getSetCookie().map((text): Cookie => {
      const [pair = '', ...attributes] = text.split(';');
      const equals = pair.indexOf('=');
      return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes: attributes.join(';') };
    });
    for (const one of cookies) {
      const isGone = one.value === '' || /max-age=0|expires=thu, 01 jan 1970/i.test(one.attributes);
      if (isGone) jar.delete(one.name);
      else jar.set(one.name, one);
    }
    const location = response.headers.get('location');
    return {
      status: response.status,
      url,
      location: location === null ? undefined : new URL(location, url).href,
      headers: response.headers,
      text: await response.text(),
      cookies,
    };
  }
}
