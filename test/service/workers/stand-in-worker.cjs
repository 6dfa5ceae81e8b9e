// Speaks to its parent process as a worker does. The argument says how it behaves.
const { worker } = require('node:cluster');

const [, , behaviour] = process.argv;
const readiness = {
  'is not ready': { ready: false, reason: 'a reason' },
  'is starting': { ready: false, reason: 'starting' },
};
const tell = (message) => process.send(message);
const listen = () => tell({ kind: 'listening', ports: { rtmp: 1935 } });

/** Its start is out when the worker ends: `unknown` gets a stop with the publish as its `jti`. */
const candidate = () => ({
  publish: `jti-${process.pid}`,
  node: `worker-${worker.id}`,
  startJti: 'start',
  about: '{}',
  keyHash: '',
  group: '',
});

/** What a worker asks before a publisher is decided on; it listens when it has been answered. */
const requests = [
  ['join', '127.0.0.1', 1],
  ['apply', `channel-${process.pid}`, { kind: 'come', candidate: candidate(), now: Date.now() }],
];
const askNext = () => {
  const [method, ...args] = requests.shift() ?? [];
  if (method === undefined) listen();
  else tell({ kind: 'request', id: requests.length, method, args });
};

process.on('message', ({ kind, id }) => {
  if (behaviour === 'hangs') return;
  if (kind === 'stop') process.exit(0);
  if (kind === 'answer') askNext();
  if (kind === 'question') tell({ kind: 'report', id, answer: readiness[behaviour] ?? { ready: true } });
});
if (behaviour === 'fails') tell({ kind: 'failed', reason: 'there is a reason' });
else if (behaviour === 'leaves a stop') askNext();
else if (behaviour !== 'never listens') listen();
