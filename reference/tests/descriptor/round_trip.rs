//! Text carries every descriptor unchanged, and no text makes the parser panic.

use gpushare::TextureDescriptor;
use proptest::prelude::*;
use serde_json::Value;

use crate::fields;

/// What can happen to a text on its way.
#[derive(Clone, Debug)]
enum Damage {
    Replace(u8),
    Insert(u8),
    Remove,
    CutOff,
    Repeat(usize),
}

fn damage() -> impl Strategy<Value = Vec<(prop::sample::Index, Damage)>> {
    // Bytes that mean something in JSON hit deeper than random ones.
    let byte = || prop_oneof![prop::sample::select(&b"{}[]\",:0123456789-.eE\\ntf "[..]), any::<u8>()];
    let one = prop_oneof![
        4 => byte().prop_map(Damage::Replace),
        2 => byte().prop_map(Damage::Insert),
        2 => Just(Damage::Remove),
        1 => Just(Damage::CutOff),
        1 => (1..40usize).prop_map(Damage::Repeat),
    ];
    prop::collection::vec((any::<prop::sample::Index>(), one), 1..5)
}

fn apply(text: &mut Vec<u8>, place: &prop::sample::Index, damage: &Damage) {
    if text.is_empty() {
        return;
    }
    let at = place.index(text.len());
    match damage {
        Damage::Replace(byte) => text[at] = *byte,
        Damage::Insert(byte) => text.insert(at, *byte),
        Damage::Remove => drop(text.remove(at)),
        Damage::CutOff => text.truncate(at),
        Damage::Repeat(count) => {
            let piece: Vec<u8> = text[at..].iter().copied().take(*count).collect();
            text.splice(at..at, piece);
        }
    }
}

/// Whatever was accepted is written the way it is read.
fn stays_the_same(text: &[u8]) {
    if let Ok(descriptor) = TextureDescriptor::parse(text) {
        assert_eq!(TextureDescriptor::parse(descriptor.to_text().as_bytes()), Ok(descriptor));
    }
}

fn arbitrary_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..70_000u64).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        "[0-9a-f]{32}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{0,8}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn text_carries_every_descriptor(fields in fields::arbitrary()) {
        let descriptor = TextureDescriptor::new(fields).expect("the strategy makes sense");

        let text = descriptor.to_text();

        prop_assert!(text.len() <= TextureDescriptor::MAX_TEXT);
        prop_assert_eq!(TextureDescriptor::parse(text.as_bytes()), Ok(descriptor));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        stays_the_same(&bytes);
    }

    #[test]
    fn no_damaged_text_makes_the_parser_panic(fields in fields::arbitrary(), damage in damage()) {
        let mut text = TextureDescriptor::new(fields).expect("the strategy makes sense").to_text().into_bytes();
        for (place, one) in &damage {
            apply(&mut text, place, one);
        }

        stays_the_same(&text);
    }

    #[test]
    fn no_value_in_any_field_makes_the_parser_panic(
        fields in fields::arbitrary(),
        place in any::<prop::sample::Index>(),
        in_texture in any::<bool>(),
        value in arbitrary_value(),
    ) {
        let mut text = serde_json::to_value(&fields).expect("fields serialise");
        let object = if in_texture { &mut text["texture"] } else { &mut text };
        let names: Vec<String> = object.as_object().expect("an object").keys().cloned().collect();
        object[place.get(&names).as_str()] = value;

        stays_the_same(text.to_string().as_bytes());
    }
}
