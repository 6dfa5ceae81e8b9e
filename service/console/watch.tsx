import { render } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { HlsWatcher, type WatchState } from './pictures/hls-player';
import './watch.css';

/** `/watch/CHANNEL?key=KEY` */
const channel = decodeURIComponent(location.pathname.replace(/^.*\/watch\//, '').replace(/\/$/, ''));

function WatchPage() {
  const video = useRef<HTMLVideoElement>(null);
  const [key, setKey] = useState(() => new URLSearchParams(location.search).get('key'));
  const [state, setState] = useState<WatchState>({ kind: 'waiting' });
  const [latency, setLatency] = useState<number>();
  useEffect(() => {
    const query = key === null ? '' : `?${new URLSearchParams({ key }).toString()}`;
    const watcher = new HlsWatcher({
      element: video.current!,
      address: new URL(`../hls/${encodeURIComponent(channel)}/index.m3u8${query}`, location.href).href,
      hasKey: key !== null,
      onState: setState,
      onLatency: setLatency,
    });
    return () => watcher.close();
  }, [key]);
  useEffect(() => {
    document.title = `${channel} · ${wordOf(state)}`;
  }, [state]);
  const asksForKey = state.kind === 'keyNeeded' || state.kind === 'wrongKey';
  const isBad = state.kind === 'wrongKey' || state.kind === 'refused';
  return (
    <main>
      <h1>{channel}</h1>
      <video ref={video} muted autoplay playsInline controls aria-label={`The stream ${channel}`} />
      <div class="line">
        <p role="status" class={isBad ? 'bad' : ''}>
          {sentenceOf(state)}
        </p>
        {state.kind === 'live' && latency !== undefined ? (
          <p class="muted">{latency.toFixed(1)} s behind the publisher</p>
        ) : null}
      </div>
      {asksForKey ? <KeyForm onKey={setKey} /> : null}
    </main>
  );
}

function KeyForm({ onKey }: { readonly onKey: (key: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  const submit = (event: Event): void => {
    event.preventDefault();
    const { value } = input.current!;
    if (value === '') return;
    // A reload keeps the key.
    history.replaceState(null, '', `?${new URLSearchParams({ key: value }).toString()}`);
    onKey(value);
  };
  return (
    <form onSubmit={submit}>
      <label for="key">Stream key</label>
      <input id="key" ref={input} type="password" autocomplete="off" required />
      <button type="submit">Watch</button>
    </form>
  );
}

function sentenceOf(state: WatchState): string {
  switch (state.kind) {
    case 'waiting':
      return 'Waiting for the stream to begin';
    case 'live':
      return 'Live';
    case 'silent':
      return 'The publisher sends nothing at present';
    case 'ended':
      return 'The stream has ended. The next one will begin here by itself';
    case 'keyNeeded':
      return 'This stream needs a key';
    case 'wrongKey':
      return 'Wrong key';
    case 'refused':
      return state.detail;
    case 'reconnecting':
      return `${state.detail}. Trying again …`;
  }
}

function wordOf({ kind }: WatchState): string {
  return kind === 'keyNeeded' ? 'key needed' : kind === 'wrongKey' ? 'wrong key' : kind;
}

render(<WatchPage />, document.getElementById('watch')!);
