import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseCliArguments } from '../../../lambdas/stream-keys/cli-arguments';
import { STAND_IN_ENVIRONMENT } from '../../support/aws/stand-in-identity';
import { startLambdaFixture, type LambdaFixture } from '../lambda-fixture';

const ROOT = resolve(__dirname, '../../..');

let fixture: LambdaFixture;
let environment: NodeJS.ProcessEnv;

beforeAll(async () => {
  fixture = await startLambdaFixture();
  environment = {
    PATH: process.env['PATH'],
    ...STAND_IN_ENVIRONMENT,
    TABLE_NAME: fixture.tableName,
    KEY_PEPPER_ARN: fixture.pepperArn,
    AWS_ENDPOINT_URL_DYNAMODB: fixture.dynamoDb.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: fixture.secretsManager.endpoint,
  };
});
afterAll(() => fixture.stop());

async function cli(
  args: readonly string[],
  env = environment,
  input = '',
): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'lambdas/stream-keys/cli.ts', ...args], { cwd: ROOT, env });
  child.stdin.end(input);
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number]>,
  ]);
  return { code, out, err };
}

describe('the command line', () => {
  test('creates a channel, prints its key once and lists it', async () => {
    const created = await cli(['create', 'news', '--allow-cidr', '192.0.2.0/24', '--json']);
    expect(created).toMatchObject({ code: 0 });
    const { key } = JSON.parse(created.out) as { key: string };
    const listed = await cli(['list']);
    expect(listed.code).toBe(0);
    expect(listed.out).toMatch(/^news +enabled/m);
    const shown = await cli(['show', 'news']);
    expect(shown.out).toContain('192.0.2.0/24');
    expect(`${listed.out}${shown.out}`).not.toContain(key);
  }, 30_000);

  test('sets what is done with a channel, and never shows the keys of its targets', async () => {
    expect(await cli(['create', 'outputs', '--record', 'flv,mp4', '--hls', 'yes'])).toMatchObject({ code: 0 });
    const urls = ['rtmps://a.rtmps.youtube.com/live2/s3cr3t', 'rtmp://live.twitch.tv/app/s3cr3t'];
    expect(await cli(['set', 'outputs', '--forward', ...urls])).toMatchObject({ code: 0 });
    const shown = await cli(['show', 'outputs']);
    expect(shown.out).toMatch(/^forward to +rtmps:\/\/a\.rtmps\.youtube\.com\/live2, rtmp:\/\/live\.twitch\.tv\/app$/m);
    expect(shown.out).toMatch(/^record +flv,mp4$/m);
    expect(shown.out).toMatch(/^hls +yes$/m);
    expect(await cli(['set', 'outputs', '--forward-stdin'], environment, `${urls[1]}\n`)).toMatchObject({ code: 0 });
    const one = await cli(['show', 'outputs']);
    expect(one.out).toMatch(/^forward to +rtmp:\/\/live\.twitch\.tv\/app$/m);
    const bad = await cli(['set', 'outputs', '--forward', 'http://host/s3cr3t']);
    expect(bad.code).toBe(2);
    expect(bad.err).toContain('forward must be a list of at most 16 addresses rtmp://');
    await cli(['set', 'outputs', '--forward', 'none', '--clear', 'record', '--hls', 'no']);
    const none = await cli(['show', 'outputs', '--json']);
    expect(JSON.parse(none.out)).toMatchObject({ policy: { forward: [], hls: false } });
    expect([shown, one, bad, none].map(({ out, err }) => out + err).join()).not.toContain('s3cr3t');
  }, 60_000);

  test('takes a key from standard input, never from the command line', async () => {
    const created = await cli(['create', 'moved', '--key-stdin'], environment, 'a-key-in-use-already\n');
    expect(created).toMatchObject({ code: 0 });
    expect(created.out).toContain('a-key-in-use-already');
  }, 30_000);

  test.each([[['--help']], [['-h']], [['help']], [['create', '--help']]])(
    '%j prints the usage, and needs no environment',
    async (args) => {
      const { code, out, err } = await cli(args, { PATH: process.env['PATH'] });
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(/^Usage: npm run keys -- COMMAND/);
      for (const text of ['delete CHANNEL', '--overlap-seconds', 'TABLE_NAME', 'Examples:', 'Exit codes:']) {
        expect(out).toContain(text);
      }
    },
    30_000,
  );

  test.each([
    [[], 'a command is missing'],
    [['destroy', 'news'], ', list, not "destroy"'],
    [['create', 'news', '--help-me'], "Unknown option '--help-me'"],
  ])(
    '%j is not understood: the reason and the usage, with exit code 2',
    async (args, reason) => {
      const { code, out, err } = await cli(args, { PATH: process.env['PATH'] });
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toContain(reason);
      expect(err).toContain('Usage: npm run keys -- COMMAND');
    },
    30_000,
  );

  test('says what is wrong, with exit code 2 for misuse and 1 for failure', async () => {
    const misused = await cli(['create', 'bad/name', '--max-bitrate-kbps', '5000']);
    expect(misused).toMatchObject({ code: 2, out: '' });
    expect(misused.err).toContain('channel must be a name');
    const failed = await cli(['rotate', 'absent']);
    expect(failed).toMatchObject({ code: 1, out: '' });
    expect(failed.err).toContain('there is no channel absent');
    const unset = await cli(['list'], { ...environment, TABLE_NAME: '', KEY_PEPPER_ARN: '' });
    expect(unset).toMatchObject({ code: 1, out: '' });
    expect(unset.err).toMatch(/^TABLE_NAME is not set; KEY_PEPPER_ARN is not set\n\nOn AWS, [^]*npm run local/);
  }, 30_000);

  test.each([
    ['AWS_REGION is not set', { AWS_REGION: '', AWS_CONFIG_FILE: '/dev/null' }],
    ['no table of the name in TABLE_NAME', { TABLE_NAME: 'another' }],
  ])(
    'explains what the AWS SDK says: %s',
    async (explanation, changed) => {
      const { code, err } = await cli(['list'], { ...environment, ...changed });
      expect(err).toContain(explanation);
      expect(code).toBe(1);
    },
    30_000,
  );

  test('names a secret that is not there', async () => {
    const another = `${environment['KEY_PEPPER_ARN'] ?? ''}-another`;
    const { err } = await cli(['create', 'peppered'], { ...environment, KEY_PEPPER_ARN: another });
    expect(err).toContain('no secret with the ARN in KEY_PEPPER_ARN');
  }, 30_000);
});

