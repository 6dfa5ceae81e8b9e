import { expect, test } from '@jest/globals';
import { Secrets } from './secrets';

const found = (log: string, use: (secrets: Secrets) => void): string[] => {
  const secrets = new Secrets();
  use(secrets);
  return secrets.findIn(log).map(({ secret }) => secret);
};

test('a long secret is found anywhere, with its line', () => {
  const secrets = new Secrets();
  secrets.add('private-key');
  expect(secrets.findIn('first\nrefused private-key again\nlast')).toEqual([
    { secret: 'private-key', line: 'refused private-key again' },
  ]);
});

test('a long secret is found at the end of a log and as part of a URL', () => {
  const add = (secrets: Secrets): void => secrets.add('private key/1');
  expect(found('POST /live/private%20key%2F1', add)).toEqual(['private key/1']);
  expect(found('key is private key/1', add)).toEqual(['private key/1']);
});

test.each(['publish key=key', 'rtmp://host/news/key', 'publish {"key":"key"}', 'key="key" x'])(
  'a short secret is found where a value is: %s',
  (line) => {
    expect(found(line, (secrets) => secrets.addKey('key'))).toEqual(['key']);
  },
);

test.each(['publish key=ke***', 'the key is wrong', 'publish {"key":"***"}', 'path=/keys/', 'monkey=1'])(
  'a short secret is not found where it is a word or a name: %s',
  (line) => {
    expect(found(line, (secrets) => secrets.addKey('key'))).toEqual([]);
  },
);

test('tokens of a query string are secret, its other values are not', () => {
  const log = 'a=token-value-1 b=some-other-value';
  expect(found(log, (secrets) => secrets.addKey('k?token=token-value-1&mode=some-other-value'))).toEqual([
    'token-value-1',
  ]);
});

test('keys are taken from URLs and secrets from variables', () => {
  const log = 'x/target-key y=in-variable z=public-name';
  const variables = {
    FORWARD_URLS: 'rtmp://host/live/target-key',
    JWT_SECRET: 'in-variable',
    REDIS_HOST: 'public-name',
  };
  expect(found(log, (secrets) => secrets.addVariables(variables))).toEqual(['target-key', 'in-variable']);
});

test('what is also the name of a channel may be logged', () => {
  const add = (secrets: Secrets): void => {
    secrets.addKeysOfUrls('publish to rtmp://127.0.0.1:1935/same-name/same-name');
  };
  expect(found('channel=same-name', add)).toEqual([]);
});
