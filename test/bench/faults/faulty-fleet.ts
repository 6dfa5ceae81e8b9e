import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { execFileSync } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { STAND_IN_ENVIRONMENT } from '../../support/aws/stand-in-identity';
import { type SecretsManagerStandIn, startSecretsManager } from '../../support/aws/secrets-manager';
import { SwitchedProxy } from '../../fleet/switched-proxy';
import type { FaultyHandler } from '../../fleet/observed-handler';
import { ANSWER_MS, GRACE_MS } from '../../fleet/observed-history';
import { type CallbackRequest, type CallbackServer, startCallbackServer } from '../../support/servers/callback-server';
import { RedisServer } from '../../support/servers/redis-server';
import { createTestCa, type TestCa } from '../../support/servers/test-ca';
import { RunningProgram } from '../../support/programs/running-program';
import { FaultNetwork } from './network';
import { S3StandIn } from './s3-stand-in';

export const RTMP_PORT = 1935;
export const RTMPS_PORT = 1936;
const HTTP_PORT = 8080;
const HUB = FaultNetwork.address('hub');
const REDIS = FaultNetwork.address('redis');
const DISK_MB = 64;
const START_MS = 30_000;

/** The library that changes a running program's clock, where Debian's package libfaketime is installed. */
export const clockLibrary = (): string | undefined =>
  ['x86_64-linux-gnu', 'aarch64-linux-gnu']
    .map((machine) => `/usr/lib/${machine}/faketime/libfaketime.so.1`)
    .find((path) => existsSync(path));

/** Nodes in their namespaces, and all that they depend on, each behind a switch. */
export class FaultyFleet {
  readonly programs: RunningProgram[] = [];
  /** Redis as nodes see it. */
  redisSwitch!: SwitchedProxy;
  handlerSwitch!: SwitchedProxy;
  secretsSwitch!: SwitchedProxy;
  targetSwitch!: SwitchedProxy;
  redis!: RedisServer;
  /** A replica of `redis`. */
  replica!: RedisServer;
  handlerServer!: CallbackServer;
  secrets!: SecretsManagerStandIn;
  store!: S3StandIn;
  network!: FaultNetwork;
  /** What the handler verifies tokens with. */
  secret = 'the first secret of the faults, long enough';
  refusedTokens = 0;
  readonly directory = mkdtempSync(join(tmpdir(), 'rtmp-faults-'));
  #secretArn = '';
  #target: RunningProgram | undefined;
  readonly #clocks: string[] = [];
  readonly #certificates = [createTestCa(), createTestCa()];

  private constructor(
    readonly nodes: number,
    private readonly bundle: string,
  ) {}

