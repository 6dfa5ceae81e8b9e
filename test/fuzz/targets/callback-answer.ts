import { readAnswerHeaders } from '../../../service/auth/answer-headers';
import { describeCallbackFault } from '../../../service/auth/callback-faults';
import { readGrant } from '../../../service/auth/stream-grant';
import {
  ForwardUrlError,
  parseForwardUrl,
  shownForwardUrl,
  splitForwardUrls,
} from '../../../service/outputs/policy/forward-url';
import { MAX_FORWARDS } from '../../../service/outputs/policy/read-policy';
import { PLAIN_NAMES } from '../../support/names';
import { must, type Target } from '../engine/target';

const NAMES = [
  ...['stream-id', 'play-key', 'max-duration-seconds', 'max-bitrate-kbps', 'forward', 'record', 'hls'],
  ...['x-amzn-errortype', '__proto__', 'Stream-Id', 'constructor'],
];
const MAX_WARNINGS = 64;
/** A word that stands in headers as a secret, and must not be in anything that is shown. */
const SECRET = 'sesame';

/** A grant has only what can be used; warnings and what is shown of targets have no secrets. */
export const target: Target = {
  name: 'callback-answer',
  reads: 'answers of the callback handler: status, headers, targets of forwards',
  maxLength: 1_200,
  seeds: () =>
    [
      '\u00c8\u0000id\u0001key\u00023600\u00035000',
      `\u00c8\u0004rtmp://h/app/${SECRET},rtmps://me:${SECRET}@[::1]:443/app?x=1/${SECRET}#y\u0005flv,mp4\u0006YES`,
      '\u00c8\u0004none\u0005default\u0006no',
      '\u0094\u0007UnrecognizedClientException:http://aws\u0008x',
    ].map((text) => Buffer.from(text, 'latin1')),
  run(bytes) {
    const status = 100 + 2 * (bytes[0] ?? 0);
    const headers = readAnswerHeaders(rawHeaders(bytes.subarray(1).toString('latin1')));
    const warnings: string[] = [];
    const grant = readGrant(headers, PLAIN_NAMES, (warning) => warnings.push(warning));
    must(warnings.length <= MAX_WARNINGS, 'more warnings than anybody can read');
    for (const warning of warnings) must(!warning.includes(SECRET) && !/[\r\n]/.test(warning), `a warning: ${warning}`);
    must(grant.streamId.length <= 1024, 'an id that no command can name');
    must(grant.playKey === undefined || PLAIN_NAMES.isName(grant.playKey), 'a key that cannot be one');
    for (const limit of [grant.maxDurationSeconds ?? 1, grant.maxBitrateKbps ?? 1])
      must(Number.isInteger(limit) && limit > 0, 'a limit that is none');
    const forwards = grant.outputs?.forward ?? [];
    must(forwards.length <= MAX_FORWARDS, 'too many targets');
    for (const url of forwards) parseForwardUrl(url);
    const awsError = headers.get('x-amzn-errortype');
    describeCallbackFault({ outcome: 'answered', status, headers }, { proofs: 'JWT_SECRET', awsError, proven: false });
    for (const url of splitForwardUrls(bytes.toString('utf8'))) checkUrl(url);
  },
};

/** Pairs of a header's name, as one low byte, and its value. */
function rawHeaders(text: string): string[] {
  const raw: string[] = [];
  for (const part of text.split(/(?=[\u0000-\u000a])/)) {
    if (part !== '') raw.push(NAMES[part.charCodeAt(0) % NAMES.length]!, part.slice(1));
  }
  return raw;
}

function checkUrl(url: string): void {
  const shown = shownForwardUrl(url);
  let parsed;
  try {
    parsed = parseForwardUrl(url);
  } catch (error) {
    if (!(error instanceof ForwardUrlError)) throw error;
    must(!error.message.includes(SECRET), 'an error that shows a part of the address');
    return;
  }
  const { host, port, app, key, tcUrl } = parsed;
  must(port >= 1 && port <= 65_535 && host !== '' && app !== '' && key !== '', 'an address that leads nowhere');
  const names = [host, app, key, tcUrl];
  must(
    names.every((name) => !/[\u0000-\u001f\u007f]/.test(name)),
    'a control character in a name',
  );
  must(!/^\w+:\/\/[^/]*@/.test(shown) && !/^\w+:\/\/[^/]*@/.test(tcUrl), 'a user is shown');
}
