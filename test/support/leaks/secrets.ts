/** Names of variables and of callback answers whose value must never be logged. */
const SECRET_NAME = /(?:SECRET|PASSWORD|TOKEN|SECRET_ACCESS_KEY)$/i;

/** Values that no log may contain, and names that any log may: tests give a channel and its key the same name. */
export class Secrets {
  readonly #secrets = new Set<string>();
  readonly #public = new Set<string>();

  add(value: string): void {
    if (value !== '') this.#secrets.add(value);
  }

  /** A stream key as a client sends it: with a query string, of which tokens and signatures are secret. */
  addKey(text: string): void {
    const [key = '', ...query] = text.split('?');
    this.add(key);
    for (const [name, value] of new URLSearchParams(query.join('?'))) {
      if (/token|sig|secret|password/i.test(name)) this.add(value);
    }
  }

  /** The keys in `rtmp://HOST/CHANNEL/KEY` and in `/live/CHANNEL/KEY.flv`, wherever they are in a text. */
  addKeysOfUrls(text: string): void {
    for (const [, channel = '', key = ''] of text.matchAll(/rtmps?:\/\/[^\s/]+\/([^\s/?]+)\/([^\s,;]+)/g)) {
      this.#public.add(channel);
      this.addKey(key);
    }
    for (const [, channel = '', key = ''] of text.matchAll(/\/live\/([^\s/?]+)\/([^\s/?]+)\.flv/g)) {
      this.#public.add(decoded(channel));
      this.add(decoded(key));
    }
  }

  /** The secrets among variables: by their name, and keys in their URLs. */
  addVariables(variables: Readonly<Record<string, string | undefined>>): void {
    for (const [name, value = ''] of Object.entries(variables)) {
      if (SECRET_NAME.test(name)) this.add(value);
      if (name.includes('URL')) this.addKeysOfUrls(value);
    }
  }

  addPublicName(name: string): void {
    this.#public.add(name.split('?')[0] ?? '');
  }

  /** The lines of a log in which a secret is, each with the secret. */
  findIn(log: string): { readonly secret: string; readonly line: string }[] {
    return [...this.#secrets]
      .filter((secret) => !this.#public.has(secret))
      .flatMap((secret) => {
        const at = pattern(secret).exec(log)?.index;
        if (at === undefined) return [];
        const end = log.indexOf('\n', at);
        return [{ secret, line: log.slice(log.lastIndexOf('\n', at - 1) + 1, end < 0 ? undefined : end) }];
      });
  }
}

/** Clients of tests send bad encodings too. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Below this, a secret could be a word of a sentence or the name of a field. */
const UNMISTAKABLE_LENGTH = 9;

/** The secret as a word of its own, as it is or as part of a URL; a short one only where a value is. */
function pattern(secret: string): RegExp {
  const forms = [...new Set([secret, encodeURIComponent(secret)])];
  const text = `(?:${forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|')})(?![\\w-])`;
  if (secret.length >= UNMISTAKABLE_LENGTH) return new RegExp(`(?<![\\w-])${text}`);
  return new RegExp(`(?:[=/]"?|: ?")${text}(?!["]?[=:])`);
}