describe('parseCliArguments', () => {
  test('reads every policy option', () => {
    const args =
      'create news --when-busy reject --allow-cidr 192.0.2.1 --allow-cidr 2001:db8::/32 --play-key viewers --disabled ' +
      '--not-before 2027-01-31T18:00Z --not-after 2027-02-01T00:00Z --max-duration-seconds 60 --max-bitrate-kbps 900';
    expect(parseCliArguments(args.split(' '))).toHaveProperty('request', {
      command: 'create',
      channel: 'news',
      enabled: false,
      policy: {
        whenBusy: 'reject',
        allowedCidrs: ['192.0.2.1', '2001:db8::/32'],
        playKey: 'viewers',
        notBefore: 1801418400,
        notAfter: 1801440000,
        maxDurationSeconds: 60,
        maxBitrateKbps: 900,
      },
    });
  });

  test.each([
    [['create', 'news', '--speed', '3'], /speed/],
    [['create', 'news', 'sport'], /unexpected "sport"/],
    [['rotate', 'news', '--overlap-seconds', '1h'], /--overlap-seconds must be a whole number/],
    [['set', 'news', '--not-after', 'soon'], /--not-after must be a date/],
    [[], /a command is missing/],
  ])('refuses %j', (args, message) => {
    expect(() => parseCliArguments(args)).toThrow(message);
  });
});
