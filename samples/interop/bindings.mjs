// What the code generator would emit for the test modules, written by hand against the packages' public API. The builder `t` is
// the same in both packages; what differs is how tables are put into a schema.
// `module` is 'v1' for samples/modules/v1 and 'v2' for samples/modules/v2: they differ in canonical names and a few columns.

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Rows by table name, parameters by reducer name. */
function definitions(t, module) {
  const second = module === 'v2';
  const Color = t.enum('Color', { Red: t.unit(), Green: t.unit(), DarkBlue: t.unit() });
  const Point = t.object('Point', { x: t.i32(), y: t.i32() });
  const Rect = t.object('Rect', { topLeft: Point, size2D: Point });
  const Shape = t.enum('Shape', { Empty: t.unit(), Circle: t.f32(), Box: Rect, Poly: t.array(Point) });
  const scalars = {
    b: t.bool(), nU8: t.u8(), nI8: t.i8(), nU16: t.u16(), nI16: t.i16(), nU32: t.u32(), nI32: t.i32(), nU64: t.u64(), nI64: t.i64(),
    nU128: t.u128(), nI128: t.i128(), nU256: t.u256(), nI256: t.i256(), f32: t.f32(), f64: t.f64(), s: t.string(),
  };
  const specials = {
    ident: t.identity(), conn: t.connectionId(), at: t.timestamp(), dur: t.timeDuration(),
    ...(second ? { uuid: t.uuid() } : {}),
    sched: t.scheduleAt(),
  };
  const compounds = (id) => ({
    id, color: Color, shape: Shape, point: Point, optText: t.option(t.string()), optNum: t.option(t.u64()), optPoint: t.option(Point),
    ...(second ? { res: t.result(t.u32(), t.string()) } : {}),
    bytes: t.byteArray(), nums: t.array(t.i32()), words: t.array(t.string()), points: t.array(Point), nested: t.array(t.byteArray()),
  });
  return {
    tables: {
      scalars: { id: t.u64().primaryKey(), ...scalars },
      specials: { id: t.u32().primaryKey(), ...specials },
      compounds: compounds(t.u32().primaryKey()),
      [second ? 'player_score_2_d' : 'PlayerScore2D']: {
        playerId: t.u32().primaryKey(), nickName: t.string().unique(), teamId: t.u32(), level: t.u8(), slot1: t.u16().unique(),
        bonus: t.i64(),
      },
      team: { id: t.u32().primaryKey(), name: t.string() },
      member: { id: t.u32().primaryKey(), teamId: t.u32(), name: t.string(), active: t.bool() },
      note: { id: t.u64().primaryKey(), owner: t.identity(), text: t.string() },
      flash: { tag: t.string(), value: t.u64() },
      blob: { id: t.u32().primaryKey(), text: t.string() },
      test_auto: { id: t.i8().primaryKey(), serial: t.u32().unique(), plain: t.i64(), text: t.string() },
      test_found: { id: t.u64().primaryKey(), label: t.string(), value: t.string() },
      test_index: {
        id: t.u32().primaryKey(), a: t.u32(), b: t.string(), c: t.i64(), code: t.string().unique(), owner: t.identity().unique(),
        tag: t.string(), kind: t.u8(), slot: t.u32().unique(), signed: t.i16(), wide: t.i128(), huge: t.u256(), flag: t.bool(),
        color: Color, title: t.string(), score: t.f64(),
      },
    },
    reducers: {
      [second ? 'add_player_1' : 'addPlayer1']: {
        playerId: t.u32(), nickName: t.string(), teamId: t.u32(), level: t.u8(), slot: t.u16(),
      },
      add_scalars: scalars,
      add_specials: { id: t.u32(), ...specials },
      add_compounds: { row: t.object('Compounds', compounds(t.u32())) },
      add_member: { id: t.u32(), teamId: t.u32(), name: t.string(), active: t.bool() },
      rename_member: { id: t.u32(), name: t.string() },
      delete_member: { id: t.u32() },
      add_note: { text: t.string() },
      emit_flash: { tag: t.string(), value: t.u64() },
      add_blob: { id: t.u32(), size: t.u32() },
      nothing: {},
      fail: { text: t.string() },
      boom: {},
      duplicate_key: {},
      set_nan: {},
      log_all: {},
      test_fill: { from: t.u32(), to: t.u32() },
      test_update_by: { by: t.string(), value: t.u32(), a: t.u32() },
      test_delete_by: { label: t.string(), by: t.string(), value: t.i64() },
      test_prefix: { label: t.string(), a: t.u32(), b: t.string(), from: t.i64(), to: t.i64() },
      test_range: { label: t.string(), from: t.i16(), to: t.i16() },
      test_whoami: { label: t.string() },
      test_add_auto: { id: t.i8(), serial: t.u32(), text: t.string() },
      test_take_flash: { tag: t.string(), value: t.u64() },
      test_write_and_fail: { how: t.string() },
      test_everything: {},
      test_turn: { name: t.string(), on: t.bool() },
    },
  };
}

