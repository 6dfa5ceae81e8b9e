import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { formatNumber } from '../data/format';
import { parseRoute, type Route, routeHref } from '../data/routes';
import { useFleet } from '../parts/console-context';
import { SignInDialog, SignInForm } from '../parts/sign-in';
import { NodesPage } from './nodes-page';
import { RefusalsPage } from './refusals-page';
import { StreamPage } from './stream-page';
import { StreamsPage } from './streams-page';

/** The bar at the top, and the page that the address names. */
export function ConsoleFrame() {
  const watch = useFleet();
  const route = useRoute();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const title = titleOf(route);
  useEffect(() => {
    document.title = title;
    // A screen reader hears of the new page, and the Tab key begins there.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [title]);
  return (
    <>
      <header class="bar">
        <Navigation route={route} />
        <ConnectionState />
        <Session />
      </header>
      {watch.connection === 'lost' && watch.access?.mayRead !== false ? (
        <p class="notice" role="status">
          The connection to the server is lost. What you see is from before; trying again …
        </p>
      ) : null}
      <main ref={main} tabIndex={-1} aria-label={title}>
        {watch.access?.mayRead === false ? <MustSignIn /> : <Page route={route} />}
      </main>
    </>
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case 'streams':
      return <StreamsPage />;
    case 'stream':
      return <StreamPage key={route.channel} channel={route.channel} />;
    case 'nodes':
      return <NodesPage />;
    case 'refusals':
      return <RefusalsPage />;
  }
}

function Navigation({ route }: { readonly route: Route }) {
  const { model } = useFleet();
  const links = [
    { page: 'streams', name: 'Streams', count: model.rows.size },
    { page: 'nodes', name: 'Nodes', count: model.nodes?.nodes.length ?? 0 },
    { page: 'refusals', name: 'Refused', count: model.refusals.length },
  ] as const;
  const current = route.page === 'stream' ? 'streams' : route.page;
  return (
    <nav aria-label="Console">
      {links.map(({ page, name, count }) => (
        <a key={page} href={routeHref({ page })} {...(page === current ? { 'aria-current': 'page' as const } : {})}>
          {name} <span class="number muted">{formatNumber(count)}</span>
        </a>
      ))}
    </nav>
  );
}

const CONNECTION_WORDS = { connecting: 'Connecting', live: 'Live', lost: 'Offline' } as const;

function ConnectionState() {
  const { connection } = useFleet();
  return (
    <span class={`connection connection-${connection}`} role="status" title="Whether this page is up to date">
      {CONNECTION_WORDS[connection]}
    </span>
  );
}

/** Whether this browser may give orders, and how to change that. */
function Session() {
  const watch = useFleet();
  const [isSigningIn, setSigningIn] = useState(false);
  const { access } = watch;
  if (access?.mayRead === false || access === undefined) return null;
  if (access.mayOrder) {
    return (
      <button type="button" class="quiet" onClick={() => void watch.signOut()}>
        Sign out
      </button>
    );
  }
  return (
    <>
      <span class="mark wide-only" title={access.sentence}>
        read-only
      </span>
      <button type="button" class="quiet" onClick={() => setSigningIn(true)}>
        Sign in
      </button>
      {isSigningIn ? (
        <SignInDialog purpose="Giving orders" onDone={() => setSigningIn(false)} onClose={() => setSigningIn(false)} />
      ) : null}
    </>
  );
}

function MustSignIn() {
  const { access } = useFleet();
  return (
    <div class="page page-narrow">
      <section class="panel sign-in" aria-labelledby="sign-in">
        <h1 id="sign-in">Sign in</h1>
        <p>{access?.sentence}</p>
        {access?.tokenIsSet === false ? null : <SignInForm onDone={() => undefined} />}
      </section>
    </div>
  );
}

function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  // Before the page is shown: from then on the address may change.
  useLayoutEffect(() => {
    const changed = (): void => setRoute(parseRoute(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}

function titleOf(route: Route): string {
  switch (route.page) {
    case 'streams':
      return 'Streams';
    case 'stream':
      return `${route.channel} – Streams`;
    case 'nodes':
      return 'Nodes';
    case 'refusals':
      return 'Refused lately';
  }
}
