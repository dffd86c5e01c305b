//! Writes golden vectors of the SATS encodings, as the published crates compute them, one JSON object a line. Always the
//! same lines: types and values come from a fixed seed. From this directory:
//!
//!     cargo run --locked -- ../../resources/golden ../../../../../engine/src/test/resources/golden

use serde::de::DeserializeSeed as _;
use serde_json::json;
use spacetimedb_lib::{hash_bytes, Identity};
use spacetimedb_sats::algebraic_type::fmt::fmt_algebraic_type;
use spacetimedb_sats::de::serde::SeedWrapper;
use spacetimedb_sats::serde::SerdeWrapper;
use spacetimedb_sats::typespace::Typespace;
use spacetimedb_sats::{bsatn, i256, u256, AlgebraicType, AlgebraicValue, ProductType, SumType, SumTypeVariant, WithTypespace};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545F4914F6CDD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }
}

const NAMES: [&str; 8] = ["a", "b", "c", "x", "some_name", "Größe", "quote\"", "z9"];

fn random_type(r: &mut Random, depth: usize) -> AlgebraicType {
    let kind = if depth == 0 { r.below(16) } else { 12 + r.below(12) };
    match kind {
        0 => AlgebraicType::String,
        1 => AlgebraicType::Bool,
        2 => AlgebraicType::I8,
        3 => AlgebraicType::U8,
        4 => AlgebraicType::I16,
        5 => AlgebraicType::U16,
        6 => AlgebraicType::I32,
        7 => AlgebraicType::U32,
        8 => AlgebraicType::I64,
        9 => AlgebraicType::U64,
        10 => AlgebraicType::I128,
        11 => AlgebraicType::U128,
        12 => AlgebraicType::I256,
        13 => AlgebraicType::U256,
        14 => AlgebraicType::F32,
        15 => AlgebraicType::F64,
        16 | 17 => AlgebraicType::array(random_type(r, depth - 1)),
        18..=20 => {
            let count = r.below(5);
            ProductType::from_iter((0..count).map(|i| (NAMES[i], random_type(r, depth - 1)))).into()
        }
        21 => AlgebraicType::option(random_type(r, depth - 1)),
        _ => {
            let count = 1 + r.below(4);
            let variants: Vec<_> = (0..count)
                .map(|i| SumTypeVariant::new_named(random_type(r, depth - 1), NAMES[7 - i]))
                .collect();
            SumType::new(variants.into()).into()
        }
    }
}

fn bytes<const N: usize>(r: &mut Random) -> [u8; N] {
    let style = r.below(5);
    let mut b: [u8; N] = std::array::from_fn(|_| match style {
        0 => 0,
        1 => 0xff,
        _ => r.next() as u8,
    });
    if style == 2 {
        b[1.min(N - 1)..].fill(0);
    }
    if style == 3 {
        b[1.min(N - 1)..].fill(0xff);
    }
    b
}

fn text(r: &mut Random) -> String {
    const PARTS: [&str; 12] = ["a", "B", "ü", "€", "𝄞", "\0", "\n", "\"", "\\", "/", "\u{7f}", "\u{ffff}"];
    let count = r.below(5);
    (0..count).map(|_| PARTS[r.below(PARTS.len())]).collect()
}

