import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { FleetWatch } from '../data/fleet-watch';
import type { PictureLoader } from '../pictures/picture-loader';

/** What every part of the page may use. */
export interface ConsoleTools {
  readonly watch: FleetWatch;
  readonly pictures: PictureLoader;
}

export const ConsoleContext = createContext<ConsoleTools | undefined>(undefined);

export function useTools(): ConsoleTools {
  const tools = useContext(ConsoleContext);
  if (tools === undefined) throw new Error('outside of the console');
  return tools;
}

/** The fleet; the component is drawn again whenever something has changed. */
export function useFleet(): FleetWatch {
  const { watch } = useTools();
  const [, redraw] = useState(0);
  useEffect(() => watch.onChange(() => redraw((count) => count + 1)), [watch]);
  return watch;
}

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const changed = (): void => setMatches(list.matches);
    changed();
    list.addEventListener('change', changed);
    return () => list.removeEventListener('change', changed);
  }, [query]);
  return matches;
}

/** Draws the component again every second, for ages and durations. */
export function useSeconds(): void {
  const [, redraw] = useState(0);
  useEffect(() => {
    const ticking = setInterval(() => redraw((count) => count + 1), 1000);
    return () => clearInterval(ticking);
  }, []);
}
