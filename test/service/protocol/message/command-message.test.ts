import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asObject, asString, decodeCommand } from '../../../../service/protocol/message/command-message';
import { MessageType } from '../../../../service/protocol/message-types';
import { amfEncode, ecma } from '../../../support/rtmp/amf-test-codec';
import { command, commandAmf3 } from '../../../support/rtmp/wire-builder';

const { CommandAmf0, CommandAmf3 } = MessageType;

describe('commands', () => {
  test('name, transaction id, object and arguments', () => {
    const { payload } = command('publish', 5, [null, 'key?token=1', 'live']);
    expect(decodeCommand(CommandAmf0, payload)).toEqual({
      name: 'publish',
      transactionId: 5,
      object: null,
      args: ['key?token=1', 'live'],
    });
  });

  test('AMF3 commands begin with a zero byte, which some leave out', () => {
    const expected = { name: 'createStream', transactionId: 2, object: null, args: [] };
    expect(decodeCommand(CommandAmf3, commandAmf3('createStream', 2, [null]).payload)).toEqual(expected);
    expect(decodeCommand(CommandAmf3, command('createStream', 2, [null]).payload)).toEqual(expected);
  });

  test.each([
    ['an object', { app: 'live' }],
    ['an ECMA array', ecma({ app: 'live' }, 0)],
  ])('the properties of connect as %s', (_, properties) => {
    const decoded = decodeCommand(CommandAmf0, command('connect', 1, [properties]).payload);
    expect(asString(asObject(decoded?.object)?.get('app'))).toBe('live');
  });

  test('what is missing is as if it were empty', () => {
    expect(decodeCommand(CommandAmf0, amfEncode('FCUnpublish'))).toEqual({
      name: 'FCUnpublish',
      transactionId: 0,
      object: undefined,
      args: [],
    });
    expect(decodeCommand(CommandAmf0, amfEncode('deleteStream', 'no number', null, 1))?.transactionId).toBe(0);
  });

  test('bytes that are no AMF after the arguments do no harm', () => {
    const payload = Buffer.concat([command('publish', 5, [null, 'key']).payload, Buffer.from('ffee', 'hex')]);
    expect(decodeCommand(CommandAmf0, payload)).toMatchObject({ name: 'publish', args: ['key'] });
  });

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a number for a name', amfEncode(1, 2)],
    ['a name cut short', Buffer.of(2, 0, 9, 0x70)],
    ['no AMF', Buffer.of(0xff)],
  ])('%s is no command', (_, payload) => {
    expect(decodeCommand(CommandAmf0, payload)).toBeUndefined();
  });

  test('random bytes raise no error', () => {
    fc.assert(
      fc.property(fc.constantFrom(CommandAmf0, CommandAmf3), fc.uint8Array({ maxLength: 80 }), (type, bytes) => {
        expect(['string', 'undefined']).toContain(typeof decodeCommand(type, Buffer.from(bytes))?.name);
      }),
    );
  });

  test('asObject and asString take nothing for what it is not', () => {
    expect(asObject('text')).toBeUndefined();
    expect(asObject(null)).toBeUndefined();
    expect(asString(5)).toBeUndefined();
    expect(asString(undefined)).toBeUndefined();
  });
});
