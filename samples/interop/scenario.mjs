// What every published client must see on a database that runs one of the test modules. `client` is client-v1.mjs or client-v2.mjs.
// Ann watches, Bob acts. Absence of a callback is shown by a later transaction that does arrive: updates come in order.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { until, within } from './report.mjs';

const EXTREMES = [
  { b: false, nU8: 0, nI8: -128, nU16: 0, nI16: -32768, nU32: 0, nI32: -(2 ** 31), nU64: 0n, nI64: -(2n ** 63n), nU128: 0n,
    nI128: -(2n ** 127n), nU256: 0n, nI256: -(2n ** 255n), f32: -1.5, f64: -Number.MAX_VALUE, s: '' },
  { b: true, nU8: 255, nI8: 127, nU16: 65535, nI16: 32767, nU32: 2 ** 32 - 1, nI32: 2 ** 31 - 1, nU64: 2n ** 64n - 1n,
    nI64: 2n ** 63n - 1n, nU128: 2n ** 128n - 1n, nI128: 2n ** 127n - 1n, nU256: 2n ** 256n - 1n, nI256: 2n ** 255n - 1n,
    f32: 3.4028234663852886e38, f64: Number.MIN_VALUE, s: 'Grüße, 世界 👋 \u0000 end' },
];

/** Notes the callbacks of a table, in order: ['insert', row], ['update', old, row], ['delete', row]. */
function record(table) {
  const events = [];
  table.onInsert((context, row) => events.push(['insert', row, context.event.tag]));
  table.onDelete((context, row) => events.push(['delete', row, context.event.tag]));
  table.onUpdate?.((context, old, row) => events.push(['update', old, row, context.event.tag]));
  return events;
}

const kinds = (events) => events.map(([kind]) => kind).join(' ');
const rows = (table) => [...table.iter()];

/** Subscribes and waits until it is applied; rejects with the error's text. */
const subscribe = (connection, ...queries) => subscribeThen(connection, queries, () => {});

function subscribeThen(connection, queries, onApplied) {
  return within(new Promise((resolve, reject) => {
    const handle = connection.subscriptionBuilder()
      .onApplied(() => {
        onApplied();
        resolve(handle);
      })
      .onError((context) => reject(context.event ?? new Error('subscription error without text')))
      .subscribe(queries);
  }), `the subscription to ${queries}`);
}

const unsubscribe = (handle) => within(new Promise((resolve) => handle.unsubscribeThen(resolve)), 'the end of the subscription');

