import { encodeAmf0 } from '../../../service/protocol/amf/amf0-encode';
import { MessageType } from '../../../service/protocol/message-types';
import { decodeCommand } from '../../../service/protocol/message/command-message';
import { readDataMessage } from '../../../service/protocol/message/data-message';
import { amfEncode, ecma } from '../../support/rtmp/amf-test-codec';
import { must, type Target } from '../engine/target';

/** An AMF3 message begins with a byte that AMF0 has not. */
const DATA = [MessageType.DataAmf0, MessageType.DataAmf3];
const COMMANDS = [MessageType.CommandAmf0, MessageType.CommandAmf3];
/** What references may repeat, and every value in the longer of its two forms. */
const MAX_GROWN_BYTES = 1024 * 1024 + 64 * 4096;
const SET_DATA_FRAME = encodeAmf0(['@setDataFrame']);

/** What players get says the same as what was sent, and is hardly longer. */
export const target: Target = {
  name: 'messages',
  reads: 'commands and data messages, in AMF0 and AMF3',
  maxLength: 512,
  steps: { base: 150_000, perByte: 2_000 },
  seeds: () => [
    amfEncode('connect', 1, { app: 'live', tcUrl: 'rtmp://h/live', fourCcList: ['hvc1'], capsEx: 7 }),
    amfEncode('publish', 5, null, 'key', 'live'),
    amfEncode('@setDataFrame', 'onMetaData', ecma({ width: 1280, videocodecid: 7, encoder: 'obs' })),
    Buffer.concat([Buffer.of(0), amfEncode('onMetaData'), Buffer.from('110a0b0103610401016', 'hex')]),
    amfEncode('onTextData', { text: 'hello' }),
    amfEncode('@clearDataFrame', 'onMetaData'),
  ],
  run(payload) {
    for (const type of COMMANDS) {
      const command = decodeCommand(type, payload);
      if (command === undefined) continue;
      must(typeof command.name === 'string' && typeof command.transactionId === 'number', 'a command without a name');
    }
    for (const type of DATA) {
      const message = readDataMessage(type, payload);
      if (message === undefined) continue;
      must(message.payload.length <= 3 * payload.length + MAX_GROWN_BYTES, 'players get much more than was sent');
      must(message.name !== '@setDataFrame' || payload.includes(SET_DATA_FRAME), 'the wrapper is passed on');
      const again = readDataMessage(MessageType.DataAmf0, message.payload);
      // Whoever gets it from a player's node reads the same handler.
      if (message.name === '@setDataFrame' || again === undefined) continue;
      must(again.name === message.name, 'players get another message');
      must(again.payload.equals(message.payload), 'a second node passes on another message');
    }
  },
};
