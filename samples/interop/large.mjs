// A subscription whose first answer has 100 MiB.
// usage: node large.mjs URL DATABASE      the database runs samples/modules/v2
import assert from 'node:assert/strict';
import { WebSocket } from 'undici';
import { client as oldest } from './client-1.mjs';
import { client } from './client-2.mjs';
import { Report, until, within } from './report.mjs';

const [url, database] = process.argv.slice(2);
if (!database) {
  console.error('usage: node large.mjs URL DATABASE');
  process.exit(2);
}
const ROWS = 100;
globalThis.WebSocket = WebSocket;
const print = console.log;
for (const level of ['log', 'info', 'warn', 'debug']) console[level] = console.error;

const report = new Report('100 MiB at once', print);
const filler = await (await client('2.10')).connect({ url, database, module: 'v2' });
for (let id = 1; id <= ROWS; id++) await filler.connection.reducers.addBlob({ id, size: 1 << 20 });
for (const each of [oldest, await client('2.0'), await client('2.10')]) {
  await report.check(each.package, async () => {
    const { connection } = await each.connect({ url, database, module: 'v2' });
    await within(new Promise((resolve, reject) => {
      connection.subscriptionBuilder().onApplied(resolve).onError((context) => reject(context.event)).subscribe(['SELECT * FROM blob']);
    }), 'the rows', 120_000);
    const rows = [...connection.db.blob.iter()].filter((row) => row.id <= ROWS);
    assert.equal(rows.length, ROWS);
    assert(rows.every((row) => row.text.length === 1 << 20 && row.text.startsWith('abcdefgh')));
    // It goes on.
    const id = 1000 + Math.floor(Math.random() * 2 ** 30);
    connection.reducers.addBlob({ id, size: 8 });
    await until(() => connection.db.blob.id.find(id), 'a later row');
    connection.disconnect();
  });
}
report.finish();
process.exit();
