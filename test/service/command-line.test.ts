import { expect, test } from '@jest/globals';
import { readCommandLine } from '../../service/command-line';

test('without arguments it serves; npm start adds the banner', () => {
  expect(readCommandLine([], '1.2.3')).toEqual({ does: 'serve', quickStart: false });
  expect(readCommandLine(['--quick-start'], '1.2.3')).toEqual({ does: 'serve', quickStart: true });
});

test.each([['--help'], ['-h'], ['--quick-start', '--help']])('%s tells how it is used', (...args) => {
  const text = expect.stringMatching(
    /^Usage:[^]*CALLBACK_URL[^]*HTTP_PORT=8080 +the console at \/[^]*OPERATOR_TOKEN[^]*Example:[^]*Exit codes:/,
  );
  expect(readCommandLine(args, '1.2.3')).toEqual({ does: 'tell', text });
});

test.each(['--version', '-v'])('%s tells the version', (arg) => {
  expect(readCommandLine([arg], '1.2.3')).toEqual({ does: 'tell', text: '1.2.3' });
});

test('settings are printed or checked instead of serving', () => {
  expect(readCommandLine(['--print-config'], '1.2.3')).toEqual({ does: 'print', quickStart: false });
  expect(readCommandLine(['--check'], '1.2.3')).toEqual({ does: 'check', quickStart: false });
  const asNpmStart = readCommandLine(['--quick-start', '--check'], '1.2.3');
  expect(asNpmStart).toEqual({ does: 'check', quickStart: true });
});

test('an argument that it does not know is refused, by its name', () => {
  const text = expect.stringMatching(/^unknown argument "--port=1936"\n\nUsage:/);
  expect(readCommandLine(['--port=1936'], '1.2.3')).toEqual({ does: 'refuse', text });
});
