import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';
import { Moto, motoPython, sayThatMotoIsMissing } from './moto';

const stacks = ['Network', 'Secrets', 'CommandChannel', 'Callback', 'Outputs', 'Ingest', 'Observability'];

/** The lines of the READMEs' code blocks that call the CDK, by hand or by a script of package.json, each once. */
const documented = [
  ...new Set(
    ['README.md', 'infra/README.md']
      .flatMap((file) => [...readFileSync(join(repositoryRoot, file), 'utf8').matchAll(/```sh\n([\s\S]*?)```/g)])
      .flatMap(([, block = '']) => block.replaceAll('\\\n', ' ').split('\n'))
      .map((line) =>
        line
          .replace(/\s#.*$/, '')
          .replace(/\s+/g, ' ')
          .trim(),
      )
      .filter((line) => /^npx cdk |^npm run (synth|deploy)/.test(line)),
  ),
];

test('the READMEs show a bootstrap, deploys of dev and prod, and a destroy', () => {
  expect(documented).toEqual(
    expect.arrayContaining(['npx cdk bootstrap', 'npx cdk deploy --all', 'npx cdk destroy --all -c env=dev']),
  );
  expect(documented.filter((line) => line.includes('deploy --all -c env=prod')).length).toBeGreaterThan(1);
});

sayThatMotoIsMissing();

(motoPython === undefined ? describe.skip : describe)("the pinned command line against somebody else's AWS", () => {
  let moto: Moto;
  let folder: string;

  beforeAll(async () => {
    moto = await Moto.start();
    folder = mkdtempSync(join(tmpdir(), 'rtmp-cdk-'));
    // Images have a separate check: here, building and pushing them is simulated.
    writeFileSync(join(folder, 'docker'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  }, 300_000);

  afterAll(async () => {
    process.stdout.write(`moto does not know, and did not check:\n  ${moto.gaps.join('\n  ')}\n`);
    await moto.stop();
    rmSync(folder, { recursive: true });
  });

  /** Options -> the assembly that the app made of them when they were given first. */
  const assemblies = new Map<string, string>();

  /** The folder of the assembly of a line's options; made once for the same options. */
  function appOf(words: readonly string[]): string[] {
    const options = words.filter((word) => word.includes('=') && word !== 'env=dev').join(' ');
    const known = assemblies.get(options);
    if (known !== undefined) return ['--app', known];
    const output = join(folder, `out-${assemblies.size}`);
    assemblies.set(options, output);
    return ['--output', output];
  }

  /** Runs a line as it is documented, and returns what it printed. */
  function type(line: string, ...more: string[]): Promise<string> {
    const script = /^npm run (\w+)/.exec(line)?.[1];
    const words = script === undefined ? line.split(' ').slice(2) : scriptOf(script);
    const args = [join(repositoryRoot, 'node_modules/aws-cdk/bin/cdk'), ...words, ...appOf(words), ...more];
    const env = {
      PATH: process.env.PATH,
      HOME: folder,
      CDK_DOCKER: join(folder, 'docker'),
      CDK_DISABLE_VERSION_CHECK: '1',
      // CloudFormation's own rules take most of the time of a synthesis: once is enough here.
      ...(script === undefined && { CDK_VALIDATION: 'false' }),
      ...moto.environment,
    };
    return new Promise((resolve, reject) => {
      execFile(process.execPath, args, { cwd: repositoryRoot, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        const output = `${stdout}${stderr}`;
        if (error === null) resolve(output);
        else reject(new Error(`${line} failed:\n${output.slice(-4000)}`));
      });
    });
  }

  /** Stacks that the output names in lines of that form, in the order of the list above. */
  const named = (output: string, pattern: RegExp): string[] =>
    [...new Set([...output.matchAll(pattern)].map(([, name = '']) => name))].sort(
      (a, b) => stacks.indexOf(a.replace(/.*-/, '')) - stacks.indexOf(b.replace(/.*-/, '')),
    );
  const of = (prefix: string, line = ''): string[] =>
    stacks.filter((stack) => stack !== 'Outputs' || line.includes('outputs=true')).map((stack) => `${prefix}-${stack}`);
  const prefixOf = (line: string): string => {
    const [, environment = 'dev'] = /env=(\w+)/.exec(line) ?? [];
    return `Rtmp${environment.charAt(0).toUpperCase()}${environment.slice(1)}`;
  };
  const documentedAs = (verb: string): string[] => documented.filter((line) => line.startsWith(`npx cdk ${verb}`));
  const quietly = ['--require-approval', 'never', '--progress', 'events'];
  const deployed = /✅\s+(?:\u001b\[\d+m)?([A-Za-z]+-[A-Za-z]+)/g;

  test('synth and list: one environment, its six stacks', async () => {
    await type('npm run synth');
    expect((await type('npx cdk list')).trim().split('\n')).toEqual(expect.arrayContaining(of('RtmpDev')));
  }, 600_000);

  test('bootstrap', async () => {
    for (const line of documentedAs('bootstrap')) expect(await type(line)).toContain('bootstrapped');
  }, 600_000);

  test('a first deploy of prod that failed is repeated with the same command', async () => {
    const line = 'npx cdk deploy RtmpProd-Secrets -c env=prod';
    await type(line, ...quietly);
    await moto.setStackStatus('RtmpProd-Secrets', 'ROLLBACK_COMPLETE');
    expect(named(await type(line, ...quietly), deployed)).toEqual(['RtmpProd-Secrets']);
  }, 600_000);

  test.each([...documentedAs('deploy'), 'npx cdk deploy --all -c env=staging'])(
    '%s',
    async (line) => {
      const output = await type(line, ...quietly);
      expect(named(output, deployed)).toEqual(of(prefixOf(line), line));
      // Its last line: where to publish, and the command that creates the first key.
      expect(output).toMatch(
        /Observability\.Publish = rtmp:\/\/\S+\/news\/KEY - KEY comes from: aws lambda invoke --function-name \S+ .*"create"/,
      );
    },
    600_000,
  );

  test('a deployment becomes another one: a name and TLS come, TLS goes to the service, and all goes again', async () => {
    const secret = (name: string) => `arn:aws:secretsmanager:us-east-1:123456789012:secret:${name}-AbCdEf`;
    const name = '-c domainName=live.example.com';
    const certificate = '-c certificateArn=arn:aws:acm:us-east-1:123456789012:certificate/0b7e';
    const own = `-c tls=service -c tlsCertSecretArn=${secret('cert')} -c tlsKeySecretArn=${secret('key')}`;
    for (const options of [`${name} ${certificate}`, `${name} ${own}`, '']) {
      const output = await type(`npx cdk deploy --all ${options}`.trim(), ...quietly);
      expect(output).not.toContain('failed');
      expect(named(output, deployed)).toEqual(of('RtmpDev'));
    }
  }, 900_000);

  test('diff: of the same environment, and nothing is different after a deploy', async () => {
    const output = await type('npx cdk diff --all');
    expect(named(output, /^Stack (?:\u001b\[\d+m)?(Rtmp\w+-\w+)/gm)).toEqual(of('RtmpDev'));
    expect(output).toContain('Number of stacks with differences: 0');
  }, 600_000);

  test.each(documentedAs('destroy'))(
    '%s',
    async (line) => {
      const output = await type(line, '--force');
      expect(named(output, /(Rtmp\w+-\w+)(?:\u001b\[\d+m)?: destroyed/g)).toEqual(of('RtmpDev'));
    },
    600_000,
  );
});

/** The words of a script of package.json after `cdk`. */
function scriptOf(name: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return (scripts[name] ?? '').split(' ').slice(1);
}
