/**
 * The floors of the code, ground floor first. A folder may import from folders on lower floors, never from its own
 * floor or from a higher one. Files of one folder may import each other, but not in a circle. Programs in plain
 * JavaScript (`.mjs`), which run before anything is installed or compiled, are exempt.
 */
export const FLOORS: readonly (readonly string[])[] = [
  // Folders that know nothing of this program.
  [
    'service/collections',
    'service/errors',
    'service/time',
    'service/addresses',
    'service/publishing',
    'service/outputs/policy',
    'service/protocol',
    'service/protocol/media',
  ],
  ['service/http/api/schemas'],
  [
    'service/logging',
    'service/outputs/stream',
    'service/events',
    'service/console/data',
    'service/protocol/amf',
    'service/protocol/chunk',
    'service/protocol/handshake',
  ],
  [
    'service/metrics',
    'service/config',
    'service/outputs/link',
    'service/tracing',
    'service/console/pictures',
    'service/outputs/fmp4',
    'service/outputs/s3',
    'service/protocol/message',
    'service/protocol/flv',
  ],
  // Streams, and the external services that they do not need.
  [
    'service/hub',
    'service/aws',
    'service/redis',
    'service/net/gate',
    'service/round-trip',
    'service/console/parts',
    'service/outputs/forward',
    'service/outputs/hls',
  ],
  [
    'service/session/rtmp-commands',
    'service/operators',
    'service/auth',
    'service/events/outlets',
    'service/outputs/record',
    'service/outputs/host',
    'service/health',
    'service/net/tls',
    'service/net/batching',
    'service/console/pages',
  ],
  // Clients' sessions, and who may publish.
  [
    'service/session',
    'service/leases',
    'service/leases/redis/scripts',
    'service/console',
    'service/operators/exchange',
  ],
  ['service/admission', 'service/leases/redis', 'service/net/sockets'],
  ['service/net/proxy', 'service/relay'],
  ['service/net', 'service/http/api', 'service/http/flv', 'service/outputs/follow'],
  ['service/http', 'service/fleet', 'service/net/self-test'],
  // The program.
  ['service/node'],
  ['service/workers', 'service/cli/doctor', 'service/cli/terminal'],
  // The program of operators, and the server's.
  ['service/cli/command-line'],
  ['service/cli/sources'],
  ['service/cli/local-console'],
  ['service/cli/commands'],
  ['service/cli', 'service', 'service/outputs'],
  // The functions share pure parts of the service; see LENT_TO_FUNCTIONS.
  ['lambdas/shared'],
  ['lambdas/operator', 'lambdas/rotate-cache-password', 'lambdas/rotate-secret', 'lambdas/stream-callback'],
  ['lambdas/stream-keys'],
  ['lambdas/canary'],
  // The deployment.
  ['infra/config', 'infra/shared'],
  ['infra/network', 'infra/cache', 'infra/callback', 'infra/ingest', 'infra/outputs', 'infra/watching'],
  ['infra'],
];

/** All that the functions may import of the service: it needs no settings, network or log of a node. */
export const LENT_TO_FUNCTIONS = [
  /^service\/protocol\//,
  /^service\/errors\//,
  /^service\/round-trip\//,
  /^service\/time\/within\.ts$/,
  /^service\/operators\/(?:command-parser|read-request)\.ts$/,
  /^service\/operators\/exchange\//,
  /^service\/aws\/secret-text\.ts$/,
  /^service\/outputs\/policy\//,
];
