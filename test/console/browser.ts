import { afterAll, afterEach } from '@jest/globals';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

let browser: Promise<Browser> | undefined;
const open: ConsolePage[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map(({ page }) => page.context().close()));
});

afterAll(async () => {
  await (await browser)?.close();
});

/** The console in a browser of its own, and what went wrong there. */
export interface ConsolePage {
  readonly page: Page;
  /** Uncaught errors, and what the browser reports: violations of the content security policy among others. */
  readonly faults: string[];
  /** Addresses of other servers that the page has asked. */
  readonly foreign: string[];
}

/** Opens an address in Debian's Chromium; closed after the test. */
export async function openConsole(url: string, options: BrowserContextOptions = {}): Promise<ConsolePage> {
  // As root, which tests may be, Chromium cannot use its sandbox.
  const args = [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage'];
  browser ??= chromium.launch({ executablePath: EXECUTABLE, args });
  const context = await (await browser).newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const shown: ConsolePage = { page, faults: [], foreign: [] };
  open.push(shown);
  page.on('pageerror', (error) => shown.faults.push(String(error)));
  page.on('console', (message) => {
    const text = message.text();
    // Refusals by the API are logged as well; they are part of what tests do.
    if (message.type() === 'error' && !text.startsWith('Failed to load resource')) shown.faults.push(text);
  });
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(url).origin) shown.foreign.push(request.url());
  });
  await page.goto(url);
  return shown;
}

/** Waits until a function gives a value that passes. */
export async function eventually<T>(read: () => Promise<T>, passes: (value: T) => boolean): Promise<T> {
  const until = performance.now() + 60_000;
  for (;;) {
    const value = await read();
    if (passes(value)) return value;
    if (performance.now() > until) throw new Error(`still not as expected: ${JSON.stringify(value)}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}