  static async start(nodes: number, bundle: string, handler: FaultyHandler): Promise<FaultyFleet> {
    const fleet = new FaultyFleet(nodes, resolve(bundle));
    fleet.network = await FaultNetwork.start(nodes);
    fleet.redis = await RedisServer.start();
    fleet.replica = await RedisServer.start();
    await fleet.replicate();
    fleet.redisSwitch = await SwitchedProxy.start(fleet.redis.port, REDIS);
    fleet.handlerServer = await startCallbackServer();
    fleet.handlerServer.answerWith((request) => (fleet.#isSigned(request) ? handler.answer(request) : { status: 401 }));
    fleet.handlerSwitch = await SwitchedProxy.start(Number(fleet.handlerServer.url.port), HUB);
    fleet.secrets = await startSecretsManager();
    fleet.#secretArn = fleet.secrets.createSecret('jwt', fleet.secret);
    fleet.secretsSwitch = await SwitchedProxy.start(Number(new URL(fleet.secrets.endpoint).port), HUB);
    fleet.store = await S3StandIn.start(HUB);
    await fleet.startTarget();
    fleet.targetSwitch = await SwitchedProxy.start(fleet.targetPort, HUB);
    fleet.useNextCertificate();
    for (let at = 0; at < nodes; at++) {
      fleet.#clocks.push(join(fleet.directory, `clock-${at}`));
      writeFileSync(fleet.#clocks[at]!, '+0\n');
      for (const disk of [fleet.recordings(at), fleet.logs(at)]) {
        mkdirSync(disk);
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'none', disk]);
      }
    }
    await Promise.all(Array.from({ length: nodes }, (_, at) => fleet.startNode(at)));
    return fleet;
  }

  recordings(node: number): string {
    return join(this.directory, `recordings-${node}`);
  }

  logs(node: number): string {
    return join(this.directory, `logs-${node}`);
  }

  program(node: number): RunningProgram {
    return this.programs[node]!;
  }

  /** Of the server that streams are forwarded to. */
  readonly targetPort = RTMP_PORT;

  /** Where streams are forwarded to. */
  get target(): string {
    return `rtmp://${HUB}:${this.targetSwitch.port}`;
  }

  /** Resolves when the node takes streams. */
  async startNode(at: number): Promise<void> {
    const [env, library] = [this.#environment(at), clockLibrary()];
    const clock =
      library === undefined
        ? []
        : [
            `LD_PRELOAD=${library}`,
            ...[`FAKETIME_TIMESTAMP_FILE=${this.#clocks[at]}`, 'FAKETIME_DONT_FAKE_MONOTONIC=1'],
            'FAKETIME_CACHE_DURATION=1',
          ];
    const within = FaultNetwork.within(at);
    // The log goes to a file on a disk that can be full.
    const script = `exec env "$@" >>${join(this.logs(at), 'log')} 2>&1`;
    const args = [...within.slice(1), 'sh', '-c', script, 'sh', ...clock, process.execPath, this.bundle];
    this.programs[at] = new RunningProgram(within[0]!, args, { env, cwd: this.directory });
    const deadline = Date.now() + START_MS;
    while (!(await this.isReady(at))) {
      if (Date.now() > deadline) throw new Error(`node ${at} is not ready after ${START_MS} ms`);
      await sleep(100);
    }
  }

  async stopNode(at: number, signal: NodeJS.Signals): Promise<void> {
    const program = this.program(at);
    if (program.isRunning) process.kill(program.pid, signal);
    await program.exited;
  }

  async isReady(at: number): Promise<boolean> {
    try {
      const url = `http://${FaultNetwork.front(at)}:${HTTP_PORT}/readyz`;
      return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
    } catch {
      return false;
    }
  }

  /** The replica takes over, and the former Redis becomes its replica. */
  async failOver(): Promise<void> {
    const [from, to] = [this.redis, this.replica];
    this.redisSwitch.switchTo(undefined);
    await to.withClient((client) => client.call('REPLICAOF', 'NO', 'ONE'));
    this.redisSwitch.switchTo(to.port);
    [this.redis, this.replica] = [to, from];
    await this.replicate();
  }

  /** The replica follows what is now Redis. */
  replicate(): Promise<unknown> {
    const { port } = this.redis;
    return this.replica.withClient((client) => client.call('REPLICAOF', '127.0.0.1', String(port)));
  }

  async startTarget(): Promise<void> {
    const env = {
      PATH: process.env['PATH'],
      BIND_ADDRESS: '127.0.0.1',
      RTMP_PORT: String(this.targetPort),
      CONCURRENT_LIMIT_WHITELIST: '*',
    };
    this.#target = new RunningProgram(process.execPath, [this.bundle], { env, cwd: this.directory });
    await this.#target.waitForOutput(/RTMP listening/);
  }

  async stopTarget(): Promise<void> {
    this.#target?.child.kill('SIGKILL');
    await this.#target?.exited;
  }

  async changeSecret(secret: string): Promise<void> {
    await this.secrets.client.send(new PutSecretValueCommand({ SecretId: this.#secretArn, SecretString: secret }));
    this.secret = secret;
  }

  /** Another one than the last time. */
  useNextCertificate(): void {
    this.#certificates.push(this.#certificates.shift()!);
    this.writeCertificate(this.#certificates[0]!);
  }

  writeCertificate({ cert, key }: Pick<TestCa, 'cert' | 'key'>): void {
    writeFileSync(join(this.directory, 'cert.pem'), cert);
    writeFileSync(join(this.directory, 'key.pem'), key);
  }

  /** @param seconds how far it is from the real one */
  setClock(at: number, seconds: number): void {
    writeFileSync(this.#clocks[at]!, `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.programs.map((_, at) => this.stopNode(at, 'SIGKILL')));
    await this.stopTarget();
    await Promise.all(
      [this.redisSwitch, this.handlerSwitch, this.secretsSwitch, this.targetSwitch].map((one) => one.close()),
    );
    await this.handlerServer.stop();
    await Promise.all([this.secrets.stop(), this.store.stop(), this.redis.remove(), this.replica.remove()]);
    this.network.stop();
    for (const certificate of this.#certificates) certificate.remove();
    for (const name of readdirSync(this.directory))
      if (/^(recordings|logs)-/.test(name)) execFileSync('umount', ['-l', join(this.directory, name)]);
    rmSync(this.directory, { recursive: true, force: true });
  }

  #environment(at: number): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      ...{ RTMP_PORT: String(RTMP_PORT), SSL_PORT: String(RTMPS_PORT), CONCURRENT_LIMIT_WHITELIST: '*' },
      ...{ SSL_CERT: join(this.directory, 'cert.pem'), SSL_KEY: join(this.directory, 'key.pem') },
      ...{ SSL_CHECK_RELOAD_SECONDS: '1', HTTP_PORT: String(HTTP_PORT), HTTP_BIND_ADDRESS: '0.0.0.0' },
      ...{ REDIS_USE: 'YES', REDIS_HOST: REDIS, REDIS_PORT: String(this.redisSwitch.port) },
      ...{ FLEET: 'YES', FLEET_NODE_ID: `n${at}`, FLEET_NODE_TTL_SECONDS: '3' },
      ...{ FLEET_ADVERTISE_HOST: FaultNetwork.address(at), DRAIN_SECONDS: '2', PUBLISHER_TAKEOVER: 'YES' },
      ...{ RECONNECT_GRACE_SECONDS: String(GRACE_MS / 1000), CALLBACK_TIMEOUT_SECONDS: String(ANSWER_MS / 1000) },
      CALLBACK_URL: `http://${HUB}:${this.handlerSwitch.port}/`,
      ...{ JWT_SECRET_ARN: this.#secretArn, JWT_SECRET_REFRESH_SECONDS: '5' },
      ...STAND_IN_ENVIRONMENT,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://${HUB}:${this.secretsSwitch.port}`,
      AWS_ENDPOINT_URL_S3: this.store.endpoint,
      ...{ FORWARD_ALLOW: '10.77.0.0/16', OUTPUTS: 'YES', RECORD_STREAMS: 'asked' },
      // The last node records to S3.
      RECORD_TO: at === this.nodes - 1 ? 's3://bucket/recordings' : this.recordings(at),
      RECORD_SPOOL_DIR: join(this.recordings(at), 'spool'),
      RECORD_SPOOL_MB: '16',
    };
  }

  #isSigned({ headers }: CallbackRequest): boolean {
    const [header, payload, signature = ''] = String(headers['rtmp-event']).split('.');
    const expected = createHmac('sha256', this.secret).update(`${header}.${payload}`).digest();
    const given = Buffer.from(signature, 'base64url');
    const isGood = given.length === expected.length && timingSafeEqual(given, expected);
    if (!isGood) this.refusedTokens += 1;
    return isGood;
  }
}
