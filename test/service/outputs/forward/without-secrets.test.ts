import { expect, test } from '@jest/globals';
import { withoutSecrets } from '../../../../service/outputs/forward/without-secrets';
import { parseForwardUrl } from '../../../../service/outputs/policy/forward-url';

const target = parseForwardUrl('rtmp://mister:sesame%2F1@host/app?backup=hidden/secret%20key?token=abcdef&x=1');

test.each([
  ['no such stream: secret key?token=abcdef&x=1', 'no such stream: ***'],
  ['no such stream: "secret key"', 'no such stream: "***"'],
  ['no such stream: secret%20key', 'no such stream: ***'],
  ['bad token abcdef', 'bad token ***'],
  ['user mister, password sesame/1', 'user ***, password ***'],
  ['app?backup=hidden', 'app?***'],
  ['not now', 'not now'],
  ['two\r\nlines', 'two\\r\\nlines'],
])('%j', (said, shown) => {
  expect(withoutSecrets(said, target)).toBe(shown);
});

test('long texts are cut', () => {
  expect(withoutSecrets('x'.repeat(5000), target).length).toBeLessThan(300);
});
