import { describe, expect, test } from '@jest/globals';
import { answerChallenge } from '../../../../service/outputs/forward/challenge';
import { parseForwardUrl } from '../../../../service/outputs/policy/forward-url';
import { publishWithFfmpeg, sourceFile } from '../../../support/programs/ffmpeg';
import { RtmpTarget } from '../../../support/servers/rtmp-target';

const target = parseForwardUrl('rtmp://me:sesame@host/live/key');
const ADOBE =
  '[ AccessManager.Reject ] : [ authmod=adobe ] : ?reason=needauth&user=me&salt=6MnrBg==&challenge=7C5OrA==';
const LLNW = '[ AccessManager.Reject ] : [ authmod=llnw ] : ?reason=needauth&user=me&nonce=5a81a0b1';

describe('questions of servers', () => {
  // The answers are those of ffmpeg 5.1 to the same questions.
  test.each([
    ['618de61a', `${ADOBE}&opaque=vbi2VQ==`, '&response=8a81NGXO3enRLQFjAGbZNw==&opaque=vbi2VQ=='],
    ['99be49fa', ADOBE, '&response=W4DK6mmN7hnsRHiRf1wAjA=='],
    ['88a4e6ae', LLNW, '&response=0d8b998e8732c70602516ef46c256030'],
  ])('%s', (nonce, description, response) => {
    const answer = answerChallenge(description, target, () => nonce);
    expect(answer.kind === 'query' && answer.query).toContain(response);
  });

  test('the server first names its scheme', () => {
    const said = '[ AccessManager.Reject ] : [ code=403 need auth; authmod=adobe ] : ';
    expect(answerChallenge(said, target)).toEqual({ kind: 'query', query: '?authmod=adobe&user=me' });
  });

  test.each([
    ['?reason=authfailed', 'target refuses the user or the password'],
    ['?reason=nosuchuser', 'target refuses the user or the password'],
  ])('%s', (reason, text) => {
    expect(answerChallenge(`[ authmod=adobe ] : ${reason}&opaque=x`, target)).toEqual({
      kind: 'refused',
      reason: text,
    });
  });

  test('an address without user, an unknown scheme, another refusal', () => {
    const anonymous = parseForwardUrl('rtmp://host/live/key');
    expect(answerChallenge('[ code=403 need auth; authmod=adobe ]', anonymous)).toMatchObject({ kind: 'refused' });
    expect(answerChallenge('[ code=403 need auth; authmod=red5 ]', target)).toMatchObject({ kind: 'refused' });
    expect(answerChallenge('no such application', target)).toEqual({ kind: 'other' });
  });
});

test.each([
  ['adobe', `${ADOBE}&opaque=vbi2VQ==`],
  ['adobe', ADOBE],
  ['llnw', LLNW],
])('ffmpeg gives the same answer (%s, %#)', async (scheme, question) => {
  const apps: string[] = [];
  const server = await RtmpTarget.start({
    answer(session, name, { transactionId, args }) {
      if (name !== 'connect') return false;
      apps.push((args[0] as { app: string }).app);
      if (apps.length === 3) return false;
      const description = apps.length === 1 ? `[ code=403 need auth; authmod=${scheme} ] : ` : question;
      const info = { level: 'error', code: 'NetConnection.Connect.Rejected', description };
      session.sendCommand('_error', transactionId, [null, info]);
      return true;
    },
  });
  const url = `rtmp://me:sesame@127.0.0.1:${server.port}/live/key`;
  const program = publishWithFfmpeg(await sourceFile('tiny'), url, { realTime: false });
  await program.exited;
  expect(apps).toHaveLength(3);
  const random = /&c(?:hallenge|nonce)=([0-9a-f]{8})/.exec(apps[2]!)![1]!;
  expect(answerChallenge(question, target, () => random)).toEqual({ kind: 'query', query: apps[2]!.slice(4) });
});
