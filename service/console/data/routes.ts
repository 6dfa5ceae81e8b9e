/** What the console shows. It stands in the address's fragment, so that any server of the page needs one path only. */
export type Route =
  { readonly page: 'streams' | 'nodes' | 'refusals' } | { readonly page: 'stream'; readonly channel: string };

/** Unknown addresses lead to the streams. */
export function parseRoute(fragment: string): Route {
  const [first = '', second] = fragment.replace(/^#?\/?/, '').split('/');
  if (first === 'streams' && second !== undefined && second !== '') {
    const channel = decoded(second);
    return channel === undefined ? { page: 'streams' } : { page: 'stream', channel };
  }
  return first === 'nodes' || first === 'refusals' ? { page: first } : { page: 'streams' };
}

/** The `href` of a link. */
export function routeHref(route: Route): string {
  return route.page === 'stream' ? `#/streams/${encodeURIComponent(route.channel)}` : `#/${route.page}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // a percent sign that begins no code
  }
}
