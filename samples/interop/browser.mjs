// The published packages in a page of another origin: the token swap passes CORS, the socket opens.
// usage: node browser.mjs URL DATABASE      the database runs samples/modules/v2; env: CHROMIUM (default: chromium in PATH)
// Prints one JSON document; the exit code is 0 if every check succeeded.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { Report } from './report.mjs';

const [url, database] = process.argv.slice(2);
if (!database) {
  console.error('usage: node browser.mjs URL DATABASE');
  process.exit(2);
}
const require = createRequire(import.meta.url);
const packages = ['1.12', '2.0', '2.1', '2.10'];
const file = (name) => readFileSync(path.join(import.meta.dirname, name), 'utf8');

/** A CommonJS package as a module, with the names that the clients import. */
const wrapped = (name, exports) => `const module = { exports: {} };
(function (exports) {
${readFileSync(require.resolve(name), 'utf8')}
})(module.exports);
export const { ${exports} } = module.exports;`;

const pages = new Map([
  ['/', ['text/html', `<!doctype html><script type="importmap">{ "imports": { "base64-js": "/base64.js", "safe-stable-stringify": "/stringify.js" } }</script>`]],
  ['/base64.js', ['text/javascript', wrapped('base64-js', 'fromByteArray, toByteArray')]],
  ['/stringify.js', ['text/javascript', wrapped('safe-stable-stringify', 'stringify')]],
  ['/bindings.js', ['text/javascript', file('bindings.mjs')]],
  ...packages.map((version) => [`/${version}.js`, ['text/javascript', file(`node_modules/spacetimedb-${version}/dist/index.browser.mjs`)]]),
]);
const origin = http.createServer((request, response) => {
  const [type, text] = pages.get(request.url) ?? [];
  response.writeHead(type ? 200 : 404, { 'Content-Type': `${type ?? 'text/plain'}; charset=utf-8` }).end(text ?? 'not found');
});
await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));

const report = new Report('packages in a page of another origin');
const inPath = process.env.PATH.split(path.delimiter).map((directory) => path.join(directory, 'chromium')).find(existsSync);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? inPath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
for (const version of packages) {
  await report.check(`package ${version}`, async () => {
    const page = await browser.newPage();
    page.setDefaultTimeout(30_000);
    const requests = [];
    page.on('request', (request) => requests.push(`${request.method()} ${new URL(request.url()).pathname}`));
    const sockets = [];
    page.on('websocket', (socket) => sockets.push(new URL(socket.url())));
    await page.goto(`http://127.0.0.1:${origin.address().port}/`);
    const seen = await page.evaluate(async ({ version, url, database }) => {
      const sdk = await import(`/${version}.js`);
      const { bindings1, bindings2 } = await import('/bindings.js');
      const Connection = (version.startsWith('1') ? bindings1 : bindings2)(sdk, 'v2');
      const open = (token) => new Promise((resolve, reject) => {
        const builder = Connection.builder().withUri(url).withToken(token)
          .onConnect((connection, identity, given) => resolve({ connection, identity: identity.toHexString(), token: given }))
          .onConnectError((_, error) => reject(error));
        (builder.withDatabaseName ?? builder.withModuleName).call(builder, database).build();
      });
      const first = await open();
      const second = await open(first.token);
      await new Promise((resolve, reject) => {
        second.connection.subscriptionBuilder().onApplied(resolve).onError((context) => reject(context.event)).subscribe(['SELECT * FROM blob']);
      });
      const id = Math.floor(Math.random() * 2 ** 31);
      const came = new Promise((resolve) => {
        second.connection.db.blob.onInsert((_, row) => { if (row.id === id) resolve(row.text); });
      });
      first.connection.reducers.addBlob({ id, size: 2000 });
      const text = await came;
      const refused = await open(`${first.token.split('.').slice(0, 2).join('.')}.AAAA`).then(() => 'connected', (error) => error.message);
      return { origin: location.origin, same: first.identity === second.identity, identity: first.identity, length: text.length, refused };
    }, { version, url, database });
    assert.notEqual(seen.origin, new URL(url).origin);
    assert.match(seen.identity, /^c200[0-9a-f]{60}$/);
    assert.deepEqual([seen.same, seen.length], [true, 2000]);
    assert.match(seen.refused, /Failed to verify token/);
    assert.equal(requests.filter((request) => request === 'POST /v1/identity/websocket-token').length, 2, requests.join('\n'));
    // Without a token and with one: both sockets opened.
    assert.deepEqual(sockets.map((socket) => [socket.pathname, socket.searchParams.has('token')]),
      [[`/v1/database/${database}/subscribe`, false], [`/v1/database/${database}/subscribe`, true]]);
    await page.close();
  });
}
await browser.close();
origin.close();
report.finish();
process.exit();
