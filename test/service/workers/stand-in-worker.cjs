// Speaks to its parent process as a worker does. The argument says how it behaves.
const [, , behaviour] = process.argv;
const readiness = {
  'is not ready': { ready: false, reason: 'a reason' },
  'is starting': { ready: false, reason: 'starting' },
};
const tell = (message) => process.send(message);

process.on('message', ({ kind, id }) => {
  if (behaviour === 'hangs') return;
  if (kind === 'stop') process.exit(0);
  if (kind === 'question') tell({ kind: 'report', id, answer: readiness[behaviour] ?? { ready: true } });
});
if (behaviour === 'fails') tell({ kind: 'failed', reason: 'there is a reason' });
else if (behaviour !== 'never listens') tell({ kind: 'listening', ports: { rtmp: 1935 } });
