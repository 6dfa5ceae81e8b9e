// `npm run local`: installs packages and Debian programs that are missing, and starts the deployment on this machine.
import { prepare } from '../../service/build/prepare.mjs';
import { installDebianPackages, packagesOfMissingPrograms } from '../support/programs/debian-packages.mjs';

const USAGE = `Usage: npm run local [-- --help]

Starts the AWS deployment on this machine: two nodes, a load balancer, Redis, the Lambda functions and stand-ins for AWS.
It prints URLs with a ready-made key, how to end the stream, and a file of variables for npm run keys, the AWS CLI and
curl. Ctrl-C ends all of it. Needs Linux; installs haproxy and redis-server as root, otherwise says what is missing.`;

const args = process.argv.slice(2);
if (args.length > 0) {
  const helps = args.includes('--help') || args.includes('-h');
  if (!helps) console.error(`unknown argument ${JSON.stringify(args[0])}\n`);
  (helps ? console.log : console.error)(USAGE);
  process.exit(helps ? 0 : 2);
}

const programs = { haproxy: 'haproxy', 'redis-server': 'redis-server', openssl: 'openssl' };

if (process.platform !== 'linux') {
  console.error('Cannot start: it needs Linux, for more than one loopback address');
  process.exit(1);
}
await prepare({ further: () => installDebianPackages(() => packagesOfMissingPrograms(programs)) });
// The SDK's warning about older releases of Node.js does not apply to the releases that are deployed.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
// From here on TypeScript can be loaded.
await import('tsx');
await import('./local.ts');