export async function run({ client, report, url, database, module, owner, wasm }) {
  const check = report.check.bind(report);
  const { ConnectionId, Identity, ScheduleAt, TimeDuration, Timestamp, Uuid } = client.sdk;
  const open = (more = {}) => client.connect({ url, database, module, ...more });
  const { call } = client;
  let ann, bob;

  /** A number that no other run on this database has used. */
  let last = Math.floor(Math.random() * 2 ** 30);
  const fresh = () => ++last;
  /** Makes a row through Bob and waits until Ann has it: everything before it has arrived too. */
  const barrier = async () => {
    const id = fresh();
    await call(bob.connection, 'addBlob', { id, size: 8 });
    await until(() => ann.connection.db.blob.id.find(id), 'a later transaction');
  };
  const refused = (promise, text) => assert.rejects(promise, (error) => {
    assert.match(error.message, text);
    return true;
  });
  /** Calls a reducer that notes what it finds, and returns the notes. */
  const find = async (reducer, params) => {
    const label = `find ${fresh()}`;
    await call(ann.connection, reducer, { label, ...params });
    return rows(ann.connection.db.testFound).filter((row) => row.label === label).sort((a, b) => Number(a.id - b.id)).map((row) => row.value);
  };
  const sql = async (query, token = owner) => {
    const answer = await fetch(`${url}/v1/database/${database}/sql`, {
      method: 'POST', body: query, headers: { Authorization: `Bearer ${token}` },
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    return (await answer.json())[0];
  };

  const connected = await check('two anonymous clients connect', async () => {
    [ann, bob] = await Promise.all([open(), open()]);
    for (const { connection, identity, token } of [ann, bob]) {
      assert.match(identity.toHexString(), /^c200[0-9a-f]{60}$/);
      assert.equal(token.split('.').length, 3);
      assert(!connection.connectionId.isZero());
      assert(connection.isActive);
    }
    assert(!ann.identity.isEqual(bob.identity));
    assert(!ann.connection.connectionId.isEqual(bob.connection.connectionId));
  });
  if (!connected) return;

  await check('a token brings the same identity', async () => {
    const again = await open({ token: ann.token });
    assert.equal(again.identity.toHexString(), ann.identity.toHexString());
    again.connection.disconnect();
  });
  await check('a token of nobody is refused', () => assert.rejects(open({ token: 'a.b.c' })));
  await check('a token with another signature is refused', () => {
    const [head, body, signature] = ann.token.split('.');
    const other = signature.slice(0, 20) + (signature[20] === 'A' ? 'B' : 'A') + signature.slice(21);
    return assert.rejects(open({ token: [head, body, other].join('.') }));
  });
  await check('a token of another server is refused before the upgrade', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signed = ann.token.slice(0, ann.token.lastIndexOf('.'));
    const token = `${signed}.${sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
    await assert.rejects(open({ token }));
    const upgrade = { Authorization: `Bearer ${token}`, 'Sec-WebSocket-Protocol': 'v2.bsatn.spacetimedb' };
    assert.equal((await fetch(`${url}/v1/database/${database}/subscribe`, { headers: upgrade })).status, 401);
  });
  await check('a database that does not exist is refused', () => assert.rejects(open({ database: `no-${fresh()}` })));

  await check('a subscription brings the rows that are there', async () => {
    await subscribe(ann.connection, 'SELECT * FROM team', 'SELECT * FROM blob', 'SELECT * FROM test_found');
    assert.deepEqual(rows(ann.connection.db.team).sort((a, b) => a.id - b.id), [{ id: 1, name: 'red' }, { id: 2, name: 'blue' }]);
    assert.deepEqual(ann.connection.db.team.id.find(2), { id: 2, name: 'blue' });
    assert.equal(ann.connection.db.team.count(), 2n);
  });
  await check('a subscription to an unknown table fails', () =>
    refused(subscribe(ann.connection, 'SELECT * FROM nope'), /no such table: `nope`/));
  await check('a subscription to a private table fails', () =>
    refused(subscribe(ann.connection, 'SELECT * FROM secret'), /no such table: `secret`/));
  await check('a subscription to a bad query fails', () => refused(subscribe(ann.connection, 'SELEKT * FROM team'), /./));
  await check('a set of queries fails as a whole', () =>
    refused(subscribe(ann.connection, 'SELECT * FROM note', 'SELECT * FROM nope'), /no such table: `nope`/));
  await check('the connection survived', async () => {
    assert(ann.connection.isActive);
    await barrier();
  });

  const team = fresh();
  const members = record(ann.connection.db.member);
  let memberSet;
  await check('inserts of others arrive, those that match', async () => {
    memberSet = await subscribe(ann.connection, `SELECT * FROM member WHERE team_id = ${team}`);
    const id = fresh();
    await call(bob.connection, 'addMember', { id: fresh(), teamId: team + 1_000_000, name: 'elsewhere', active: true });
    await call(bob.connection, 'addMember', { id, teamId: team, name: 'ann', active: true });
    await until(() => members.length > 0, 'the insert');
    await barrier();
    assert.deepEqual(members.splice(0), [['insert', { id, teamId: team, name: 'ann', active: true }, client.foreignEvent(module)]]);
  });
  await check('an own call has its effects before its result, as a reducer event', async () => {
    const id = fresh();
    await call(ann.connection, 'addMember', { id, teamId: team, name: 'own', active: false });
    assert.deepEqual(members.splice(0), [['insert', { id, teamId: team, name: 'own', active: false }, 'Reducer']]);
    assert(ann.connection.db.member.id.find(id));
  });
  await check('an update is one update callback', async () => {
    const id = fresh();
    await call(bob.connection, 'addMember', { id, teamId: team, name: 'before', active: true });
    await call(bob.connection, 'renameMember', { id, name: 'after' });
    await barrier();
    assert.equal(kinds(members), 'insert update');
    const [, old, row] = members[1];
    assert.deepEqual([old.name, row.name], ['before', 'after']);
    assert.equal(ann.connection.db.member.id.find(id).name, 'after');
    members.length = 0;
  });
  await check('a delete is one delete callback', async () => {
    const [{ id }] = rows(ann.connection.db.member);
    await call(bob.connection, 'deleteMember', { id });
    await barrier();
    assert.equal(kinds(members), 'delete');
    assert.equal(members.pop()[1].id, id);
    assert.equal(ann.connection.db.member.id.find(id) ?? null, null);
  });
  await check('a call without effect on the subscriptions is answered', () => call(ann.connection, 'nothing'));
  await check('overlapping subscriptions: one callback a change, rows stay until the last one ends', async () => {
    const id = fresh();
    const other = await subscribe(ann.connection, `SELECT * FROM member WHERE active = true AND team_id = ${team}`);
    await call(bob.connection, 'addMember', { id, teamId: team, name: 'shared', active: true });
    await barrier();
    assert.equal(kinds(members), 'insert');
    await unsubscribe(memberSet);
    assert(ann.connection.db.member.id.find(id), 'still held by the other subscription');
    assert(!rows(ann.connection.db.member).some((row) => !row.active), 'those of the ended one are gone');
    members.length = 0;
    await call(bob.connection, 'deleteMember', { id });
    await barrier();
    assert.equal(kinds(members), 'delete');
    await unsubscribe(other);
    assert.equal(ann.connection.db.member.count(), 0n);
    members.length = 0;
    await call(bob.connection, 'addMember', { id: fresh(), teamId: team, name: 'unseen', active: true });
    await barrier();
    assert.equal(kinds(members), '');
  });
  await check('two identical queries of one connection', async () => {
    const query = `SELECT * FROM member WHERE team_id = ${team}`;
    const [one, two] = await Promise.all([subscribe(ann.connection, query), subscribe(ann.connection, query)]);
    members.length = 0;
    const id = fresh();
    await call(bob.connection, 'addMember', { id, teamId: team, name: 'twice', active: true });
    await call(bob.connection, 'renameMember', { id, name: 'twice renamed' });
    await barrier();
    assert.equal(kinds(members), 'insert update');
    await unsubscribe(one);
    members.length = 0;
    await call(bob.connection, 'deleteMember', { id });
    await barrier();
    assert.equal(kinds(members), 'delete');
    await unsubscribe(two);
    members.length = 0;
  });
  await check('a row moves in and out of a condition', async () => {
    const events = record(ann.connection.db.testIndex);
    const set = await subscribe(ann.connection, 'SELECT * FROM test_index WHERE a = 77');
    const base = fresh() % 30_000;
    await call(bob.connection, 'testFill', { from: base, to: base + 1 }).catch(() => {}); // may be there from an earlier run
    for (const [by, a] of [['id', 77], ['code', 78], ['slot', 77], ['owner', 78]]) {
      await call(bob.connection, 'testUpdateBy', { by, value: base, a });
    }
    await barrier();
    assert.equal(kinds(events), 'insert delete insert delete');
    assert.deepEqual(events.map(([, row]) => row.a), [77, 77, 77, 77]);
    await unsubscribe(set);
    await call(bob.connection, 'testDeleteBy', { label: 'clean up', by: 'id', value: BigInt(base) });
  });
  await check('conditions: comparison, and, or, strings, identities', async () => {
    const mine = fresh();
    const set = await subscribe(ann.connection,
      `SELECT * FROM member WHERE team_id = ${mine} AND (name = 'it''s' OR id > 4000000000)`,
      `SELECT * FROM note WHERE owner = 0x${bob.identity.toHexString()}`);
    await call(bob.connection, 'addMember', { id: fresh(), teamId: mine, name: "it's", active: true });
    await call(bob.connection, 'addMember', { id: fresh(), teamId: mine, name: 'no', active: true });
    await call(bob.connection, 'addMember', { id: 4_000_000_000 + (fresh() % 290_000_000), teamId: mine, name: 'high', active: true });
    await call(ann.connection, 'addNote', { text: "Ann's" });
    await call(bob.connection, 'addNote', { text: "Bob's" });
    await barrier();
    assert.deepEqual(rows(ann.connection.db.member).map((row) => row.name).sort(), ['high', "it's"]);
    assert(rows(ann.connection.db.note).every((row) => row.owner.isEqual(bob.identity)));
    assert(rows(ann.connection.db.note).some((row) => row.text === "Bob's"));
    await unsubscribe(set);
    members.length = 0;
  });

  await check('scalars come back as they were sent, to both sides', async () => {
    await Promise.all([ann, bob].map(({ connection }) => subscribe(connection, 'SELECT * FROM scalars')));
    for (const sent of EXTREMES) {
      const seen = record(bob.connection.db.scalars);
      await call(ann.connection, 'addScalars', sent);
      await until(() => seen.length > 0, 'the row');
      const { id, ...row } = seen[0][1];
      assert.deepEqual(row, sent);
      assert.deepEqual(ann.connection.db.scalars.id.find(id), { id, ...sent });
    }
    const [first, second] = rows(ann.connection.db.scalars).slice(-2);
    assert(second.id > first.id);
  });
  await check('not a number is a value', async () => {
    await call(ann.connection, 'setNan');
    assert(rows(ann.connection.db.scalars).some((row) => Number.isNaN(row.f32) && row.f64 === Infinity));
  });
  await check('special types come back as they were sent', async () => {
    await subscribe(ann.connection, 'SELECT * FROM specials');
    const common = {
      ident: new Identity(2n ** 255n + 7n), conn: new ConnectionId(2n ** 127n + 3n), at: new Timestamp(-5n),
      dur: new TimeDuration(-(2n ** 62n)), ...(module === 'v2' ? { uuid: Uuid.parse('01888d6e-5c00-7000-8000-000000000001') } : {}),
    };
    for (const sched of [ScheduleAt.interval(12_345n), ScheduleAt.time(1_700_000_000_000_000n)]) {
      const sent = { id: fresh(), ...common, sched };
      await call(ann.connection, 'addSpecials', sent);
      const row = ann.connection.db.specials.id.find(sent.id);
      assert.equal(row.ident.__identity__, sent.ident.__identity__);
      assert.equal(row.conn.__connection_id__, sent.conn.__connection_id__);
      assert.equal(row.at.microsSinceUnixEpoch, -5n);
      assert.equal(row.dur.micros, -(2n ** 62n));
      assert.deepEqual(row.uuid?.toString(), sent.uuid?.toString());
      assert.deepEqual(row.sched, sched);
    }
  });
  await check('compound types come back as they were sent', async () => {
    await subscribe(ann.connection, 'SELECT * FROM compounds');
    const point = (x, y) => ({ x, y });
    const variants = [
      { color: { tag: 'DarkBlue' }, shape: { tag: 'Box', value: { topLeft: point(1, -2), size2D: point(3, 4) } }, point: point(-1, 1),
        optText: 'text', optNum: 7n, optPoint: point(5, 6), res: { ok: 4 }, bytes: new Uint8Array([0, 255, 1]), nums: [1, -1],
        words: ['a', '', 'ü'], points: [point(1, 2), point(3, 4)], nested: [new Uint8Array([1]), new Uint8Array(), new Uint8Array([2, 3])] },
      { color: { tag: 'Red' }, shape: { tag: 'Poly', value: [point(9, 9)] }, point: point(0, 0), optText: undefined, optNum: undefined,
        optPoint: undefined, res: { err: '' }, bytes: new Uint8Array(), nums: [], words: [], points: [], nested: [] },
      { color: { tag: 'Green' }, shape: { tag: 'Circle', value: 0.5 }, point: point(2, 3), optText: '', optNum: 0n, optPoint: point(0, 0),
        res: { ok: 0 }, bytes: new Uint8Array(300).fill(7), nums: Array.from({ length: 300 }, (_, i) => i), words: [''], points: [],
        nested: [new Uint8Array(300)] },
      { color: { tag: 'Green' }, shape: { tag: 'Empty' }, point: point(2, 3), optText: 'x'.repeat(5000), optNum: 2n ** 64n - 1n,
        optPoint: undefined, res: { err: '' }, bytes: new Uint8Array(1), nums: [0], words: ['y'.repeat(3000)], points: [], nested: [] },
    ];
    for (const { res, ...variant } of variants) {
      const sent = { id: fresh(), ...variant, ...(module === 'v2' ? { res } : {}) };
      await call(ann.connection, 'addCompounds', { row: sent });
      const row = ann.connection.db.compounds.id.find(sent.id);
      assert.deepEqual(plain(row), plain(sent));
    }
  });
  await check('names that are converted', async () => {
    const table = module === 'v2' ? 'player_score_2_d' : 'PlayerScore2D';
    await subscribe(ann.connection, `SELECT * FROM ${module === 'v2' ? table : `"${table}"`}`);
    const id = fresh();
    const slot = id % 60_000;
    await call(ann.connection, 'addPlayer1', { playerId: id, nickName: `nick ${id}`, teamId: 3, level: 9, slot });
    const view = ann.connection.db[module === 'v2' ? 'playerScore2D' : 'PlayerScore2D'];
    assert.deepEqual(view.playerId.find(id), { playerId: id, nickName: `nick ${id}`, teamId: 3, level: 9, slot1: slot, bonus: 0n });
  });
  await check('a table without a key: a set of rows', async () => {
    const events = record(ann.connection.db.flash);
    await subscribe(ann.connection, 'SELECT * FROM flash');
    events.length = 0;
    const row = { tag: `flash ${fresh()}`, value: 5n };
    await call(ann.connection, 'emitFlash', row);
    await call(ann.connection, 'emitFlash', row);
    assert.deepEqual(events.map(([kind, value]) => [kind, value]), [['insert', row]]);
    await call(ann.connection, 'testTakeFlash', row);
    assert.deepEqual(events.map(([kind]) => kind), ['insert', 'delete']);
    await refused(call(ann.connection, 'testTakeFlash', row), /no such flash/);
  });

  await check('an error that a reducer returns arrives with its text', () =>
    refused(call(ann.connection, 'fail', { text: 'Nein, 否 "quoted"' }), /^Nein, 否 "quoted"$/));
  await check('a panic is an error, and the module goes on', async () => {
    await refused(call(ann.connection, 'boom'), /./);
    await call(ann.connection, 'nothing');
  });
  await check('a unique constraint refuses, and nothing stays', async () => {
    await refused(call(ann.connection, 'duplicateKey'), /./);
    assert.deepEqual(ann.connection.db.team.id.find(1), { id: 1, name: 'red' });
  });
  for (const how of ['error', 'panic', 'trap', 'stack']) {
    await check(`what a reducer wrote before it failed is gone: ${how}`, async () => {
      const events = record(ann.connection.db.team);
      await refused(call(ann.connection, 'testWriteAndFail', { how }), how === 'error' ? /^after writing$/ : /./);
      await barrier();
      assert.deepEqual(events, []);
      await subscribe(bob.connection, 'SELECT * FROM team').then(unsubscribe);
    });
  }
  await check('unknown reducers, lifecycle reducers and short arguments are refused, and the connection stays', async () => {
    const none = new Uint8Array();
    for (const [reducer, text] of [['nope', /no such reducer/i], ['init', /./], ['connected', /./], ['add_member', /invalid arguments|arg/i]]) {
      const answer = client.callRaw(ann.connection, reducer, none);
      if (answer) await refused(answer, text);
    }
    await call(ann.connection, 'nothing');
    assert(ann.connection.isActive);
  });

  await check('results come in the order of the calls, and a subscription among them sees the calls before it', async () => {
    // Without compression: both packages handle compressed messages in the order in which they are decompressed.
    const { connection } = await open({ configure: (builder) => builder.withCompression('none') });
    const mine = fresh();
    const order = [];
    const add = (i) => call(connection, 'addMember', { id: fresh(), teamId: mine, name: `n${i}`, active: true }).then(() => order.push(i));
    const first = Array.from({ length: 100 }, (_, i) => add(i));
    const applied = subscribeThen(connection, [`SELECT * FROM member WHERE team_id = ${mine}`],
      () => order.push(`applied ${rows(connection.db.member).length}`));
    const second = Array.from({ length: 100 }, (_, i) => add(100 + i));
    await Promise.all([...first, applied, ...second]);
    assert.deepEqual(order.filter((x) => typeof x === 'number'), Array.from({ length: 200 }, (_, i) => i));
    assert.equal(order.find((x) => typeof x === 'string'), 'applied 100');
    assert.equal(rows(connection.db.member).length, 200);
    connection.disconnect();
  });
  await check('large and small messages mixed leave the cache as it must be', async () => {
    const mine = fresh();
    const ids = Array.from({ length: 200 }, fresh);
    await Promise.all(ids.map((id) => call(bob.connection, 'addMember', { id, teamId: mine, name: `${id} `.repeat(20), active: true })));
    const { connection } = await open(); // asks for compression
    const set = subscribe(connection, `SELECT * FROM member WHERE team_id = ${mine}`, 'SELECT * FROM blob WHERE id > 0');
    await Promise.all(ids.slice(0, 150).map((id) => call(bob.connection, 'deleteMember', { id })));
    await set;
    const last = fresh();
    await call(bob.connection, 'addBlob', { id: last, size: 8 });
    await until(() => connection.db.blob.id.find(last), 'a later transaction');
    assert.deepEqual(rows(connection.db.member).map((row) => row.id).sort((x, y) => x - y), ids.slice(150));
    connection.disconnect();
  });
  await check('large rows and large answers', async () => {
    const id = fresh();
    await call(bob.connection, 'addBlob', { id, size: 1 << 20 });
    await until(() => ann.connection.db.blob.id.find(id), 'a row of 1 MiB');
    const text = ann.connection.db.blob.id.find(id).text;
    assert.equal(text.length, 1 << 20);
    assert(text === 'abcdefgh'.repeat(1 << 17));
    const late = await open();
    await subscribe(late.connection, 'SELECT * FROM blob');
    assert(late.connection.db.blob.id.find(id).text === text);
    late.connection.disconnect();
  });
  await check('without compression', async () => {
    const other = await open({ configure: (builder) => builder.withCompression('none') });
    await subscribe(other.connection, 'SELECT * FROM blob', 'SELECT * FROM team');
    assert.equal(other.connection.db.team.count(), 2n);
    assert.equal(other.connection.db.blob.count(), ann.connection.db.blob.count());
    other.connection.disconnect();
  });
  for (const confirmed of [true, false]) {
    await check(`with confirmed reads ${confirmed ? 'on' : 'off'}`, async () => {
      const other = await open({ configure: (builder) => builder.withConfirmedReads(confirmed) });
      await subscribe(other.connection, 'SELECT * FROM blob');
      const id = fresh();
      await call(other.connection, 'addBlob', { id, size: 16 });
      assert.equal(other.connection.db.blob.id.find(id).text, 'abcdefghabcdefgh');
      other.connection.disconnect();
    });
  }
  await check('a light client is told of own and foreign changes', async () => {
    const light = await open({ configure: (builder) => builder.withLightMode(true) });
    const seen = record(light.connection.db.blob);
    await subscribe(light.connection, 'SELECT * FROM blob WHERE id > 0');
    seen.length = 0;
    const [own, foreign] = [fresh(), fresh()];
    await call(light.connection, 'addBlob', { id: own, size: 8 });
    await call(bob.connection, 'addBlob', { id: foreign, size: 8 });
    await until(() => seen.length === 2, 'both rows');
    assert.deepEqual(seen.map(([, row]) => row.id), [own, foreign]);
    light.connection.disconnect();
  });

  await check('the module knows its caller', async () => {
    const [who, connection, self, at] = await find('testWhoami', {});
    assert.equal(who, ann.identity.toHexString());
    assert.equal(connection, ann.connection.connectionId.toHexString());
    assert.match(self, /^c200[0-9a-f]{60}$/);
    assert(Math.abs(Number(at) / 1000 - Date.now()) < 60_000);
  });
  await check('every kind of index, inside the module', async () => {
    await call(ann.connection, 'testEverything');
    await call(ann.connection, 'testFill', { from: 0, to: 24 });
    await call(ann.connection, 'testEverything');
    assert.deepEqual(await find('testPrefix', { a: 1, b: 'bee', from: -7n, to: 5n }), ['1 13 5 17 9 21', '5 17', '5', '5 17', '5 17 9 21']);
    assert.deepEqual(await find('testRange', { from: -4, to: -3 }),
      ['1 11 21', '1 2 11 12 21 22', '1 2 3 4 5 6 7 8 9 11 12 13 14 15 16 17 18 19 21 22 23', '0 1 10 11 20 21', '0 1 2 10 11 12 20 21 22', '1 11 21']);
    for (const [by, value, want] of [['id', 3n, '1'], ['id', 3n, '0'], ['code', 4n, '1'], ['slot', 10n, '1'], ['row', 6n, '1'], ['row', 6n, '0'],
      ['tag', 2n, '5'], ['signed', -5n, '3'], ['signed from', 3n, '4'], ['a', 1n, '3'], ['flag', 1n, '3'], ['flag', 0n, '2']]) {
      assert.deepEqual(await find('testDeleteBy', { by, value }), [want], `delete by ${by} ${value}`);
    }
  });
  await check('sequences give numbers, the module may give its own', async () => {
    await subscribe(ann.connection, 'SELECT * FROM test_auto');
    const mark = `auto ${fresh()}`;
    await call(ann.connection, 'testAddAuto', { id: 0, serial: 0, text: mark });
    await call(ann.connection, 'testAddAuto', { id: -5, serial: 4_000_000_000, text: mark }).catch((error) => assert.match(error.message, /./));
    const made = rows(ann.connection.db.testAuto).filter((row) => row.text === mark);
    assert(made.some((row) => row.id > 0 && row.serial > 0 && row.plain > 0n));
  });

  await check('who disconnects is told so', async () => {
    let ended;
    const gone = new Promise((resolve) => { ended = resolve; });
    const other = await open({ onDisconnect: () => ended() });
    other.connection.disconnect();
    await within(gone, 'onDisconnect');
    assert(!other.connection.isActive);
  });

  if (owner) {
    await check('SQL of the owner is seen live', async () => {
      const events = record(ann.connection.db.team);
      await sql("INSERT INTO team (id, name) VALUES (900, 'sql')");
      await sql("UPDATE team SET name = 'changed' WHERE id = 900");
      await sql('DELETE FROM team WHERE id = 900');
      await until(() => events.length === 3, 'three changes');
      assert.deepEqual(events, [['insert', { id: 900, name: 'sql' }, client.sqlEvent],
        ['update', { id: 900, name: 'sql' }, { id: 900, name: 'changed' }, client.sqlEvent],
        ['delete', { id: 900, name: 'changed' }, client.sqlEvent]]);
    });
    await check('SQL shows what the clients have', async () => {
      const count = (await sql('SELECT COUNT(*) AS n FROM blob')).rows[0][0];
      await barrier();
      assert.equal(Number(ann.connection.db.blob.count()), count + 1);
      assert.deepEqual((await sql('SELECT * FROM secret WHERE id = 4000000')).rows, [], 'nothing of a failed reducer stays');
    });
    await check('thousands of small transactions with compression asked for: the cache is what SQL says', async () => {
      const { connection } = await open();
      const mine = fresh();
      await subscribe(connection, `SELECT * FROM member WHERE team_id = ${mine}`, 'SELECT * FROM blob WHERE id > 0');
      for (let round = 0; round < 10; round++) {
        const ids = Array.from({ length: 100 }, fresh);
        await Promise.all(ids.flatMap((id, i) => [
          call(bob.connection, 'addMember', { id, teamId: mine, name: 'x'.repeat(i * 30), active: true }),
          call(bob.connection, 'renameMember', { id, name: `renamed ${id}` }),
          ...(i % 2 ? [call(bob.connection, 'deleteMember', { id })] : []),
        ]));
      }
      const last = fresh();
      await call(bob.connection, 'addBlob', { id: last, size: 8 });
      await until(() => connection.db.blob.id.find(last), 'a later transaction');
      const told = (await sql(`SELECT id, name FROM member WHERE team_id = ${mine}`)).rows;
      assert.equal(told.length, 500);
      assert.deepEqual(rows(connection.db.member).map((row) => [row.id, row.name]).sort(), told.sort());
      connection.disconnect();
    });
    await check('SQL writes of others are refused', () => assert.rejects(sql('DELETE FROM team', ann.token), /^Error: (400|401|403) /));
    await check('the module hears who comes and goes', async () => {
      await call(ann.connection, 'testTurn', { name: 'sessions', on: true });
      const other = await open();
      other.connection.disconnect();
      const sessions = async () => (await sql('SELECT * FROM test_session')).rows
        .filter((row) => JSON.stringify(row[1]).includes(other.identity.toHexString())).map((row) => row[4]);
      let seen = [];
      for (let i = 0; i < 100 && seen.length < 2; i++) {
        seen = await sessions();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      assert.deepEqual(seen.sort(), [false, true]);
      await call(ann.connection, 'testTurn', { name: 'sessions', on: false });
    });
  }
  if (owner && wasm) {
    await check('publishing again keeps the connections, the subscriptions and the data', async () => {
      const before = ann.connection.db.blob.count();
      const answer = await fetch(`${url}/v1/database/${database}`, {
        method: 'PUT', body: readFileSync(wasm), headers: { Authorization: `Bearer ${owner}` },
      });
      assert.equal(answer.status, 200, await answer.text());
      await barrier();
      assert(ann.connection.isActive && bob.connection.isActive);
      assert.equal(ann.connection.db.blob.count(), before + 1n);
    });
    await check('publishing again with clear ends the connections and empties the tables', async () => {
      let ended;
      const gone = new Promise((resolve) => { ended = resolve; });
      const other = await open({ onDisconnect: () => ended() });
      const answer = await fetch(`${url}/v1/database/${database}?clear=true`, {
        method: 'PUT', body: readFileSync(wasm), headers: { Authorization: `Bearer ${owner}` },
      });
      assert.equal(answer.status, 200, await answer.text());
      await within(gone, 'onDisconnect');
      const again = await open({ token: other.token });
      await subscribe(again.connection, 'SELECT * FROM team', 'SELECT * FROM blob', 'SELECT * FROM member');
      assert.deepEqual([again.connection.db.team.count(), again.connection.db.blob.count(), again.connection.db.member.count()], [2n, 0n, 0n]);
      again.connection.disconnect();
    });
  }
  for (const { connection } of [ann, bob]) connection.disconnect();
}

/** Byte arrays as lists, no undefined fields, no empty payloads: the packages return those otherwise than they take them. */
function plain(value) {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== 'object') return value ?? null;
  const filled = Object.entries(value).filter(([, item]) => item !== undefined && !isUnit(item));
  return Object.fromEntries(filled.map(([name, item]) => [name, plain(item)]));
}

const isUnit = (value) => Object.getPrototypeOf(value ?? 0) === Object.prototype && Object.keys(value).length === 0;
