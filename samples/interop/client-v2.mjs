// Package 2.10 behind the interface that `scenario.mjs` drives.
import * as sdk from 'spacetimedb-v2';
import { bindings2 } from './bindings.mjs';
import { within } from './report.mjs';

export const client = {
  package: 'spacetimedb 2.10.1',
  sdk,
  foreignEvent: () => 'Transaction',
  sqlEvent: 'Transaction',

  connect({ url, database, module, token, configure = (builder) => builder, onDisconnect = () => {} }) {
    return within(new Promise((resolve, reject) => {
      const builder = bindings2(sdk, module).builder().withUri(url).withDatabaseName(database).withToken(token)
        .onConnect((connection, identity, given) => resolve({ connection, identity, token: given }))
        .onConnectError((_, error) => reject(error))
        .onDisconnect((_, error) => onDisconnect(error));
      configure(builder).build();
    }), 'the connection');
  },

  call(connection, reducer, params = {}) {
    return within(connection.reducers[reducer](params), `the result of ${reducer}`);
  },

  callRaw(connection, reducer, bytes) {
    return within(connection.callReducer(reducer, bytes), `the result of ${reducer}`);
  },
};
