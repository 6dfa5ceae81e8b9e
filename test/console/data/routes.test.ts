import { expect, test } from '@jest/globals';
import { parseRoute, type Route, routeHref } from '../../../service/console/data/routes';

test.each<Route>([
  { page: 'streams' },
  { page: 'nodes' },
  { page: 'refusals' },
  { page: 'stream', channel: 'cam-1' },
  { page: 'stream', channel: 'a/b?c#d%e "><script>' },
])('the link of %j leads there', (route) => {
  expect(parseRoute(routeHref(route))).toEqual(route);
});

test.each(['', '#', '#/elsewhere', '#/streams/', '#/streams/%'])('%j leads to the streams', (fragment) => {
  expect(parseRoute(fragment)).toEqual({ page: 'streams' });
});
