//! What `spacetime generate` would write for a module, as a macro: the glue between the rows of a module and package 2.x.
//! `bindings!` makes `RemoteModule`, `DbConnection`, the contexts, a table handle per table and a struct per reducer.

/// `table: Row = "name", key column: type, event e;`, `Reducer = "name" { argument: type, ... };` and, with the type of its value,
/// `Procedure = "name" { argument: type, ... } -> type;`
macro_rules! bindings {
    (tables { $($table:ident : $row:ident = $name:literal $(, key $key:ident : $key_type:ty)? $(, event $event:tt)? ;)* }
     reducers { $($reducer:ident = $reducer_name:literal { $($arg:ident : $arg_type:ty),* $(,)? };)* }
     $(procedures { $($procedure:ident = $procedure_name:literal { $($param:ident : $param_type:ty),* } -> $result:ty;)* })?) => {
        use spacetimedb_sdk::__codegen as sdk;
        use sdk::{__lib::bsatn, __ws as ws};

        #[derive(Debug)]
        pub struct RemoteModule;

        impl sdk::InModule for RemoteModule {
            type Module = Self;
        }

        impl sdk::SpacetimeModule for RemoteModule {
            type DbConnection = DbConnection;
            type EventContext = EventContext;
            type ReducerEventContext = ReducerEventContext;
            type ProcedureEventContext = ProcedureEventContext;
            type SubscriptionEventContext = SubscriptionEventContext;
            type ErrorContext = ErrorContext;
            type Reducer = Reducer;
            type DbView = RemoteTables;
            type Reducers = RemoteReducers;
            type Procedures = RemoteProcedures;
            type DbUpdate = DbUpdate;
            type AppliedDiff<'r> = AppliedDiff<'r>;
            type SubscriptionHandle = SubscriptionHandle;
            type QueryBuilder = sdk::QueryBuilder;

            fn register_tables(cache: &mut sdk::ClientCache<Self>) {
                $(
                    let _table = cache.get_or_make_table::<$row>($name);
                    $(_table.add_unique_constraint::<$key_type>(stringify!($key), |row| &row.$key);)?
                )*
            }

            const ALL_TABLE_NAMES: &'static [&'static str] = &[$($name),*];
        }

        $(
            #[derive(sdk::__lib::ser::Serialize, sdk::__lib::de::Deserialize, Clone, PartialEq, Debug)]
            #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
            pub struct $reducer { $(pub $arg: $arg_type),* }

            impl From<$reducer> for Reducer {
                fn from(args: $reducer) -> Self {
                    Self::$reducer(args)
                }
            }
        )*

        #[derive(Clone, PartialEq, Debug)]
        pub enum Reducer { $($reducer($reducer)),* }

        impl sdk::InModule for Reducer {
            type Module = RemoteModule;
        }

        impl sdk::Reducer for Reducer {
            fn reducer_name(&self) -> &'static str {
                match self { $(Self::$reducer(_) => $reducer_name),* }
            }

            fn args_bsatn(&self) -> Result<Vec<u8>, bsatn::EncodeError> {
                match self { $(Self::$reducer(args) => bsatn::to_vec(args)),* }
            }
        }

        #[derive(Default, Debug)]
        pub struct DbUpdate { $($table: sdk::TableUpdate<$row>),* }

        impl sdk::InModule for DbUpdate {
            type Module = RemoteModule;
        }

        impl TryFrom<ws::v2::TransactionUpdate> for DbUpdate {
            type Error = sdk::Error;

            fn try_from(raw: ws::v2::TransactionUpdate) -> Result<Self, Self::Error> {
                let mut update = Self::default();
                for table in sdk::transaction_update_iter_table_updates(raw) {
                    match &table.table_name[..] {
                        $($name => update.$table.append(sdk::TableUpdate::parse_table_update(table)?),)*
                        unknown => return Err(sdk::InternalError::unknown_name("table", unknown, "DbUpdate").into()),
                    }
                }
                Ok(update)
            }
        }

        impl sdk::DbUpdate for DbUpdate {
            fn apply_to_client_cache(&self, cache: &mut sdk::ClientCache<RemoteModule>) -> AppliedDiff<'_> {
                AppliedDiff { $($table: bindings!(@apply self, cache, $table, $row, $name $(, key $key)? $(, event $event)?),)* none: Default::default() }
            }

            fn parse_initial_rows(raw: ws::v2::QueryRows) -> sdk::Result<Self> {
                let mut update = Self::default();
                for table in raw.tables {
                    match &table.table[..] {
                        $($name => update.$table.append(sdk::parse_row_list_as_inserts(table.rows)?),)*
                        unknown => return Err(sdk::InternalError::unknown_name("table", unknown, "QueryRows").into()),
                    }
                }
                Ok(update)
            }

            fn parse_unsubscribe_rows(raw: ws::v2::QueryRows) -> sdk::Result<Self> {
                let mut update = Self::default();
                for table in raw.tables {
                    match &table.table[..] {
                        $($name => update.$table.append(sdk::parse_row_list_as_deletes(table.rows)?),)*
                        unknown => return Err(sdk::InternalError::unknown_name("table", unknown, "QueryRows").into()),
                    }
                }
                Ok(update)
            }
        }

        pub struct AppliedDiff<'r> {
            $($table: sdk::TableAppliedDiff<'r, $row>,)*
            none: std::marker::PhantomData<&'r ()>,
        }

        impl sdk::InModule for AppliedDiff<'_> {
            type Module = RemoteModule;
        }

        impl<'r> sdk::AppliedDiff<'r> for AppliedDiff<'r> {
            fn invoke_row_callbacks(&self, event: &EventContext, callbacks: &mut sdk::DbCallbacks<RemoteModule>) {
                let _ = self.none;
                $(callbacks.invoke_table_row_callbacks::<$row>($name, &self.$table, event);)*
            }
        }

        pub struct RemoteReducers { imp: sdk::DbContextImpl<RemoteModule> }

        impl sdk::InModule for RemoteReducers {
            type Module = RemoteModule;
        }

        impl RemoteReducers {
            /// What the generated functions `reducer_then(arguments, callback)` do: the callback gets the outcome of this call.
            pub fn call_then<R>(&self, args: R,
                then: impl FnOnce(&ReducerEventContext, Result<Result<(), String>, sdk::InternalError>) + Send + 'static) -> sdk::Result<()>
            where Reducer: From<R> {
                self.imp.invoke_reducer_with_callback(args, then)
            }
        }

        #[allow(dead_code)] // in a module without procedures
        pub struct RemoteProcedures { imp: sdk::DbContextImpl<RemoteModule> }

        impl sdk::InModule for RemoteProcedures {
            type Module = RemoteModule;
        }

        $($(
            #[derive(sdk::__lib::ser::Serialize, Clone, Debug)]
            #[sats(crate = spacetimedb_sdk::__codegen::__lib)]
            pub struct $procedure { $(pub $param: $param_type),* }

            impl sdk::InModule for $procedure {
                type Module = RemoteModule;
            }

            impl $procedure {
                /// What the generated function `procedure_then(arguments, callback)` does.
                pub fn then(self, procedures: &RemoteProcedures,
                    callback: impl FnOnce(&ProcedureEventContext, Result<$result, sdk::InternalError>) + Send + 'static) {
                    procedures.imp.invoke_procedure_with_callback::<_, $result>($procedure_name, self, callback)
                }
            }
        )*)?

        pub struct RemoteTables { imp: sdk::DbContextImpl<RemoteModule> }

        impl sdk::InModule for RemoteTables {
            type Module = RemoteModule;
        }

        impl RemoteTables {
            $(pub fn $table(&self) -> tables::$table<'_> {
                tables::$table { imp: self.imp.get_table($name), db: std::marker::PhantomData }
            })*
        }

        /// The table handles.
        #[allow(non_camel_case_types)]
        pub mod tables {
            use super::*;

            $(
                pub struct $table<'db> { pub(super) imp: sdk::TableHandle<$row>, pub(super) db: std::marker::PhantomData<&'db ()> }

                impl sdk::InModule for $row {
                    type Module = RemoteModule;
                }

                bindings!(@table $table, $row $(, event $event)?);

                $(
                    impl sdk::TableWithPrimaryKey for $table<'_> {
                        type UpdateCallbackId = sdk::CallbackId;

                        fn on_update(&self, callback: impl FnMut(&EventContext, &$row, &$row) + Send + 'static) -> sdk::CallbackId {
                            self.imp.on_update(Box::new(callback))
                        }

                        fn remove_on_update(&self, callback: sdk::CallbackId) {
                            self.imp.remove_on_update(callback)
                        }
                    }

                    impl $table<'_> {
                        pub fn find(&self, key: &$key_type) -> Option<$row> {
                            self.imp.get_unique_constraint::<$key_type>(stringify!($key)).find(key)
                        }
                    }
                )?
            )*
        }

        #[derive(Clone)]
        pub struct SubscriptionHandle { imp: sdk::SubscriptionHandleImpl<RemoteModule> }

        impl sdk::InModule for SubscriptionHandle {
            type Module = RemoteModule;
        }

        impl sdk::SubscriptionHandle for SubscriptionHandle {
            fn new(imp: sdk::SubscriptionHandleImpl<RemoteModule>) -> Self {
                Self { imp }
            }

            fn is_ended(&self) -> bool {
                self.imp.is_ended()
            }

            fn is_active(&self) -> bool {
                self.imp.is_active()
            }

            fn unsubscribe_then(self, on_end: sdk::OnEndedCallback<RemoteModule>) -> sdk::Result<()> {
                self.imp.unsubscribe_then(Some(on_end))
            }

            fn unsubscribe(self) -> sdk::Result<()> {
                self.imp.unsubscribe_then(None)
            }
        }

        pub struct DbConnection {
            pub db: RemoteTables,
            pub reducers: RemoteReducers,
            pub procedures: RemoteProcedures,
            imp: sdk::DbContextImpl<RemoteModule>,
        }

        impl sdk::InModule for DbConnection {
            type Module = RemoteModule;
        }

        impl sdk::DbConnection for DbConnection {
            fn new(imp: sdk::DbContextImpl<RemoteModule>) -> Self {
                Self {
                    db: RemoteTables { imp: imp.clone() }, reducers: RemoteReducers { imp: imp.clone() },
                    procedures: RemoteProcedures { imp: imp.clone() }, imp,
                }
            }
        }

        impl DbConnection {
            pub fn builder() -> sdk::DbConnectionBuilder<RemoteModule> {
                sdk::DbConnectionBuilder::new()
            }

            pub fn run_threaded(&self) -> std::thread::JoinHandle<()> {
                self.imp.run_threaded()
            }
        }

        bindings!(@context DbConnection);
        bindings!(@event EventContext, sdk::Event<Reducer>);
        bindings!(@event ReducerEventContext, sdk::ReducerEvent<Reducer>);
        bindings!(@event ProcedureEventContext, ());
        bindings!(@event SubscriptionEventContext, ());
        bindings!(@event ErrorContext, Option<sdk::Error>);
    };

    (@apply $self:ident, $cache:ident, $table:ident, $row:ident, $name:literal) => {
        $cache.apply_diff_to_table::<$row>($name, &$self.$table)
    };
    (@apply $self:ident, $cache:ident, $table:ident, $row:ident, $name:literal, key $key:ident) => {
        $cache.apply_diff_to_table::<$row>($name, &$self.$table).with_updates_by_pk(|row| &row.$key)
    };
    (@apply $self:ident, $cache:ident, $table:ident, $row:ident, $name:literal, event $event:tt) => {
        $self.$table.into_event_diff()
    };

    (@reads $row:ident) => {
        type Row = $row;
        type EventContext = EventContext;
        type InsertCallbackId = sdk::CallbackId;

        fn count(&self) -> u64 {
            self.imp.count()
        }

        fn iter(&self) -> impl Iterator<Item = $row> + '_ {
            self.imp.iter()
        }

        fn on_insert(&self, callback: impl FnMut(&EventContext, &$row) + Send + 'static) -> sdk::CallbackId {
            self.imp.on_insert(Box::new(callback))
        }

        fn remove_on_insert(&self, callback: sdk::CallbackId) {
            self.imp.remove_on_insert(callback)
        }
    };
    (@table $table:ident, $row:ident) => {
        impl sdk::Table for $table<'_> {
            bindings!(@reads $row);

            type DeleteCallbackId = sdk::CallbackId;

            fn on_delete(&self, callback: impl FnMut(&EventContext, &$row) + Send + 'static) -> sdk::CallbackId {
                self.imp.on_delete(Box::new(callback))
            }

            fn remove_on_delete(&self, callback: sdk::CallbackId) {
                self.imp.remove_on_delete(callback)
            }
        }
    };
    (@table $table:ident, $row:ident, event $event:tt) => {
        impl sdk::EventTable for $table<'_> {
            bindings!(@reads $row);
        }
    };

    (@event $context:ident, $event:ty) => {
        pub struct $context {
            pub db: RemoteTables,
            pub reducers: RemoteReducers,
            pub procedures: RemoteProcedures,
            pub event: $event,
            imp: sdk::DbContextImpl<RemoteModule>,
        }

        impl sdk::InModule for $context {
            type Module = RemoteModule;
        }

        impl sdk::AbstractEventContext for $context {
            type Event = $event;

            fn event(&self) -> &Self::Event {
                &self.event
            }

            fn new(imp: sdk::DbContextImpl<RemoteModule>, event: Self::Event) -> Self {
                Self {
                    db: RemoteTables { imp: imp.clone() }, reducers: RemoteReducers { imp: imp.clone() },
                    procedures: RemoteProcedures { imp: imp.clone() }, event, imp,
                }
            }
        }

        impl sdk::$context for $context {}

        bindings!(@context $context);
    };
    (@context $context:ident) => {
        impl sdk::DbContext for $context {
            type DbView = RemoteTables;
            type Reducers = RemoteReducers;
            type Procedures = RemoteProcedures;
            type SubscriptionBuilder = sdk::SubscriptionBuilder<RemoteModule>;

            fn db(&self) -> &RemoteTables {
                &self.db
            }

            fn reducers(&self) -> &RemoteReducers {
                &self.reducers
            }

            fn procedures(&self) -> &RemoteProcedures {
                &self.procedures
            }

            fn is_active(&self) -> bool {
                self.imp.is_active()
            }

            fn disconnect(&self) -> sdk::Result<()> {
                self.imp.disconnect()
            }

            fn subscription_builder(&self) -> Self::SubscriptionBuilder {
                sdk::SubscriptionBuilder::new(&self.imp)
            }

            fn try_identity(&self) -> Option<sdk::Identity> {
                self.imp.try_identity()
            }

            fn connection_id(&self) -> sdk::ConnectionId {
                self.imp.connection_id()
            }

            fn try_connection_id(&self) -> Option<sdk::ConnectionId> {
                self.imp.try_connection_id()
            }
        }
    };
}
