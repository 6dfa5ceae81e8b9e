import { expect, test } from '@jest/globals';
import {
  acknowledgement,
  PeerBandwidthLimit,
  setChunkSize,
  setPeerBandwidth,
  userControl,
  UserControlEvent,
  windowAckSize,
} from '../../../../service/protocol/message/control-messages';

test.each([
  ['Set Chunk Size', setChunkSize(60_000), '02 000000 000004 01 00000000 0000ea60'],
  ['Acknowledgement', acknowledgement(0xefffffff), '02 000000 000004 03 00000000 efffffff'],
  ['Window Acknowledgement Size', windowAckSize(5_000_000), '02 000000 000004 05 00000000 004c4b40'],
  [
    'Set Peer Bandwidth',
    setPeerBandwidth(5_000_000, PeerBandwidthLimit.Dynamic),
    '02 000000 000005 06 00000000 004c4b40 02',
  ],
  ['Stream Begin', userControl(UserControlEvent.StreamBegin, 1), '02 000000 000006 04 00000000 0000 00000001'],
  ['Ping Request', userControl(UserControlEvent.PingRequest, 0xffffffff), '02 000000 000006 04 00000000 0006 ffffffff'],
  [
    'a time past 32 bits',
    userControl(UserControlEvent.PingRequest, 0x100000005),
    '02 000000 000006 04 00000000 0006 00000005',
  ],
])('%s is on the wire as the specification says', (_, encoded, hex) => {
  expect(encoded.toString('hex')).toBe(hex.replaceAll(' ', ''));
});
