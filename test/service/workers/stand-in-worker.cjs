// Speaks to its parent process as a worker does. The argument says how it behaves.
const [, , behaviour] = process.argv;
const tell = (message) => process.send(message);

process.on('message', ({ kind, id }) => {
  if (behaviour === 'hangs') return;
  if (kind === 'stop') process.exit(0);
  if (kind === 'question') tell({ kind: 'report', id, answer: { ready: behaviour !== 'is not ready' } });
});
if (behaviour === 'fails') tell({ kind: 'failed', reason: 'there is a reason' });
else if (behaviour !== 'never listens') tell({ kind: 'listening', ports: { rtmp: 1935 } });