/** Index and constraint of every primary key and unique column, as the generator lists them. */
function keys(table, row) {
  const columns = Object.keys(row).filter((name) => row[name].columnMetadata?.isPrimaryKey || row[name].columnMetadata?.isUnique);
  return {
    indexes: columns.map((name) => ({ accessor: name, name, algorithm: 'btree', columns: [name] })),
    constraints: columns.map((name) => ({ name: `${table}_${name}_key`, constraint: 'unique', columns: [name] })),
  };
}

/** The connection class for package 1.12. */
export function bindings1(sdk, module) {
  const { tables, reducers } = definitions(sdk.t, module);
  const schema = sdk.schema(...Object.entries(tables).map(([name, row]) => sdk.table({ name, ...keys(name, row) }, sdk.t.row(row))));
  return connectionClass(sdk, schema, reducers, '1.12.0');
}

/** The connection class for package 2.x. */
export function bindings2(sdk, module) {
  const { tables, reducers } = definitions(sdk.t, module);
  const schema = sdk.schema(Object.fromEntries(
    Object.entries(tables).map(([name, row]) => [camel(name), sdk.table({ name, ...keys(name, row) }, sdk.t.row(row))])));
  return connectionClass(sdk, schema, reducers, '2.10.1');
}

/** The connection class for samples/modules/extras; package 1.12 knows no event tables. */
export function bindingsOfExtras(sdk) {
  const { t, table } = sdk;
  const rows = {
    no_columns: t.row({}), unit_column: t.row({ nothing: t.unit() }), spark: t.row({ tag: t.string(), at: t.u32() }),
    my_thing: t.row({ id: t.u32(), owner: t.identity(), text: t.string() }),
  };
  const first = !sdk.DbConnectionBuilder.prototype.withDatabaseName;
  const schema = first
    ? sdk.schema(...['no_columns', 'unit_column', 'my_thing'].map((name) => table({ name, indexes: [], constraints: [] }, rows[name])))
    : sdk.schema(Object.fromEntries(Object.entries(rows).map(([name, row]) => [camel(name), table({ name, event: name === 'spark' }, row)])));
  const reducers = {
    set_empty: { there: t.bool() }, strike: { tag: t.string(), from: t.u32(), to: t.u32() }, put: { id: t.u32(), text: t.string() },
  };
  return connectionClass(sdk, schema, reducers, first ? '1.12.0' : '2.10.1', sdk.procedures(
    sdk.procedureSchema('sum', { a: t.u32(), b: t.u32() }, t.u64()),
    sdk.procedureSchema('make', { id: t.u32(), text: t.string() }, t.u64()),
    sdk.procedureSchema('explode', {}, t.u64())));
}

function connectionClass(sdk, schema, reducers, cliVersion, procedures = sdk.procedures()) {
  const remoteModule = {
    versionInfo: { cliVersion },
    tables: schema.schemaType.tables,
    reducers: sdk.reducers(...Object.entries(reducers).map(([name, params]) => sdk.reducerSchema(name, params))).reducersType.reducers,
    ...procedures,
  };
  return class DbConnection extends sdk.DbConnectionImpl {
    static builder() {
      return new sdk.DbConnectionBuilder(remoteModule, (config) => new DbConnection(config));
    }
  };
}
