import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './console.css';
import { ApiClient } from './data/api-client';
import { FleetWatch } from './data/fleet-watch';
import { ConsoleFrame } from './pages/console-frame';
import { ConsoleContext } from './parts/console-context';
import { PictureLoader } from './pictures/picture-loader';

const place = document.getElementById('console');
if (place === null) throw new Error('the page has no place for the console');
const api = new ApiClient(document.baseURI);
const watch = new FleetWatch(api);
const pictures = new PictureLoader(api);
place.replaceChildren();
render(
  <ConsoleContext.Provider value={{ watch, pictures }}>
    <ConsoleFrame />
  </ConsoleContext.Provider>,
  place,
);
void watch.start();
