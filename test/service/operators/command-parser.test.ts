import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { commandText, parseCommand as parse } from '../../../service/operators/command-parser';
import { FREE_NAMES, PLAIN_NAMES, SPECIAL_NAMES } from '../../support/names';

const parseCommand = (text: string) => parse(text, PLAIN_NAMES);

describe('a command', () => {
  test('to kill a session names the channel', () => {
    expect(parseCommand('kill-session>My_chan-1')).toEqual({ verb: 'kill-session', channel: 'My_chan-1' });
  });

  test('to close a stream names the channel and the stream id', () => {
    const command = { verb: 'close-stream', channel: 'ch', streamIds: ['6f1c'] };
    expect(parseCommand('close-stream>ch|6f1c')).toEqual(command);
  });

  test.each(['a b', 'a>b', 'ä/ö?', '{"id":1}', ''])('may have the stream id "%s"', (id) => {
    expect(parseCommand(`close-stream>ch|${id}`)).toEqual({ verb: 'close-stream', channel: 'ch', streamIds: [id] });
  });

  test('may have bars in the stream id, or arguments after it', () => {
    expect(parseCommand('close-stream>ch|a|b|c')).toHaveProperty('streamIds', ['a|b|c', 'a']);
    expect(parseCommand('kill-session>ch|whatever')).toEqual({ verb: 'kill-session', channel: 'ch' });
  });

  test('may end with the line end that redis-cli -x adds', () => {
    expect(parseCommand('kill-session>ch\n')).toEqual({ verb: 'kill-session', channel: 'ch' });
    expect(parseCommand('close-stream>ch|id\r\n')).toHaveProperty('streamIds', ['id']);
  });

  test.each(['close-stream>ch|id\n\n', 'close-stream>ch|\n\n', 'close-stream>ch|a\r\nb', 'close-stream>ch|id\r'])(
    '%j names no stream: written again, it would name another one',
    (text) => {
      expect(parseCommand(text)).toEqual({ error: expect.stringContaining('close-stream with the bad stream id') });
    },
  );
});

describe('the verb', () => {
  test.each([
    ['KILL-SESSION>Live', { verb: 'kill-session', channel: 'Live' }],
    ['Close-Stream>Live|Id', { verb: 'close-stream', channel: 'Live', streamIds: ['Id'] }],
    ['BLOCK>Live|60', { verb: 'block', channel: 'Live', seconds: 60 }],
    ['UnBlock>LIVE', { verb: 'unblock', channel: 'LIVE' }],
    ['DRAIN>Node-1', { verb: 'drain', node: 'Node-1' }],
    ['LIST>', { verb: 'list' }],
  ])('may be in any case, while names keep theirs: %s', (text, command) => {
    expect(parseCommand(text)).toEqual(command);
  });
});

describe('the channel', () => {
  test('may be any name that a publisher may use', () => {
    expect(parse('kill-session>a b/ç.d', SPECIAL_NAMES)).toEqual({ verb: 'kill-session', channel: 'a b/ç.d' });
    expect(parse('close-stream>|id', FREE_NAMES)).toEqual({ verb: 'close-stream', channel: '', streamIds: ['id'] });
    expect(parse('kill-session>', SPECIAL_NAMES)).toHaveProperty('error');
    expect(parse('kill-session>a>b', FREE_NAMES)).toHaveProperty('error');
    expect(parse('kill-session>a\tb', FREE_NAMES)).toHaveProperty('error');
  });
});

