// What the code generator would emit for the chat module, written by hand against the package's public API.
import {
  DbConnectionBuilder as ConnectionBuilder,
  DbConnectionImpl,
  makeQueryBuilder,
  procedures,
  reducerSchema,
  reducers,
  schema,
  t,
  table,
  type DbConnectionConfig,
  type Infer,
  type RemoteModule,
} from 'spacetimedb';

const UserRow = t.row({
  identity: t.identity().primaryKey(),
  name: t.option(t.string()),
  online: t.bool(),
});
export type User = Infer<typeof UserRow>;

const MessageRow = t.row({
  id: t.u64().primaryKey(),
  sender: t.identity(),
  sent: t.timestamp(),
  text: t.string(),
});
export type Message = Infer<typeof MessageRow>;

const tablesSchema = schema({
  user: table(
    {
      name: 'user',
      indexes: [{ accessor: 'identity', name: 'user_identity_idx_btree', algorithm: 'btree', columns: ['identity'] }],
      constraints: [{ name: 'user_identity_key', constraint: 'unique', columns: ['identity'] }],
    },
    UserRow,
  ),
  message: table(
    {
      name: 'message',
      indexes: [{ accessor: 'id', name: 'message_id_idx_btree', algorithm: 'btree', columns: ['id'] }],
      constraints: [{ name: 'message_id_key', constraint: 'unique', columns: ['id'] }],
    },
    MessageRow,
  ),
});

const reducersSchema = reducers(
  reducerSchema('set_name', { name: t.string() }),
  reducerSchema('send_message', { text: t.string() }),
);

const proceduresSchema = procedures();

const remoteModule = {
  versionInfo: { cliVersion: '2.10.1' as const },
  tables: tablesSchema.schemaType.tables,
  reducers: reducersSchema.reducersType.reducers,
  ...proceduresSchema,
} satisfies RemoteModule<
  typeof tablesSchema.schemaType,
  typeof reducersSchema.reducersType,
  typeof proceduresSchema
>;

/** For typed queries: `tables.user`, `tables.message.where(row => ...)`. */
export const tables = makeQueryBuilder(tablesSchema.schemaType);

/** A connection to a database that runs the chat module. */
export class DbConnection extends DbConnectionImpl<typeof remoteModule> {
  static builder(): ConnectionBuilder<DbConnection> {
    return new ConnectionBuilder<DbConnection>(
      remoteModule,
      (config: DbConnectionConfig<typeof remoteModule>) => new DbConnection(config),
    );
  }
}
