import { parseCommand, commandText } from '../../../service/operators/command-parser';
import { readReply } from '../../../service/operators/exchange/command-reply';
import { parseReadReply, parseReadRequest, readRequestText } from '../../../service/operators/read-request';
import { FREE_NAMES, PLAIN_NAMES, SPECIAL_NAMES } from '../../support/names';
import { must, type Target } from '../engine/target';

const MAX_ERROR_LENGTH = 1_500;

/** What is understood is understood in the same way when it is written again; what is not is named in one short line. */
export const target: Target = {
  name: 'commands',
  reads: 'messages of the command channel and of its replies',
  maxLength: 1_400,
  seeds: () =>
    [
      'kill-session>news',
      'close-stream>news|id|more',
      'BLOCK>news|604800\r\n',
      'unblock>a/b c',
      'drain>task-1:2.3_4',
      'list>',
      'read>0.3d7c-11|/streams?limit=100',
      '{"node":"a","order":"list>","command":"list","channel":"","acted":true,"detail":"d","streams":[{"channel":"x"}]}',
      '{"node":"a","order":"list>","nodes":["a","b"]}',
      '{"node":"a","read":"1","status":200,"contentType":"application/json","encoding":"gzip","body":"H4sI"}',
    ].map((text) => Buffer.from(text)),
  run(bytes) {
    const text = bytes.toString('utf8');
    for (const names of [PLAIN_NAMES, SPECIAL_NAMES, FREE_NAMES]) {
      const command = parseCommand(text, names);
      if ('error' in command) {
        must(command.error.length <= MAX_ERROR_LENGTH, 'a long error');
        must(!/[\r\n]/.test(command.error), 'an error of several lines');
        continue;
      }
      if ('channel' in command) must(names.isName(command.channel), 'a channel that cannot be one');
      const again = parseCommand(commandText(command), names);
      must(JSON.stringify(again) === JSON.stringify(command), 'written and read it is another command');
    }
    const request = parseReadRequest(text);
    if (request !== undefined) must(readRequestText(request) === text, 'written it is another request');
    const heard = readReply(text);
    if (heard !== undefined)
      must(
        heard.nodes.every((id) => typeof id === 'string'),
        'an id that is not text',
      );
    const read = parseReadReply(text);
    if (read !== undefined) must(typeof read.answer.status === 'number', 'a status that is not a number');
  },
};
