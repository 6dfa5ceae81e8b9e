import { existsSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** One file of the console, as service/build/console.mjs writes it. */
interface StoredPage {
  readonly contentType: string;
  /** Changes with the contents. */
  readonly hash: string;
  /** The contents, compressed; base64. */
  readonly brotli: string;
  readonly gzip: string;
}

interface Page {
  readonly contentType: string;
  readonly etag: string;
  readonly cacheControl: string;
  readonly brotli: Buffer;
  readonly gzip: Buffer;
}

type Encoding = 'br' | 'gzip' | 'identity';

/** Next to the bundle; and in its folder, for a program that runs from the sources. */
const PLACES = [join(__dirname, 'console.cjs'), join(__dirname, '../../.build/console.cjs')];

/**
 * Everything comes from this server, scripts and styles as files only. Video is a `blob:`, which the page itself fills,
 * or HLS of this server where the browser plays that. Nobody may show the console in a frame and have an operator click on what is hidden there.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "media-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

/** The console: the page `/` and the files that it loads. They are read when the first browser asks. */
export class ConsolePages {
  readonly #file: string | undefined;
  #pages: ReadonlyMap<string, Page> | undefined;

  /** @param file what service/build/console.mjs has written; without it there is no console, and nothing is answered */
  constructor(file = PLACES.find((place) => existsSync(place))) {
    this.#file = file;
  }

  /** Whether this path could be a page of the console. */
  static owns(path: string): boolean {
    return path === '/' || path === '/watch' || path.startsWith('/console/');
  }

  /** Answers a GET or HEAD of a page; false when there is no such page. */
  answer(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    const page = this.#load().get(path);
    if (page === undefined) return false;
    response.setHeader('cache-control', page.cacheControl);
    response.setHeader('etag', page.etag);
    response.setHeader('vary', 'accept-encoding');
    response.setHeader('x-content-type-options', 'nosniff');
    if (matches(request.headers['if-none-match'], page.etag)) {
      response.writeHead(304).end();
      return true;
    }
    const encoding = preferred(request.headers['accept-encoding']);
    const body = encoding === 'br' ? page.brotli : encoding === 'gzip' ? page.gzip : brotliDecompressSync(page.brotli);
    if (encoding !== 'identity') response.setHeader('content-encoding', encoding);
    response.writeHead(200, {
      'content-type': page.contentType,
      'content-length': body.length,
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    });
    response.end(request.method === 'HEAD' ? undefined : body);
    return true;
  }

  #load(): ReadonlyMap<string, Page> {
    this.#pages ??= this.#file === undefined ? new Map() : pagesOf(this.#file);
    return this.#pages;
  }
}

function pagesOf(file: string): ReadonlyMap<string, Page> {
  const stored = createRequire(file)(file) as Readonly<Record<string, StoredPage>>;
  return new Map(
    Object.entries(stored).map(([path, { contentType, hash, brotli, gzip }]) => [
      path,
      {
        contentType,
        // The same entity tag for every encoding has to be weak.
        etag: `W/"${hash}"`,
        cacheControl: path === '/' || path === '/watch' ? 'no-cache' : 'public, max-age=31536000, immutable',
        brotli: Buffer.from(brotli, 'base64'),
        gzip: Buffer.from(gzip, 'base64'),
      },
    ]),
  );
}

/** If-None-Match: a list of entity tags, compared weakly. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  const opaque = (tag: string): string => tag.trim().replace(/^W\//, '');
  return header.split(',').some((tag) => tag.trim() === '*' || opaque(tag) === opaque(etag));
}

function preferred(header: string | undefined): Encoding {
  const offered = new Map(
    (header ?? '').split(',').map((part) => {
      const [name = '', ...parameters] = part
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/);
      return [name, !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))] as const;
    }),
  );
  if (offered.get('br') === true) return 'br';
  return offered.get('gzip') === true ? 'gzip' : 'identity';
}
