// Event tables over v2 and v3: a callback for each row, and a cache that stays empty.
// usage: node extras.mjs URL DATABASE      the database runs samples/modules/extras
import assert from 'node:assert/strict';
import { WebSocket as NodeWebSocket } from 'undici';
import { bindingsOfExtras } from './bindings.mjs';
import { client } from './client-2.mjs';
import { Report, until, within } from './report.mjs';

const [url, database] = process.argv.slice(2);
if (!database) {
  console.error('usage: node extras.mjs URL DATABASE');
  process.exit(2);
}
const print = console.log;
for (const level of ['log', 'info', 'warn', 'debug']) console[level] = console.error;
const report = new Report('event tables', print);
let negotiated;
globalThis.WebSocket = class extends NodeWebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener('open', () => { negotiated = this.protocol; });
  }
};

for (const [version, protocol] of [['2.0', 'v2'], ['2.1', 'v2'], ['2.10', 'v3']]) {
  const { sdk, package: name } = await client(version);
  const Connection = bindingsOfExtras(sdk);
  const open = () => within(new Promise((resolve, reject) => {
    Connection.builder().withUri(url).withDatabaseName(database)
      .onConnect((connection) => resolve(connection)).onConnectError((_, error) => reject(error)).build();
  }), 'the connection');
  const subscribe = (connection, ...queries) => within(new Promise((resolve, reject) => {
    connection.subscriptionBuilder().onApplied(resolve).onError((context) => reject(context.event)).subscribe(queries);
  }), 'the subscription');
  await report.check(`${name} over ${protocol}`, async () => {
    const [ann, bob] = [await open(), await open()];
    assert.equal(negotiated, `${protocol}.bsatn.spacetimedb`);
    const seen = [];
    ann.db.spark.onInsert((context, row) => seen.push([row.tag, row.at, context.event.tag, ann.db.spark.count()]));
    await subscribe(ann, 'SELECT * FROM spark');
    await ann.reducers.strike({ tag: 'own', from: 0, to: 3 });
    await bob.reducers.strike({ tag: 'foreign', from: 3, to: 5 });
    await until(() => seen.length === 5, 'five sparks');
    assert.deepEqual(seen.sort((a, b) => a[1] - b[1]), [0, 1, 2, 3, 4].map((at) =>
      [at < 3 ? 'own' : 'foreign', at, at < 3 ? 'Reducer' : 'Transaction', 0n]));
    assert.deepEqual([...ann.db.spark.iter()], []);
    // Somebody who comes later sees nothing of them.
    const late = await open();
    late.db.spark.onInsert((_, row) => seen.push(row));
    await subscribe(late, 'SELECT * FROM spark WHERE at > 100');
    await bob.reducers.strike({ tag: 'filtered', from: 100, to: 102 });
    await until(() => seen.length >= 8, 'two sparks of one, and one of the other');
    assert.equal(seen.length, 8);
    for (const connection of [ann, bob, late]) connection.disconnect();
  });
}
report.finish();
process.exit();
