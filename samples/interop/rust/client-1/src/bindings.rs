//! What `spacetime generate` would write for a module, as a macro: the glue between the rows of a module and package 1.x.
//! `bindings!` makes `RemoteModule`, `DbConnection`, the contexts, a table handle per table and a struct per reducer.

/// `table: Row = "name", key column: type;` and `Reducer = "name" { argument: type, ... };`
macro_rules! bindings {
    (tables { $($table:ident : $row:ident = $name:literal $(, key $key:ident : $key_type:ty)? ;)* }
     reducers { $($reducer:ident = $reducer_name:literal { $($arg:ident : $arg_type:ty),* $(,)? };)* }) => {
        use spacetimedb_sdk::__codegen as sdk;
        use sdk::__ws as ws;

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
            type SetReducerFlags = SetReducerFlags;
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
        }

        impl TryFrom<ws::ReducerCallInfo<ws::BsatnFormat>> for Reducer {
            type Error = sdk::Error;

            fn try_from(call: ws::ReducerCallInfo<ws::BsatnFormat>) -> Result<Self, Self::Error> {
                match &call.reducer_name[..] {
                    $($reducer_name => Ok(Self::$reducer(sdk::parse_reducer_args($reducer_name, &call.args)?)),)*
                    unknown => Err(sdk::InternalError::unknown_name("reducer", unknown, "ReducerCallInfo").into()),
                }
            }
        }

        #[derive(Default)]
        pub struct DbUpdate { $($table: sdk::TableUpdate<$row>),* }

        impl sdk::InModule for DbUpdate {
            type Module = RemoteModule;
        }

        impl TryFrom<ws::DatabaseUpdate<ws::BsatnFormat>> for DbUpdate {
            type Error = sdk::Error;

            fn try_from(raw: ws::DatabaseUpdate<ws::BsatnFormat>) -> Result<Self, Self::Error> {
                let mut update = Self::default();
                for table in raw.tables {
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
                AppliedDiff { $($table: bindings!(@apply self, cache, $table, $row, $name $(, key $key)?),)* none: Default::default() }
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
            $(
                /// Calls the reducer.
                #[allow(non_snake_case)]
                pub fn $reducer(&self, args: $reducer) -> sdk::Result<()> {
                    self.imp.call_reducer($reducer_name, args)
                }
            )*

            /// What the generated functions `on_reducer(callback)` do: the callback runs for each call of the reducer, whoever made it.
            pub fn on(&self, reducer: &'static str, mut callback: impl FnMut(&ReducerEventContext) + Send + 'static) -> sdk::CallbackId {
                self.imp.on_reducer(reducer, Box::new(move |context: &ReducerEventContext| callback(context)))
            }
        }

        $(
            impl sdk::InModule for $reducer {
                type Module = RemoteModule;
            }

            impl $reducer {
                pub const NAME: &'static str = $reducer_name;
            }
        )*

        pub struct SetReducerFlags;

        impl sdk::InModule for SetReducerFlags {
            type Module = RemoteModule;
        }

        pub struct RemoteProcedures;

        impl sdk::InModule for RemoteProcedures {
            type Module = RemoteModule;
        }

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

                bindings!(@table $table, $row);

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
            pub set_reducer_flags: SetReducerFlags,
            imp: sdk::DbContextImpl<RemoteModule>,
        }

        impl sdk::InModule for DbConnection {
            type Module = RemoteModule;
        }

        impl sdk::DbConnection for DbConnection {
            fn new(imp: sdk::DbContextImpl<RemoteModule>) -> Self {
                Self {
                    db: RemoteTables { imp: imp.clone() }, reducers: RemoteReducers { imp: imp.clone() },
                    procedures: RemoteProcedures, set_reducer_flags: SetReducerFlags, imp,
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

    (@event $context:ident, $event:ty) => {
        pub struct $context {
            pub db: RemoteTables,
            pub reducers: RemoteReducers,
            pub procedures: RemoteProcedures,
            pub set_reducer_flags: SetReducerFlags,
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
                    procedures: RemoteProcedures, set_reducer_flags: SetReducerFlags, event, imp,
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
            type SetReducerFlags = SetReducerFlags;
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

            fn set_reducer_flags(&self) -> &SetReducerFlags {
                &self.set_reducer_flags
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
