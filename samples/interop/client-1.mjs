// Package 1.12 behind the interface that `scenario.mjs` drives.
import * as sdk from 'spacetimedb-1.12';
import { bindings1 } from './bindings.mjs';
import { within } from './report.mjs';

export const client = {
  package: 'spacetimedb 1.12.0',
  sdk,
  /** What the event of a row callback is for somebody else's transaction. */
  foreignEvent: (module) => (module === 'v1' ? 'Reducer' : 'UnknownTransaction'),
  sqlEvent: 'UnknownTransaction',

  /** Resolves to the connection once it is open; rejects with the connect error. */
  connect({ url, database, module, token, configure = (builder) => builder, onDisconnect = () => {} }) {
    return within(new Promise((resolve, reject) => {
      const builder = bindings1(sdk, module).builder().withUri(url).withModuleName(database).withToken(token)
        .onConnect((connection, identity, given) => resolve({ connection, identity, token: given }))
        .onConnectError((_, error) => reject(error))
        .onDisconnect((_, error) => onDisconnect(error));
      configure(builder).build();
    }), 'the connection');
  },

  /** Calls a reducer and waits for the transaction update of that call; rejects with the text of a failure. */
  call(connection, reducer, params = {}) {
    const waiting = queue(connection, reducer);
    return within(new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      connection.reducers[reducer](params);
    }), `the result of ${reducer}`);
  },

  /** Sends a call with arguments as they are; version 1 does not match an answer to it. */
  callRaw(connection, reducer, bytes) {
    connection.callReducer(reducer, bytes, 'FullUpdate');
  },
};

/** The calls of `reducer` that were not answered yet, oldest first: answers come in the order of the calls. */
function queue(connection, reducer) {
  connection.waitingCalls ??= {};
  return connection.waitingCalls[reducer] ??= listen(connection, reducer);
}

function listen(connection, reducer) {
  const waiting = [];
  const register = Object.keys(connection.reducers).find((key) => key.replaceAll('_', '').toLowerCase() === `on${reducer}`.toLowerCase());
  connection.reducers[register]((context) => {
    const { callerIdentity, callerConnectionId, status } = context.event;
    const own = callerIdentity.isEqual(connection.identity) && callerConnectionId?.isEqual(connection.connectionId);
    if (!own) return;
    const { resolve, reject } = waiting.shift();
    if (status.tag === 'Committed') resolve();
    else reject(new Error(status.tag === 'Failed' ? status.value : status.tag));
  });
  return waiting;
}
