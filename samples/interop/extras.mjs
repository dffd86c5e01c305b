// Views by caller, procedures, and event tables: a callback for each row, and a cache that stays empty.
// usage: node extras.mjs URL DATABASE      the database runs samples/modules/extras
import assert from 'node:assert/strict';
import { WebSocket as NodeWebSocket } from 'undici';
import { bindingsOfExtras } from './bindings.mjs';
import { client as oldest } from './client-1.mjs';
import { client } from './client-2.mjs';
import { Report, until, within } from './report.mjs';

const [url, database] = process.argv.slice(2);
if (!database) {
  console.error('usage: node extras.mjs URL DATABASE');
  process.exit(2);
}
const print = console.log;
for (const level of ['log', 'info', 'warn', 'debug']) console[level] = console.error;
const report = new Report('views, procedures, event tables', print);
let negotiated;
globalThis.WebSocket = class extends NodeWebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener('open', () => { negotiated = this.protocol; });
  }
};
let last = Math.floor(Math.random() * 2 ** 30);

for (const [{ sdk, package: name }, protocol] of [
  [oldest, 'v1'], [await client('2.0'), 'v2'], [await client('2.1'), 'v2'], [await client('2.10'), 'v3'],
]) {
  const Connection = bindingsOfExtras(sdk);
  const open = () => within(new Promise((resolve, reject) => {
    const builder = Connection.builder().withUri(url)
      .onConnect((connection) => resolve(connection)).onConnectError((_, error) => reject(error));
    (builder.withDatabaseName ?? builder.withModuleName).call(builder, database).build();
  }), 'the connection');
  const subscribe = (connection, ...queries) => within(new Promise((resolve, reject) => {
    connection.subscriptionBuilder().onApplied(resolve).onError((context) => reject(context.event)).subscribe(queries);
  }), 'the subscription');

  await report.check(`${name}: procedures over ${protocol}`, async () => {
    const connection = await open();
    assert.equal(negotiated, `${protocol}.bsatn.spacetimedb`);
    const { procedures } = connection;
    const [big, small, exploded] = await within(Promise.allSettled([
      procedures.sum({ a: 4_000_000_000, b: 4_000_000_000 }), procedures.sum({ a: 1, b: 2 }), procedures.explode({}),
    ]), 'three procedures');
    assert.deepEqual([big.value, small.value, exploded.status], [8_000_000_000n, 3n, 'rejected']);
    // Its effects are there when its result is.
    await subscribe(connection, 'SELECT * FROM my_thing');
    const id = ++last;
    const count = await within(procedures.make({ id, text: 'made' }), 'a procedure');
    assert(count > 0n);
    assert([...connection.db.myThing.iter()].some((row) => row.id === id && row.text === 'made'), 'its row is there');
    connection.disconnect();
  });
  await report.check(`${name}: a view of the caller's rows over ${protocol}`, async () => {
    const [ann, bob] = [await open(), await open()];
    const events = [];
    ann.db.myThing.onInsert((_, row) => events.push(`+${row.text}`));
    ann.db.myThing.onDelete((_, row) => events.push(`-${row.text}`));
    await Promise.all([subscribe(ann, 'SELECT * FROM my_thing'), subscribe(bob, 'SELECT * FROM my_thing')]);
    const [mine, other] = [++last, ++last];
    ann.reducers.put({ id: mine, text: 'one' });
    await until(() => events.length === 1, 'the insert');
    ann.reducers.put({ id: mine, text: 'two' });
    await until(() => events.length === 3, 'the change');
    bob.reducers.put({ id: other, text: 'foreign' });
    await until(() => [...bob.db.myThing.iter()].length === 1, 'the row of the other');
    bob.reducers.put({ id: mine, text: 'taken' });
    await until(() => events.length === 4, 'the loss');
    await until(() => [...bob.db.myThing.iter()].length === 2, 'the gain');
    assert.deepEqual(events.map((event) => event).sort(), ['+one', '+two', '-one', '-two']);
    assert.deepEqual([...ann.db.myThing.iter()], []);
    for (const connection of [ann, bob]) connection.disconnect();
  });
  if (protocol !== 'v1') await report.check(`${name}: event tables over ${protocol}`, async () => {
    const [ann, bob] = [await open(), await open()];
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
