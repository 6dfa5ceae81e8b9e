// Bundles the console, the page at `/` on HTTP_PORT, into one file of compressed pages: .build/console.cjs, a map from
// path to contents that service/http/console-pages.ts reads when the first browser asks.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

/** The folder of everything but the page itself, relative to the page. */
const ASSETS = 'console/';

const CONTENT_TYPES = {
  css: 'text/css; charset=utf-8',
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Writes `console.cjs` into a folder. The page's name never changes, so browsers ask for it each time; all other names
 * hold a hash of the contents, so that browsers may keep these files forever.
 *
 * @param {{ root: string, outdir: string }} places the repository's root, and where to write
 * @returns {Promise<{ metafile: object, otherSources: string[] }>} what esbuild says is in the scripts and styles, and
 *   the sources of which esbuild does not know; paths are relative to the root
 */
export async function buildConsole({ root, outdir }) {
  const { build } = await import('esbuild');
  const source = (name) => `service/console/${name}`;
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { console: source('main.tsx'), watch: source('watch.tsx') },
    outdir: '/',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    platform: 'browser',
    format: 'esm',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });

  const icon = readFileSync(join(root, source('icon.svg')));
  const iconName = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8).toUpperCase()}.svg`;
  const assets = new Map(outputFiles.map(({ path, contents }) => [path.slice(1), Buffer.from(contents)]));
  assets.set(iconName, icon);

  /** @param {string} way from the page to the folder of its files */
  const page = (file, entryPoint, way) => {
    const entry = (extension) =>
      [...assets.keys()].find((name) => name.startsWith(`${entryPoint}-`) && name.endsWith(extension));
    const addresses = { script: entry('.js'), style: entry('.css'), icon: iconName };
    const html = readFileSync(join(root, source(file)), 'utf8');
    return packed(
      'html',
      Buffer.from(html.replace(/\{\{(\w+)\}\}/g, (_, name) => `${way}${ASSETS}${addresses[name]}`)),
    );
  };

  // `/watch` stands for the pages `/watch/CHANNEL`.
  const pages = { '/': page('index.html', 'console', ''), '/watch': page('watch.html', 'watch', '../') };
  for (const [name, contents] of assets) pages[`/${ASSETS}${name}`] = packed(name.replace(/^.*\./, ''), contents);
  writeFileSync(join(outdir, 'console.cjs'), `module.exports = ${JSON.stringify(pages, null, 1)};\n`);
  return { metafile, otherSources: ['index.html', 'watch.html', 'icon.svg'].map(source) };
}

/** @param {string} extension of the file's name */
function packed(extension, contents) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: contents.length };
  return {
    contentType: CONTENT_TYPES[extension],
    hash: createHash('sha256').update(contents).digest('base64url').slice(0, 22),
    brotli: brotliCompressSync(contents, { params }).toString('base64'),
    gzip: gzipSync(contents, { level: 9 }).toString('base64'),
  };
}