fn float(r: &mut Random) -> f64 {
    const SPECIAL: [f64; 14] = [
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        1e15,
        1e16,
        1.5e17,
        123456789.125,
        1e-4,
        1e-5,
        1.25e-7,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    match r.below(4) {
        0 => f64::from_bits(r.next()),
        1 => r.next() as i32 as f64 / 1000.0,
        _ => SPECIAL[r.below(SPECIAL.len())],
    }
}

fn random_value(r: &mut Random, ty: &AlgebraicType) -> AlgebraicValue {
    match ty {
        AlgebraicType::Ref(_) => unreachable!(),
        AlgebraicType::String => text(r).into(),
        AlgebraicType::Bool => (r.below(2) == 1).into(),
        AlgebraicType::I8 => i8::from_le_bytes(bytes(r)).into(),
        AlgebraicType::U8 => u8::from_le_bytes(bytes(r)).into(),
        AlgebraicType::I16 => i16::from_le_bytes(bytes(r)).into(),
        AlgebraicType::U16 => u16::from_le_bytes(bytes(r)).into(),
        AlgebraicType::I32 => i32::from_le_bytes(bytes(r)).into(),
        AlgebraicType::U32 => u32::from_le_bytes(bytes(r)).into(),
        AlgebraicType::I64 => i64::from_le_bytes(bytes(r)).into(),
        AlgebraicType::U64 => u64::from_le_bytes(bytes(r)).into(),
        AlgebraicType::I128 => i128::from_le_bytes(bytes(r)).into(),
        AlgebraicType::U128 => u128::from_le_bytes(bytes(r)).into(),
        AlgebraicType::I256 => i256::from_le_bytes(bytes(r)).into(),
        AlgebraicType::U256 => u256::from_le_bytes(bytes(r)).into(),
        AlgebraicType::F32 => match r.below(3) {
            0 => f32::from_bits(r.next() as u32).into(),
            _ => (float(r) as f32).into(),
        },
        AlgebraicType::F64 => float(r).into(),
        AlgebraicType::Array(array) => {
            // By way of the bytes, because the crate keeps an array of each type in another form.
            let count = r.below(4);
            let mut encoded = (count as u32).to_le_bytes().to_vec();
            for _ in 0..count {
                encoded.extend(bsatn::to_vec(&random_value(r, &array.elem_ty)).unwrap());
            }
            decode(ty, &encoded).unwrap().0
        }
        AlgebraicType::Product(product) => AlgebraicValue::product(
            product
                .elements
                .iter()
                .map(|e| random_value(r, &e.algebraic_type))
                .collect::<Vec<_>>(),
        ),
        AlgebraicType::Sum(sum) => {
            let tag = r.below(sum.variants.len());
            AlgebraicValue::sum(tag as u8, random_value(r, &sum.variants[tag].algebraic_type))
        }
    }
}

/// The value and the number of bytes it took.
fn decode(ty: &AlgebraicType, mut encoded: &[u8]) -> Result<(AlgebraicValue, usize), bsatn::DecodeError> {
    let before = encoded.len();
    let value = AlgebraicValue::decode(ty, &mut encoded)?;
    Ok((value, before - encoded.len()))
}

fn from_json(ty: &AlgebraicType, text: &str) -> Result<AlgebraicValue, serde_json::Error> {
    let typespace = Typespace::default();
    let mut de = serde_json::Deserializer::from_str(text);
    let value = SeedWrapper(WithTypespace::new(&typespace, ty)).deserialize(&mut de)?;
    de.end()?;
    Ok(value)
}

fn typed(ty: &AlgebraicType, value: &AlgebraicValue) -> String {
    let typespace = Typespace::default();
    serde_json::to_string(SerdeWrapper::from_ref(&WithTypespace::new(&typespace, ty).with_value(value))).unwrap()
}

fn type_json(ty: &AlgebraicType) -> serde_json::Value {
    serde_json::to_value(SerdeWrapper::from_ref(ty)).unwrap()
}

fn types(out: &mut dyn Write) {
    let mut r = Random(1);
    for i in 0..200 {
        let mut ty = random_type(&mut r, 1 + i % 4);
        if i % 20 == 19 {
            ty = AlgebraicType::product([ty, AlgebraicType::Ref(spacetimedb_sats::AlgebraicTypeRef(i as u32))]);
        }
        let line = json!({
            "type": type_json(&ty),
            "hex": hex(&bsatn::to_vec(&ty).unwrap()),
            "text": fmt_algebraic_type(&ty).to_string(),
        });
        writeln!(out, "{line}").unwrap();
    }
}

fn values(out: &mut dyn Write) {
    let mut r = Random(2);
    for i in 0..600 {
        let ty = random_type(&mut r, i % 4);
        let value = random_value(&mut r, &ty);
        let line = json!({
            "type": type_json(&ty),
            "hex": hex(&bsatn::to_vec(&value).unwrap()),
            "typed": typed(&ty, &value),
            "untyped": serde_json::to_string(SerdeWrapper::from_ref(&value)).unwrap(),
        });
        writeln!(out, "{line}").unwrap();
    }
}

/// Whether values of the type take no bytes.
fn is_empty(ty: &AlgebraicType) -> bool {
    matches!(ty, AlgebraicType::Product(p) if p.elements.iter().all(|e| is_empty(&e.algebraic_type)))
}

/// Whether the type has an array of values without bytes: the crate allocates whatever count such an array claims.
fn has_empty_array(ty: &AlgebraicType) -> bool {
    match ty {
        AlgebraicType::Array(a) => is_empty(&a.elem_ty) || has_empty_array(&a.elem_ty),
        AlgebraicType::Product(p) => p.elements.iter().any(|e| has_empty_array(&e.algebraic_type)),
        AlgebraicType::Sum(s) => s.variants.iter().any(|v| has_empty_array(&v.algebraic_type)),
        _ => false,
    }
}

/// Damaged bytes: whether they still are a value, and how many bytes it takes.
fn bytes_lines(out: &mut dyn Write) {
    let mut r = Random(3);
    for i in 0..600 {
        let ty = random_type(&mut r, 1 + i % 3);
        if has_empty_array(&ty) {
            continue;
        }
        let mut encoded = bsatn::to_vec(&random_value(&mut r, &ty)).unwrap();
        for _ in 0..1 + r.below(3) {
            match r.below(4) {
                0 if !encoded.is_empty() => encoded.truncate(r.below(encoded.len())),
                1 => encoded.insert(r.below(encoded.len() + 1), r.next() as u8),
                _ if !encoded.is_empty() => {
                    let at = r.below(encoded.len());
                    encoded[at] ^= 1 << r.below(8);
                }
                _ => encoded.push(r.next() as u8),
            }
        }
        let length = decode(&ty, &encoded).ok().map(|(_, length)| length);
        writeln!(
            out,
            "{}",
            json!({"type": type_json(&ty), "hex": hex(&encoded), "length": length})
        )
        .unwrap();
    }
}

fn order(out: &mut dyn Write) {
    let mut r = Random(4);
    for i in 0..600 {
        let ty = random_type(&mut r, i % 3);
        let a = random_value(&mut r, &ty);
        let mut b = random_value(&mut r, &ty);
        if i % 5 == 0 {
            b = a.clone();
        }
        let line = json!({
            "type": type_json(&ty),
            "a": hex(&bsatn::to_vec(&a).unwrap()),
            "b": hex(&bsatn::to_vec(&b).unwrap()),
            "order": a.cmp(&b) as i8,
        });
        writeln!(out, "{line}").unwrap();
    }
}

/// JSON texts read as a type: the bytes of the value, or null if they are refused.
fn json_lines(out: &mut dyn Write) {
    let unit = AlgebraicType::unit();
    let point = AlgebraicType::product([("x", AlgebraicType::I32), ("y", AlgebraicType::I32)]);
    let shape = AlgebraicType::sum([("empty", unit.clone()), ("circle", AlgebraicType::F32), ("at", point.clone())]);
    let option = AlgebraicType::option(AlgebraicType::U8);
    let big = "1".repeat(45);
    let cases: Vec<(AlgebraicType, Vec<&str>)> = vec![
        (
            AlgebraicType::Bool,
            vec!["true", "false", "0", "1", "null", "\"true\"", "[]", " true ", "tru", "true x"],
        ),
        (
            AlgebraicType::U8,
            vec![
                "0", "255", "256", "-1", "-0", "1.0", "1e2", "\"1\"", "null", "01", "+1", "[1]", "", "1 2",
            ],
        ),
        (AlgebraicType::I8, vec!["-128", "127", "128", "-129", "-0", "0.0"]),
        (
            AlgebraicType::I32,
            vec!["-2147483648", "2147483647", "2147483648", "1E3", "-0"],
        ),
        (
            AlgebraicType::U64,
            vec!["18446744073709551615", "18446744073709551616", "-1", "9007199254740993", "-0"],
        ),
        (
            AlgebraicType::I64,
            vec!["-9223372036854775808", "9223372036854775807", "9223372036854775808", "-0"],
        ),
        (
            AlgebraicType::U128,
            vec![
                "5",
                "340282366920938463463374607431768211455",
                "340282366920938463463374607431768211456",
                "18446744073709551615",
                "-1",
                "1.0",
                "\"5\"",
                "-0",
            ],
        ),
        (
            AlgebraicType::I128,
            vec![
                "5",
                "-170141183460469231731687303715884105728",
                "170141183460469231731687303715884105728",
                "-5",
                "-9223372036854775808",
                "1.0",
                "-0",
            ],
        ),
        (
            AlgebraicType::U256,
            vec![
                "\"0x0\"",
                "\"0x1\"",
                "\"0xAb\"",
                "\"0Xab\"",
                "\"-0x1\"",
                "\"-0x0\"",
                "\"1\"",
                "1",
                "\"0x\"",
                "\"\"",
                "\"ff\"",
                "\"0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
                "\"0x1ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
                "\"0x0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
                "\"0x0000ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
                "\"0x+1\"",
                "\"0x 1\"",
                "\"0x1_0\"",
            ],
        ),
        (
            AlgebraicType::I256,
            vec![
                "\"0x5\"",
                "\"-0x5\"",
                "\"-0xAB\"",
                "\"-0x0\"",
                "\"-5\"",
                "5",
                "\"--0x5\"",
                "\"0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"",
                "\"0x8000000000000000000000000000000000000000000000000000000000000000\"",
                "\"-0x8000000000000000000000000000000000000000000000000000000000000000\"",
                "\"-0x8000000000000000000000000000000000000000000000000000000000000001\"",
            ],
        ),
        (
            AlgebraicType::F64,
            vec![
                "0",
                "-0",
                "-0.0",
                "1",
                "1.5",
                "1e308",
                "1e309",
                "-1e309",
                "1e-400",
                "18446744073709551615",
                &big,
                "null",
                "\"1\"",
                ".5",
                "5.",
                "1e",
                "NaN",
            ],
        ),
        (
            AlgebraicType::F32,
            vec![
                "0",
                "-0.0",
                "1.1",
                "3.4028235e38",
                "1e39",
                "-1e39",
                "1e-46",
                "16777217",
                "1e309",
                "null",
            ],
        ),
        (
            AlgebraicType::String,
            vec![
                r#""""#,
                r#""a""#,
                r#""\u00fc\n\/\"\\\b\f\r\t""#,
                r#""\ud834\udd1e""#,
                r#""\ud834""#,
                r#""\udd1e""#,
                r#""\ud834x""#,
                r#""\x""#,
                "\"\n\"",
                "'a'",
                "1",
                "null",
                r#"["a"]"#,
                r#""\u0000""#,
                r#""𝄞""#,
                r#""\u12g4""#,
                "\"a",
            ],
        ),
        (
            AlgebraicType::bytes(),
            vec![
                r#""""#,
                r#""00ff""#,
                r#""00FF""#,
                r#""0""#,
                r#""0x00""#,
                r#""zz""#,
                "[]",
                "[0,255]",
                "[256]",
                "[-1]",
                "null",
                "{}",
                "[\"00\"]",
            ],
        ),
        (
            AlgebraicType::array(AlgebraicType::U16),
            vec!["[]", "[1,2]", "[1,]", "[,1]", "\"\"", "\"0001\"", "{}", "null", "[[1]]", "[1"],
        ),
        (unit.clone(), vec!["[]", "{}", "null", "[1]", "{\"a\":1}", "\"\"", "0"]),
        (
            point,
            vec![
                r#"{"x":1,"y":2}"#,
                r#"{"y":2,"x":1}"#,
                "[1,2]",
                "[1]",
                "[1,2,3]",
                r#"{"x":1}"#,
                r#"{"x":1,"y":2,"z":3}"#,
                r#"{"x":1,"x":1,"y":2}"#,
                r#"{"x":1,"y":2,}"#,
                "{}",
                "[]",
                "null",
                "1",
                r#"{"0":1,"1":2}"#,
                r#"{"\u0078":1,"y":2}"#,
            ],
        ),
        (
            shape,
            vec![
                r#"{"empty":[]}"#,
                r#"{"empty":{}}"#,
                r#"{"empty":null}"#,
                r#"{"0":[]}"#,
                r#"{"1":1.5}"#,
                r#"{"3":[]}"#,
                r#"{"-1":[]}"#,
                r#"[0,[]]"#,
                r#"[1,1.5]"#,
                r#"["circle",1.5]"#,
                r#"["1",1.5]"#,
                r#"[2,{"x":1,"y":2}]"#,
                r#"{"at":[1,2]}"#,
                r#"[0]"#,
                r#"[0,[],1]"#,
                r#"[3,[]]"#,
                r#"[-1,[]]"#,
                r#"[0.0,[]]"#,
                r#""empty""#,
                r#"{}"#,
                "[]",
                "null",
                r#"{"empty":[],"circle":1.0}"#,
                r#"{"Empty":[]}"#,
                r#"{"00":[]}"#,
                r#"{"01":1.5}"#,
                r#"[256,[]]"#,
                r#"{"256":[]}"#,
                "0",
                r#"[null,[]]"#,
            ],
        ),
        (
            option.clone(),
            vec![
                "null",
                r#"{"some":3}"#,
                r#"{"none":[]}"#,
                r#"{"none":null}"#,
                "3",
                "[0,3]",
                "[1,[]]",
                "[1,{}]",
                "[0]",
                r#"["some",3]"#,
                r#""none""#,
                r#"{"some":null}"#,
            ],
        ),
        (
            AlgebraicType::option(option),
            vec!["null", r#"{"some":null}"#, r#"{"some":{"some":3}}"#, r#"{"none":[]}"#],
        ),
        (
            AlgebraicType::identity(),
            vec![r#"{"__identity__":"0x1"}"#, r#"["0x1"]"#, r#""0x1""#, r#"{"__identity__":1}"#],
        ),
        (
            AlgebraicType::timestamp(),
            vec![r#"{"__timestamp_micros_since_unix_epoch__":5}"#, "[5]", "5"],
        ),
        (
            AlgebraicType::product([AlgebraicType::I32, AlgebraicType::Bool]),
            vec!["[1,true]", r#"{"0":1,"1":true}"#, "[1]"],
        ),
    ];
    for (ty, texts) in cases {
        for text in texts {
            let encoded = from_json(&ty, text).ok().map(|v| hex(&bsatn::to_vec(&v).unwrap()));
            writeln!(out, "{}", json!({"type": type_json(&ty), "json": text, "hex": encoded})).unwrap();
        }
    }
}

fn hashes(out: &mut dyn Write) {
    for (issuer, subject) in [
        ("https://example.com", "alice"),
        ("localhost", ""),
        ("", ""),
        ("ü", "𝄞|x"),
        ("a|b", "c"),
        ("a", "b|c"),
    ] {
        let identity = Identity::from_claims(issuer, subject);
        writeln!(
            out,
            "{}",
            json!({"issuer": issuer, "subject": subject, "identity": identity.to_hex().to_string(), "bsatn": hex(&bsatn::to_vec(&identity).unwrap())})
        )
        .unwrap();
    }
    for length in [0, 1, 3, 31, 32, 64, 135, 136, 137, 1000] {
        let input: Vec<u8> = (0..length).map(|i| i as u8).collect();
        writeln!(
            out,
            "{}",
            json!({"input": hex(&input), "keccak256": hash_bytes(&input).to_hex().to_string()})
        )
        .unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn main() {
    let dirs: Vec<String> = std::env::args().skip(1).collect();
    assert!(dirs.len() == 2, "usage: golden SATS-OUTPUT-DIRECTORY ENGINE-OUTPUT-DIRECTORY");
    let files: [(usize, &str, fn(&mut dyn Write)); 6] = [
        (0, "types.jsonl", types),
        (0, "values.jsonl", values),
        (0, "bytes.jsonl", bytes_lines),
        (0, "order.jsonl", order),
        (0, "json.jsonl", json_lines),
        (1, "hashes.jsonl", hashes),
    ];
    for (dir, name, write) in files {
        let mut out = BufWriter::new(File::create(Path::new(&dirs[dir]).join(name)).unwrap());
        write(&mut out);
        out.flush().unwrap();
    }
}
