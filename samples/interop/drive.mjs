// Drives a database that runs one of the test modules with a published npm client; prints one JSON document, exit code 0 if all is well.
// usage: node drive.mjs --client 1.12|2.0|2.1|2.10 [--protocol v1|v2|v3] --module v1|v2 [--owner TOKEN] [--wasm FILE] URL DATABASE
//   --protocol  offer only this subprotocol (2.10 speaks v2 and v3); without it the package offers what it likes
//   --owner     token of the database's owner: adds the checks that need one
//   --wasm      the database's module: with --owner, adds publishing again with `clear` as the last check
import { parseArgs } from 'node:util';
import { WebSocket as NodeWebSocket } from 'undici';
import { Report } from './report.mjs';
import { run } from './scenario.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    client: { type: 'string' },
    protocol: { type: 'string' },
    module: { type: 'string' },
    owner: { type: 'string' },
    wasm: { type: 'string' },
  },
});
/** What each package asks for first. */
const DEFAULT_PROTOCOL = { '1.12': 'v1', '2.0': 'v2', '2.1': 'v2', '2.10': 'v3' };
const [url, database] = positionals;
if (!database || !DEFAULT_PROTOCOL[values.client] || !['v1', 'v2'].includes(values.module)) {
  console.error('usage: node drive.mjs --client 1.12|2.0|2.1|2.10 [--protocol v1|v2|v3] --module v1|v2 [--owner TOKEN] [--wasm FILE] URL DATABASE');
  process.exit(2);
}

/** Both packages take the WebSocket of the environment: this one notes what was negotiated and can narrow what is offered. */
const negotiated = new Set();
const only = values.protocol && `${values.protocol}.bsatn.spacetimedb`;
globalThis.WebSocket = class extends NodeWebSocket {
  constructor(address, protocols) {
    super(address, only ? [protocols].flat().filter((name) => name === only) : protocols);
    this.addEventListener('open', () => negotiated.add(this.protocol));
  }
};

// The packages report on the console; standard output is for the report.
for (const level of ['log', 'info', 'warn', 'debug']) console[level] = console.error;
const print = (text) => process.stdout.write(`${text}\n`);
process.on('unhandledRejection', (error) => report.note(`unhandled rejection: ${error?.stack ?? error}`));

const client = values.client === '1.12' ? (await import('./client-1.mjs')).client : await (await import('./client-2.mjs')).client(values.client);
const report = new Report(`${client.package}, module ${values.module}`, print);
await run({ client, report, url, database, module: values.module, owner: values.owner, wasm: values.wasm });
await report.check('the subprotocol is the one that was asked for', () => {
  const names = [...negotiated].join(' ');
  const wanted = only ?? `${DEFAULT_PROTOCOL[values.client]}.bsatn.spacetimedb`;
  if (names !== wanted) throw new Error(`negotiated "${names}", not "${wanted}"`);
});
report.finish();
process.exit();