describe('commands of a fleet', () => {
  test('block a channel for up to a week, and let it in again', () => {
    expect(parseCommand('block>ch|600')).toEqual({ verb: 'block', channel: 'ch', seconds: 600 });
    expect(parseCommand('block>ch|604800')).toHaveProperty('seconds', 604_800);
    expect(parseCommand('unblock>ch\n')).toEqual({ verb: 'unblock', channel: 'ch' });
  });

  test('drain one node, and ask all what they serve', () => {
    expect(parseCommand('drain>ip-10-0-1-7.ec2.internal')).toEqual({ verb: 'drain', node: 'ip-10-0-1-7.ec2.internal' });
    expect(parseCommand('list>')).toEqual({ verb: 'list' });
  });

  test.each([
    ['block>ch', 'block for "" seconds, which is not 1 to 604800'],
    ['block>ch|0', 'block for "0" seconds, which is not 1 to 604800'],
    ['block>ch|604801', 'block for "604801" seconds, which is not 1 to 604800'],
    ['block>ch|1e3', 'block for "1e3" seconds, which is not 1 to 604800'],
    ['block>a b|60', 'block with the bad channel name "a b"'],
    ['drain>', 'drain with the bad node id ""'],
    ['drain>a/b', 'drain with the bad node id "a/b"'],
    ['list>ch', 'list with the argument "ch"'],
  ])('%j is refused with the cause', (text, error) => {
    expect(parseCommand(text)).toEqual({ error });
  });
});

describe('what is no command', () => {
  test.each([
    ['', 'no ">" in "", as in kill-session>CHANNEL'],
    ['kill-session', 'no ">" in "kill-session", as in kill-session>CHANNEL'],
    ['restart>ch', 'unknown command "restart"; there are kill-session, close-stream, block, unblock, drain and list'],
    ['Restart>ch', 'unknown command "Restart"; there are kill-session, close-stream, block, unblock, drain and list'],
    ['kill-session>x'.padEnd(142, 'x'), `kill-session with the bad channel name "${'x'.repeat(64)}…"`],
    ['>ch', 'unknown command ""; there are kill-session, close-stream, block, unblock, drain and list'],
    ['kill-session>', 'kill-session with the bad channel name ""'],
    ['kill-session>a>b', 'kill-session with the bad channel name "a>b"'],
    ['kill-session>a b', 'kill-session with the bad channel name "a b"'],
    ['kill-session> ch', 'kill-session with the bad channel name " ch"'],
    ['close-stream>ch', 'close-stream without a stream id, as in close-stream>CHANNEL|STREAM_ID'],
    ['close-stream>|id', 'close-stream with the bad channel name ""'],
    [
      'constructor>ch',
      'unknown command "constructor"; there are kill-session, close-stream, block, unblock, drain and list',
    ],
  ])('%j is refused with the cause', (text, error) => {
    expect(parseCommand(text)).toEqual({ error });
  });

  test('is refused when too long, in a short line', () => {
    expect(parseCommand(`close-stream>ch|${'x'.repeat(1024)}`)).toHaveProperty('verb');
    expect(parseCommand(`close-stream>ch|${'x'.repeat(1025)}`)).toEqual({
      error: 'close-stream with a stream id of 1025 characters',
    });
    const long = 'x'.repeat(1_000_000);
    for (const text of [long, `${long}>ch`, `kill-session>${long}`, `kill-session>${long}\n\r${long}`]) {
      const parsed = parseCommand(text);
      expect('error' in parsed && parsed.error.length).toBeLessThan(200);
    }
  });

  test('cannot forge a log line', () => {
    const parsed = parseCommand('kill-session>ch\n[2026-01-01 00:00:00] [INFO] all is well');
    expect(parsed).toHaveProperty('error', expect.not.stringContaining('\n'));
  });

  test('never makes the parser throw, whatever it is', () => {
    const verbs = [
      '',
      'kill-session>',
      'close-stream>',
      'close-stream>ch|',
      'block>ch|',
      'unblock>',
      'drain>',
      'list>',
    ];
    const verb = fc.constantFrom(...verbs);
    const text = fc.tuple(verb, fc.string({ unit: 'binary' })).map((parts) => parts.join(''));
    fc.assert(
      fc.property(text, (message) => {
        const parsed = parseCommand(message);
        expect(!('channel' in parsed) || /^[A-Za-z0-9_-]{1,128}$/.test(parsed.channel)).toBe(true);
        // A line end is not part of a command, so that an id cannot end with it.
        const repeatable = !('error' in parsed) && !message.endsWith('\n\n') && !message.endsWith('\n\r\n');
        if (repeatable) expect(parseCommand(commandText(parsed))).toEqual(parsed);
      }),
    );
  });
});
