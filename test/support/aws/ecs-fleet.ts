import { setTimeout as sleep } from 'node:timers/promises';
import { startEcsApi, type EcsApiStandIn } from './ecs-api';
import { EcsService } from './ecs-service';
import { startEcsTaskEndpoint, type EcsTaskEndpoint } from './ecs-task-endpoint';
import { Fleet, type FleetOptions } from '../servers/fleet';
import { avc } from '../rtmp/media';
import { RtmpClient } from '../rtmp/rtmp-client';
import type { ServerEnvironment, ServerProcess } from '../servers/server-process';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION } from './stand-in-identity';

/** A node of the fleet that is an ECS task. */
export interface EcsNode {
  readonly task: ReturnType<EcsService['startTask']>;
  readonly server: ServerProcess;
  readonly endpoint: EcsTaskEndpoint;
  /** Whether the load balancer sends it new connections. */
  registered: boolean;
}

/** How long ECS waits, in a test's time. */
export interface StopWaits {
  /** The deregistration delay: between the last new connection and SIGTERM. */
  readonly deregistrationMs: number;
  /** Between SIGTERM and SIGKILL. */
  readonly stopMs: number;
}

/** The clients' address, so that they are not taken for another node. */
const CLIENT_ADDRESS = '127.0.0.9';
/** capsEx of a client that supports reconnect requests (Enhanced RTMP v2). */
const CAN_RECONNECT = 1;

/** A fleet whose nodes are tasks of one ECS service, which starts and stops them as ECS does. */
export class EcsFleet {
  readonly #nodes: EcsNode[] = [];

  private constructor(
    readonly fleet: Fleet,
    readonly service: EcsService,
    readonly api: EcsApiStandIn,
  ) {}

  static async start(options: FleetOptions & { readonly desiredCount: number }): Promise<EcsFleet> {
    const service = new EcsService({
      ...{ region: STAND_IN_REGION, account: '123456789012', cluster: 'fleet', service: 'rtmp', family: 'node' },
      desiredCount: options.desiredCount,
    });
    const api = await startEcsApi(service);
    return new EcsFleet(await Fleet.start({ ...options, nodes: 0 }), service, api);
  }

  /** Starts a task of the newest revision. */
  async startTask(environment: ServerEnvironment = {}): Promise<EcsNode> {
    const task = this.service.startTask();
    const endpoint = await startEcsTaskEndpoint({
      ...{ service: this.service, task, address: '127.0.0.1', containerName: 'rtmp', roleArn: 'arn:aws:iam::1:role/r' },
      credentials: { ...STAND_IN_CREDENTIALS, sessionToken: 'token' },
    });
    const { fleet } = this;
    const server = await fleet.newNode(fleet.nodes.length, {
      ...endpoint.environment,
      AWS_ENDPOINT_URL_ECS: this.api.endpoint,
      FLEET_TASK_PROTECTION: 'YES',
      ECS_POLL_SECONDS: '1',
      ...environment,
    });
    fleet.nodes.push(server);
    const node = { task, server, endpoint, registered: true };
    this.#nodes.push(node);
    return node;
  }

  /**
   * Stops a task as ECS does: no new connections through the load balancer, the deregistration delay, SIGTERM, the stop
   * time-out, SIGKILL. Resolves to the step at which the node ended, and its exit code.
   */
  async stopTask(
    node: EcsNode,
    waits: StopWaits,
  ): Promise<{ after: 'nothing' | 'SIGTERM' | 'SIGKILL'; code: number | null }> {
    const { task, server } = node;
    node.registered = false;
    task.desiredStatus = 'STOPPED';
    task.lastStatus = 'DEACTIVATING';
    const ended = server.exited.then(({ code }) => code);
    const within = (ms: number) => Promise.race([ended, sleep(ms, 'late' as const, { ref: false })]);
    let code = await within(waits.deregistrationMs);
    let after: 'nothing' | 'SIGTERM' | 'SIGKILL' = 'nothing';
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (code !== 'late') break;
      task.lastStatus = 'STOPPING';
      server.program.signal(signal);
      after = signal;
      code = await within(waits.stopMs);
    }
    task.lastStatus = 'STOPPED';
    return { after, code: code === 'late' ? null : code };
  }

  /** A publisher of a node; with `moves`, it reconnects through the load balancer when it is asked to. */
  async publisher(node: EcsNode, channel: string, { moves = false } = {}): Promise<MovingPublisher> {
    const open = (to: EcsNode): Promise<RtmpClient> => {
      const extra = moves ? { capsEx: CAN_RECONNECT } : {};
      const at = { port: to.server.rtmpPort, localAddress: CLIENT_ADDRESS };
      return RtmpClient.publisher({ ...at, channel, key: 'key', extra });
    };
    return new MovingPublisher(await open(node), () => open(this.#choose()));
  }

  player(node: EcsNode, channel: string): Promise<RtmpClient> {
    return RtmpClient.player({ port: node.server.rtmpPort, localAddress: CLIENT_ADDRESS, channel, key: 'key' });
  }

  /** A connection that sends nothing yet, to a node that the load balancer may still choose. */
  connect(node: EcsNode): Promise<RtmpClient> {
    return RtmpClient.open({ port: node.server.rtmpPort, localAddress: CLIENT_ADDRESS, handshake: 'none' });
  }

  /** The load balancer's choice: any task that is registered, superseded ones too. */
  #choose(): EcsNode {
    const registered = this.#nodes.filter((node) => node.registered);
    const node = registered[Math.floor(Math.random() * registered.length)];
    if (node === undefined) throw new Error('the load balancer has no target');
    return node;
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await Promise.all([this.api.stop(), ...this.#nodes.map(({ endpoint }) => endpoint.stop())]);
  }
}

/** Pictures of a publisher, all of them keyframes, come this often (ms). */
const FRAME_MS = 40;

/** Follows every reconnect request without a gap: the new connection publishes before the old one ends. */
export class MovingPublisher {
  #frames = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(
    public client: RtmpClient,
    private readonly reopen: () => Promise<RtmpClient>,
  ) {
    this.#begin();
    this.#timer = setInterval(() => this.#sendFrame(), FRAME_MS).unref();
    // Ends with the last connection.
    this.#follow().catch(() => undefined);
  }

  /** A picture that is sent soon, but not before a viewer that has just come may have the stream on a busy machine. */
  nextFrame(): Buffer {
    return avc.keyframe(`frame ${this.#frames + 25}`);
  }

  end(): void {
    clearInterval(this.#timer);
    this.client.deleteStream();
    this.client.connection.socket.end();
  }

  #begin(): void {
    this.client.sendVideo(this.#frames * FRAME_MS, avc.sequenceHeader());
  }

  #sendFrame(): void {
    const { socket } = this.client.connection;
    if (!socket.writable) {
      clearInterval(this.#timer);
      return;
    }
    this.#frames += 1;
    this.client.sendVideo(this.#frames * FRAME_MS, avc.keyframe(`frame ${this.#frames}`));
  }

  async #follow(): Promise<void> {
    for (;;) {
      const former = this.client;
      await former.waitForStatus('NetConnection.Connect.ReconnectRequest', 120_000);
      this.client = await this.reopen();
      this.#begin();
      former.connection.socket.end();
    }
  }
}
