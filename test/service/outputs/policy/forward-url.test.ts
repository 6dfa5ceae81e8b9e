import { describe, expect, test } from '@jest/globals';
import {
  ForwardUrlError,
  parseForwardUrl,
  shownForwardUrl,
  splitForwardUrls,
} from '../../../../service/outputs/policy/forward-url';

describe('addresses of real services', () => {
  test.each([
    // Twitch, with a test flag in the key's query
    [
      'rtmp://live.twitch.tv/app/live_1_abc?bandwidthtest=true',
      'live.twitch.tv',
      1935,
      'app',
      'live_1_abc?bandwidthtest=true',
    ],
    // YouTube's main and backup ingest, and RTMPS on its default port
    ['rtmp://a.rtmp.youtube.com/live2/abcd-efgh', 'a.rtmp.youtube.com', 1935, 'live2', 'abcd-efgh'],
    ['rtmp://b.rtmp.youtube.com/live2?backup=1/abcd-efgh', 'b.rtmp.youtube.com', 1935, 'live2?backup=1', 'abcd-efgh'],
    ['rtmps://a.rtmps.youtube.com/live2/abcd', 'a.rtmps.youtube.com', 443, 'live2', 'abcd'],
    // IVS, Facebook
    [
      'rtmps://x.global-contribute.live-video.net:443/app/sk_1',
      'x.global-contribute.live-video.net',
      443,
      'app',
      'sk_1',
    ],
    [
      'rtmps://live-api-s.facebook.com:443/rtmp/FB-1-0-Ab?s_bl=1&s_ps=1',
      'live-api-s.facebook.com',
      443,
      'rtmp',
      'FB-1-0-Ab?s_bl=1&s_ps=1',
    ],
    // MediaLive: application and instance; Wowza: instance between
    ['rtmp://10.1.2.3/live/a', '10.1.2.3', 1935, 'live', 'a'],
    ['rtmp://host/live/_definst_/stream', 'host', 1935, 'live/_definst_', 'stream'],
    // a signed query that contains a slash belongs to the key
    ['rtmp://host/app/key?sign=a/b=', 'host', 1935, 'app', 'key?sign=a/b='],
    // Bilibili: the key is only a query
    [
      'rtmp://live-push.bilivideo.com/live-bvc/?streamname=live_1&key=ab',
      'live-push.bilivideo.com',
      1935,
      'live-bvc',
      '?streamname=live_1&key=ab',
    ],
    // a key with slashes, after #
    ['rtmp://host/app/inst#dir/key?x=1', 'host', 1935, 'app/inst', 'dir/key?x=1'],
    ['rtmp://host/app/#key', 'host', 1935, 'app', 'key'],
    // Akamai
    [
      'rtmp://p.ep1.i.akamaientrypoint.net/EntryPoint/stream_1_300@12345',
      'p.ep1.i.akamaientrypoint.net',
      1935,
      'EntryPoint',
      'stream_1_300@12345',
    ],
    ['rtmp://[2001:DB8::1]:1936/app/key', '2001:db8::1', 1936, 'app', 'key'],
    ['RTMP://Host/app/my%20key', 'host', 1935, 'app', 'my key'],
  ])('%s', (url, host, port, app, key) => {
    expect(parseForwardUrl(url)).toMatchObject({ host, port, app, key, user: '', password: '' });
  });

  test('tcUrl states the port only if the address does, and brackets around IPv6', () => {
    expect(parseForwardUrl('rtmp://u:p@host/app/key').tcUrl).toBe('rtmp://host/app');
    expect(parseForwardUrl('rtmps://host:443/app/i/key').tcUrl).toBe('rtmps://host:443/app/i');
    expect(parseForwardUrl('rtmp://[::1]:1936/app/key').tcUrl).toBe('rtmp://[::1]:1936/app');
  });

  test('user and password are decoded; a password may contain @', () => {
    expect(parseForwardUrl('rtmp://me:p%2Fq%3A@x@host/app/key')).toMatchObject({
      host: 'host',
      user: 'me',
      password: 'p/q:@x',
    });
    expect(parseForwardUrl('rtmp://me:100%@host/app/key').password).toBe('100%');
  });
});

describe('addresses that cannot be used', () => {
  test.each([
    'http://host/app/key',
    'rtmp://host',
    'rtmp://host/app',
    'rtmp://host/app/',
    'rtmp://host//key',
    'rtmp://host:0/app/key',
    'rtmp://host:65536/app/key',
    'rtmp:///app/key',
    'rtmp://host/app/key\r\nx',
    'rtmp://host/app/a b',
    `rtmp://host/app/${'k'.repeat(5000)}`,
  ])('%#', (url) => {
    expect(() => parseForwardUrl(url)).toThrow(ForwardUrlError);
  });

  test('the fault shows nothing of the address', () => {
    let message = '';
    try {
      parseForwardUrl('rtmp://user:sesame@host:99999/app/secretkey');
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain('port');
    expect(message).not.toMatch(/sesame|secretkey|host/);
  });
});

describe('what is shown', () => {
  test.each([
    ['rtmp://me:sesame@host/app/secretkey?token=hidden', 'rtmp://host/app'],
    ['rtmps://host:443/app?backup=hidden/secretkey', 'rtmps://host:443/app'],
    ['rtmp://host/app/inst#secret/key', 'rtmp://host/app/inst'],
    ['secretkey', 'an address that cannot be used'],
  ])('%s', (url, shown) => {
    expect(shownForwardUrl(url)).toBe(shown);
  });
});

test('a list of addresses is separated by spaces, commas and line ends; commas within an address stay', () => {
  expect(splitForwardUrls(' rtmp://a/b/c,1, rtmp://d/e/f,rtmp://x/y/z\nrtmps://g/h/i ')).toEqual([
    'rtmp://a/b/c,1',
    'rtmp://d/e/f',
    'rtmp://x/y/z',
    'rtmps://g/h/i',
  ]);
});
