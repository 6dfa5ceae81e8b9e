// `npm run keys`: installs missing packages and runs the command.
import { readFileSync } from 'node:fs';
import { prepare } from '../../service/build/prepare.mjs';

const args = process.argv.slice(2);
if (args.includes('--help') || args.includes('-h') || args[0] === 'help') {
  process.stdout.write(readFileSync(new URL('usage.txt', import.meta.url)));
  process.exit(0);
}

await prepare();
// From here on TypeScript can be loaded.
await import('tsx');
await import('./cli.ts');
