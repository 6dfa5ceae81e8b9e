// The licences of the packages that are part of the bundles: .build/third-party-licences.txt, which the image contains.
// Most licences allow to pass a program on only together with their text. Notices may be in comments of the sources,
// too, which the bundles leave out.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const LICENCE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/** The text of the MIT licence without its title and copyright. */
const MIT_TEXT = /Permission is hereby granted, free of charge,[^]*?DEALINGS\s+IN\s+THE\s+SOFTWARE\./;

/** Comments of a source: blocks, and lines that follow each other. */
const COMMENTS = /\/\*[^]*?\*\/|(?:^[ \t]*\/\/.*\n?)+/gm;

/** Parts of other packages within the published file of a package, which come without their licences there. */
const CARRIED = {
  'hls.js': [
    ['eventemitter3', 'MIT', 'Copyright (c) 2014 Arnout Kazemier'],
    [
      '@svta/cml-cmcd, @svta/cml-id3, @svta/cml-structured-field-values',
      'Apache-2.0',
      'Streaming Video Technology Alliance',
    ],
    ['url-toolkit', 'Apache-2.0', 'Tom Jenkinson, https://github.com/tjenkinson/url-toolkit'],
  ],
  '@opentelemetry/core': [['lodash', 'MIT', 'Copyright OpenJS Foundation and other contributors']],
  'mpegts.js': [
    ['es6-promise', 'MIT', 'Copyright (c) 2014 Yehuda Katz, Tom Dale, Stefan Penner and contributors'],
    ['events', 'MIT', 'Copyright Joyent, Inc. and other Node contributors.'],
    ['webworkify-webpack', 'MIT', 'Boris Sirota, https://github.com/borisirota/webworkify-webpack'],
  ],
};

/**
 * @param {string} root of the repository
 * @param {object} metafile esbuild's record of what is in the bundles
 */
export function thirdPartyLicences(root, metafile) {
  const files = bundledFiles(metafile);
  const packages = bundledPackages(root, files);
  /** Many packages have the very same text. */
  const byText = new Map();
  for (const one of packages) {
    const own = one.texts.length > 0 ? one.texts.join('\n\n') : commonText(packages, one.licence);
    const text = [own, ...textsOfParts(packages, one, own)].join('\n\n');
    byText.set(text, [...(byText.get(text) ?? []), one]);
  }
  const sections = [...byText].map(([text, its]) => `${its.map(heading).join('\n')}\n\n${text}`);
  const intro = 'rtmp-server, rtmp-outputs, rtmp-fleet and the console contain these packages, under these licences.';
  return `${[intro, ...sections, sourceNotices(root, files)].join(`\n\n${'='.repeat(80)}\n\n`)}\n`;
}

function heading({ name, version, licence, author, carries }) {
  const parts = carries.map(([part, itsLicence, holder]) => `  contains ${part} (${itsLicence}): ${holder}`);
  return [`${name} ${version} (${licence})${author === '' ? '' : `, ${author}`}`, ...parts].join('\n');
}

/** The files of packages of which something is in a bundle, in alphabetical order. */
function bundledFiles({ outputs }) {
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  return [...new Set(files)].filter((file) => packageFolder(file) !== undefined).sort();
}

/** The packages of which something is in a bundle, by name and version, with their licences. */
function bundledPackages(root, files) {
  const folders = new Map();
  for (const file of files) {
    const folder = packageFolder(file);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return [...folders]
    .map(([folder, its]) => described(root, folder, its))
    .sort((a, b) => `${a.name} ${a.version}`.localeCompare(`${b.name} ${b.version}`, 'en'));
}

/** `node_modules/NAME` of a file in a package, also of a nested one. */
function packageFolder(path) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0];
}

function described(root, folder, files) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  // Bundlers put the notices of what they have bundled next to the file.
  const beside = files.map((file) => join(dirname(file), `${basename(file)}.LICENSE.txt`));
  const own = readdirSync(join(root, folder)).filter((file) => LICENCE_FILE.test(file));
  const paths = [...own.map((file) => join(folder, file)), ...beside.filter((path) => existsSync(join(root, path)))];
  return {
    name,
    version,
    licence: typeof license === 'string' ? license : 'unknown',
    author: typeof author === 'string' ? author : (author?.name ?? ''),
    texts: paths.map((path) => readFileSync(join(root, path), 'utf8').trim()),
    carries: CARRIED[name] ?? [],
  };
}

/** The text of a licence, of which every package that uses it has the same. */
function commonText(packages, licence) {
  const found = packages.find((other) => other.licence === licence && other.texts[0]?.includes('TERMS AND CONDITIONS'));
  if (found === undefined) throw new Error(`there is no text of the licence ${licence}`);
  return found.texts[0];
}

/** The text of the MIT licence, where a package under another licence carries parts that are under it. */
function textsOfParts(packages, { carries }, own) {
  if (MIT_TEXT.test(own) || !carries.some(([, licence]) => licence === 'MIT')) return [];
  const text = packages.flatMap(({ texts }) => texts).find((one) => MIT_TEXT.test(one));
  if (text === undefined) throw new Error('there is no text of the licence MIT');
  return [`The parts under the MIT licence:\n\n${MIT_TEXT.exec(text)[0]}`];
}

/** Copyrights and licences in comments of the bundled files, each once, with the files that have it. */
function sourceNotices(root, files) {
  const byNotice = new Map();
  for (const file of files) {
    const comments = readFileSync(join(root, file), 'utf8').match(COMMENTS) ?? [];
    for (const notice of new Set(comments.filter(isNotice).map((comment) => comment.trim()))) {
      byNotice.set(notice, [...(byNotice.get(notice) ?? []), file]);
    }
  }
  const notices = [...byNotice].map(([notice, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    return `${first.slice('node_modules/'.length)}${more}:\n\n${notice}`;
  });
  return ['Notices in the sources of these packages, and where they are:', ...notices].join('\n\n');
}

/** A line comment that speaks of licences is seldom one: players have licences for keys, too. */
function isNotice(comment) {
  return (comment.startsWith('/*') ? /copyright|licen[cs]e|\((?:MIT|Apache)/i : /copyright|\((?:MIT|Apache)/i).test(
    comment,
  );
}
