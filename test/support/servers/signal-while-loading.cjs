// For `node --require`: the process sends itself SIGNAL when the program's first lines have run and most of it is still
// being loaded. SIGNALLED says which processes do so: `parent`, or `worker`.
const { isWorker } = require('node:cluster');
const Module = require('node:module');

const { SIGNAL, SIGNALLED } = process.env;
const isMeant = SIGNALLED === (isWorker ? 'worker' : 'parent');
const load = Module._load;
let sent = false;
Module._load = function (request, ...more) {
  if (isMeant && !sent && request === 'node:net') {
    sent = true;
    process.kill(process.pid, SIGNAL);
  }
  return load.call(this, request, ...more);
};
