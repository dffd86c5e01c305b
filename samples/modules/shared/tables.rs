// The tables both test modules have. Crate 1.x calls the name of a table `name`, crate 2.x `accessor`: hence the macro.
// The tables up to `team` are those of the golden vectors' module (without scheduling, row-level security and events), in the
// same order, so that recorded scenarios can be replayed; those named `test_*` come after them.

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq)]
pub enum Color {
    Red,
    Green,
    DarkBlue,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub struct Rect {
    pub top_left: Point,
    pub size2d: Point,
}

#[derive(SpacetimeType, Clone, Debug, PartialEq)]
pub enum Shape {
    Empty,
    Circle(f32),
    Box(Rect),
    Poly(Vec<Point>),
}

macro_rules! common_tables {
    ($name:ident) => {
        /// Every scalar type.
        #[table($name = scalars, public)]
        pub struct Scalars {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            pub b: bool,
            pub n_u8: u8,
            pub n_i8: i8,
            pub n_u16: u16,
            pub n_i16: i16,
            pub n_u32: u32,
            pub n_i32: i32,
            pub n_u64: u64,
            pub n_i64: i64,
            pub n_u128: u128,
            pub n_i128: i128,
            pub n_u256: u256,
            pub n_i256: i256,
            pub f_32: f32,
            pub f_64: f64,
            pub s: String,
        }

        /// Names that case conversion changes, several index kinds.
        #[table($name = PlayerScore2D, public, index($name = byTeamAndLevel, btree(columns = [teamId, level])))]
        #[allow(non_snake_case)]
        pub struct PlayerScore {
            #[primary_key]
            pub playerId: u32,
            #[unique]
            pub nickName: String,
            #[index(hash)]
            pub teamId: u32,
            #[index(btree)]
            pub level: u8,
            #[unique]
            #[index(direct)]
            pub slot1: u16,
            #[default(7i64)]
            pub bonus: i64,
        }

        #[table($name = team, public)]
        pub struct Team {
            #[primary_key]
            pub id: u32,
            pub name: String,
        }

        #[table($name = member, public)]
        pub struct Member {
            #[primary_key]
            pub id: u32,
            #[index(btree)]
            pub team_id: u32,
            pub name: String,
            pub active: bool,
        }

        #[table($name = secret)]
        pub struct Secret {
            #[primary_key]
            pub id: u32,
            pub text: String,
        }

        #[table($name = note, public)]
        pub struct Note {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            #[index(btree)]
            pub owner: Identity,
            pub text: String,
        }

        /// No key, no index: a set of rows.
        #[table($name = flash, public)]
        pub struct Flash {
            pub tag: String,
            pub value: u64,
        }

        #[table($name = blob, public)]
        pub struct Blob {
            #[primary_key]
            pub id: u32,
            pub text: String,
        }

        #[table($name = job, public)]
        pub struct Job {
            #[primary_key]
            #[auto_inc]
            pub scheduled_id: u64,
            pub scheduled_at: ScheduleAt,
            pub label: String,
        }

        #[table($name = banned)]
        pub struct Banned {
            #[primary_key]
            pub ident: Identity,
        }

        /// Sequences of several widths, one of them not on the key.
        #[table($name = test_auto, public)]
        pub struct TestAuto {
            #[primary_key]
            #[auto_inc]
            pub id: i8,
            #[unique]
            #[auto_inc]
            pub serial: u32,
            #[auto_inc]
            pub plain: i64,
            pub text: String,
        }

        /// What the reducers that look at rows have found: `label` is the caller's mark.
        #[table($name = test_found, public)]
        pub struct TestFound {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            #[index(btree)]
            pub label: String,
            pub value: String,
        }

        /// One row per index kind and key type.
        #[table($name = test_index, public,
            index($name = by_a_b_c, btree(columns = [a, b, c])),
            index($name = by_tag_kind, hash(columns = [tag, kind])))]
        #[derive(Clone, Debug, PartialEq)]
        pub struct TestIndex {
            #[primary_key]
            pub id: u32,
            pub a: u32,
            pub b: String,
            pub c: i64,
            #[unique]
            pub code: String,
            #[unique]
            pub owner: Identity,
            #[index(hash)]
            pub tag: String,
            pub kind: u8,
            #[unique]
            #[index(direct)]
            pub slot: u32,
            #[index(btree)]
            pub signed: i16,
            #[index(btree)]
            pub wide: i128,
            #[index(btree)]
            pub huge: u256,
            #[index(btree)]
            pub flag: bool,
            #[index(btree)]
            pub color: Color,
            #[index(btree)]
            pub title: String,
            pub score: f64,
        }

        /// Keys of the remaining types.
        #[table($name = test_keys, public)]
        pub struct TestKeys {
            #[primary_key]
            pub ident: Identity,
            #[unique]
            pub conn: ConnectionId,
            #[unique]
            pub signed_wide: i128,
            #[index(btree)]
            pub small: i8,
            #[index(btree)]
            pub long: u64,
        }

        /// Filled while `test_switch` has a row.
        #[table($name = test_session)]
        pub struct TestSession {
            #[primary_key]
            #[auto_inc]
            pub id: u64,
            pub who: Identity,
            pub conn: Option<ConnectionId>,
            pub at: Timestamp,
            pub came: bool,
        }

        #[table($name = test_switch)]
        pub struct TestSwitch {
            #[primary_key]
            pub name: String,
        }
    };
}
