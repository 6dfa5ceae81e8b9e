/** An option as node:util's parseArgs takes it, and what the usage says of it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** The value may begin with a dash. */
  readonly takesDash?: boolean;
  /** What stands for the value in the usage. */
  readonly value?: string;
  readonly says: string;
}

export interface CommandSpec {
  /** Names of the arguments, all of them required. */
  readonly args: readonly string[];
  readonly says: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Works on the fleet: takes --node, --redis and --aws. */
  readonly needsFleet: boolean;
  readonly examples: readonly string[];
}

const watch: OptionSpec = { type: 'boolean', short: 'w', says: 'show it again every two seconds, until Ctrl-C' };

export const COMMANDS = {
  streams: {
    args: [],
    says: 'all live streams',
    needsFleet: true,
    options: {
      watch,
      filter: { type: 'string', short: 'f', value: 'TEXT', says: 'a part of channel, stream id, address or encoder' },
      on: { type: 'string', value: 'NODE', says: 'only streams of this node' },
      health: { type: 'string', value: 'STATE', says: 'only streams that are good, ok, bad or noData' },
      sort: {
        type: 'string',
        takesDash: true,
        value: 'FIELD',
        says: 'channel, since, node, bitrate, players or health; -FIELD: downwards',
      },
      limit: { type: 'string', value: 'N', says: 'at most so many (default 1000)' },
    },
    examples: ['streams --watch --sort -bitrate', 'streams --health bad --json'],
  },
  stream: {
    args: ['CHANNEL'],
    says: 'one stream: figures, health in words, last events',
    needsFleet: true,
    options: { watch },
    examples: ['stream news'],
  },
  explain: {
    args: ['CHANNEL'],
    says: 'who has the channel and where, why it was refused last, what to do',
    needsFleet: true,
    options: {},
    examples: ['explain news'],
  },
  nodes: {
    args: [],
    says: 'the nodes: load, version, streams, draining, protected',
    needsFleet: true,
    options: { watch },
    examples: ['nodes'],
  },
  end: {
    args: ['CHANNEL'],
    says: 'disconnect the publisher',
    needsFleet: true,
    options: {},
    examples: ['end news'],
  },
  close: {
    args: ['CHANNEL', 'STREAM_ID'],
    says: 'disconnect the publisher only if its stream has this id',
    needsFleet: true,
    options: {},
    examples: ['close news 2f1c'],
  },
  block: {
    args: ['CHANNEL'],
    says: 'disconnect the publisher and keep publishers out for a time',
    needsFleet: true,
    options: { for: { type: 'string', value: 'TIME', says: '90s, 15m, 2h, 1d; a week at most (default 1h)' } },
    examples: ['block news --for 2h'],
  },
  unblock: {
    args: ['CHANNEL'],
    says: 'let publishers in again',
    needsFleet: true,
    options: {},
    examples: ['unblock news'],
  },
  drain: {
    args: ['NODE'],
    says: 'take no new clients on a node, and end it after its last stream or its time to drain',
    needsFleet: true,
    options: {
      wait: { type: 'boolean', says: 'until the node has left' },
      timeout: { type: 'string', value: 'TIME', says: 'longest wait, such as 30m (default 1h)' },
    },
    examples: ['drain ip-10-0-1-7 --wait'],
  },
  outputs: {
    args: ['CHANNEL'],
    says: 'where else a stream goes: forwards, recordings, HLS',
    needsFleet: true,
    options: { watch },
    examples: ['outputs news', 'outputs news --watch'],
  },
  forward: {
    args: ['CHANNEL', 'URL'],
    says: 'forward a live stream to rtmp://HOST/APP/KEY, until it ends; - reads the address from standard input',
    needsFleet: true,
    options: {},
    examples: ['forward news rtmp://live.example.com/app/KEY', 'echo "$URL" | npm run -s fleet -- forward news -'],
  },
  record: {
    args: ['CHANNEL', 'start|stop'],
    says: 'start or stop recording a live stream',
    needsFleet: true,
    options: { format: { type: 'string', value: 'FORMAT', says: 'flv, mp4 or flv,mp4 (default: RECORD_FORMAT)' } },
    examples: ['record news start --format mp4', 'record news stop'],
  },
  'remove-output': {
    args: ['CHANNEL', 'OUTPUT'],
    says: 'end one output of a live stream, by its id of outputs CHANNEL',
    needsFleet: true,
    options: {},
    examples: ['remove-output news record-flv'],
  },
  events: {
    args: [],
    says: 'what has happened lately: publishers asked for, accepted, refused; health, ends, nodes',
    needsFleet: true,
    options: {
      follow: { type: 'boolean', says: 'continue with new ones, until Ctrl-C' },
      channel: { type: 'string', short: 'c', value: 'CHANNEL', says: 'only those of this channel' },
    },
    examples: ['events --follow', 'events --channel news --json'],
  },
  console: {
    args: [],
    says: 'the console in your browser, served on this machine',
    needsFleet: true,
    options: { port: { type: 'string', short: 'p', value: 'N', says: 'port on 127.0.0.1 (default: any free one)' } },
    examples: ['console --aws RtmpProd', 'console --node https://live.example.com:8080'],
  },
  doctor: {
    args: [],
    says: 'check the settings, ports, Redis, callback, certificate and a test stream of this machine',
    needsFleet: false,
    options: {
      rtmp: { type: 'string', value: 'URL', says: 'the address that clients use: rtmp://HOST[:PORT] or rtmps://…' },
      channel: { type: 'string', short: 'c', value: 'CHANNEL', says: 'publish the test stream there' },
      'key-stdin': { type: 'boolean', says: 'read its stream key, and a play key behind it, from standard input' },
    },
    examples: [
      'doctor',
      'echo "$KEY" | npm run -s fleet -- doctor --channel test --key-stdin --rtmp rtmp://live.example.com',
    ],
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

export type CommandName = keyof typeof COMMANDS;

/** Where the fleet is reached. */
export const SOURCE_OPTIONS = {
  node: {
    type: 'string',
    short: 'n',
    value: 'URL',
    says: 'a node: http://HOST:HTTP_PORT, with the token in OPERATOR_TOKEN',
  },
  redis: { type: 'boolean', says: 'the Redis of the REDIS_* settings' },
  aws: { type: 'string', value: 'STACK', says: 'the deployment, such as RtmpProd, with your AWS credentials' },
} as const satisfies Readonly<Record<string, OptionSpec>>;

export const COMMON_OPTIONS = {
  json: { type: 'boolean', says: 'print JSON' },
  'no-color': { type: 'boolean', says: 'no colours (also NO_COLOR=1)' },
  help: { type: 'boolean', short: 'h', says: 'print this' },
} as const satisfies Readonly<Record<string, OptionSpec>>;
