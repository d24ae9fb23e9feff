//! How a v1 message is read, written and described: the `messages!` and `enums!` declarations and what they rest on.
//!
//! One declaration gives a struct, its JSON codec and its [`Schema`]. Reading is tolerant: fields and enum values that
//! this crate doesn't know are kept (in `other`, as `Other`) and written back, so that a newer master or a fork loses
//! nothing on its way through. Strictness is [`super::schema`]'s. Nothing here does IO.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeSeq as _, Serializer};

/// Any JSON: for the branches of the API that this crate carries but doesn't look into.
pub type Json = serde_json::Value;

/// Fields of a message that its declaration doesn't name, in the order they came.
#[derive(Clone, Default, PartialEq)]
pub struct Other(Option<Box<serde_json::Map<String, Json>>>);

impl Other {
    /// The unknown fields and their values.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Json)> {
        self.0.iter().flat_map(|map| map.iter())
    }

    /// Whether every field was known.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Keeps one more unknown field.
    pub fn insert(&mut self, name: String, value: Json) {
        self.0.get_or_insert_default().insert(name, value);
    }
}

impl fmt::Debug for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Whether a field must, may or may often appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A master refuses the message without it.
    Required,
    /// May be left out.
    Optional,
    /// A list.
    Repeated,
    /// An object used as a map from strings.
    Map,
}

/// What a field's value is.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text.
    String,
    /// `true` or `false`.
    Bool,
    /// A number with a fraction, `"Infinity"` among them.
    Double,
    /// A whole number; `signed` when it may be negative.
    Integer {
        /// May be negative.
        signed: bool,
        /// 32 or 64.
        bits: u8,
    },
    /// Bytes, base64 in JSON.
    Bytes,
    /// One of a list of names.
    Enum(&'static EnumSchema),
    /// A message.
    Message(&'static Schema),
    /// Anything.
    Any,
}

/// A message as the protocol describes it.
#[derive(Debug)]
pub struct Schema {
    /// The type's name in this crate.
    pub name: &'static str,
    /// Its fields, in the protocol's order.
    pub fields: &'static [FieldSchema],
}

impl Schema {
    /// The field of that JSON name.
    pub fn field(&self, name: &str) -> Option<&'static FieldSchema> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// One field of a [`Schema`].
#[derive(Debug)]
pub struct FieldSchema {
    /// Its name in JSON.
    pub name: &'static str,
    /// Its number in protobuf.
    pub number: u32,
    /// Its presence.
    pub label: Label,
    /// Its type; a function, since messages refer to each other in circles.
    pub kind: fn() -> Kind,
}

/// An enum as the protocol describes it.
#[derive(Debug)]
pub struct EnumSchema {
    /// The type's name in this crate.
    pub name: &'static str,
    /// Its values: name in JSON, number in protobuf.
    pub values: &'static [(&'static str, i32)],
}

/// A message with a description of itself.
pub trait Message: Field {
    /// The description.
    fn schema() -> &'static Schema;
}

/// A type that can stand as a field's value.
pub trait Field: Sized {
    /// What it is, for the schema.
    fn kind() -> Kind;
    /// Reads it.
    ///
    /// # Errors
    /// When the JSON is of another shape.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
    /// Writes it.
    ///
    /// # Errors
    /// As the serializer's.
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    /// Whether it is left out when written.
    fn is_absent(&self) -> bool {
        false
    }
}

/// Reads one field of a known type.
pub struct Seed<T>(PhantomData<T>);

impl<T> Default for Seed<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Field> DeserializeSeed<'de> for Seed<T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::read(deserializer)
    }
}

/// Writes one field.
pub struct Written<'a, T>(pub &'a T);

impl<T: Field> Serialize for Written<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<T: Field> Field for Option<T> {
    fn kind() -> Kind {
        T::kind()
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Maybe<T>(PhantomData<T>);
        impl<'de, T: Field> Visitor<'de> for Maybe<T> {
            type Value = Option<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }
            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Self::Value, D::Error> {
                T::read(d).map(Some)
            }
        }
        deserializer.deserialize_option(Maybe(PhantomData))
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.write(serializer),
            None => serializer.serialize_none(),
        }
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T: Field> Field for Box<T> {
    fn kind() -> Kind {
        T::kind()
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::read(deserializer).map(Box::new)
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).write(serializer)
    }
}

impl<T: Field> Field for Vec<T> {
    fn kind() -> Kind {
        T::kind()
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);
        impl<'de, T: Field> Visitor<'de> for Items<T> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Vec::new())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element_seed(Seed::<T>::default())? {
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_any(Items(PhantomData))
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.len()))?;
        for item in self {
            seq.serialize_element(&Written(item))?;
        }
        seq.end()
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    fn kind() -> Kind {
        T::kind()
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = BTreeMap::<String, Json>::deserialize(deserializer)?;
        raw.into_iter().map(|(key, value)| Ok((key, T::read(value).map_err(D::Error::custom)?))).collect()
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|(key, value)| (key, Written(value))))
    }
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl Field for String {
    fn kind() -> Kind {
        Kind::String
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl Field for Json {
    fn kind() -> Kind {
        Kind::Any
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer)
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

impl Field for bool {
    fn kind() -> Kind {
        Kind::Bool
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Bool(value) => Ok(value),
            Json::String(text) if text == "true" => Ok(true),
            Json::String(text) if text == "false" => Ok(false),
            other => Err(D::Error::custom(format_args!("expected true or false, found {other}"))),
        }
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self)
    }
}

impl Field for f64 {
    fn kind() -> Kind {
        Kind::Double
    }
    /// A master writes an infinite limit as the text "Infinity", and takes numbers in quotes.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = f64;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_f64<E>(self, value: f64) -> Result<f64, E> {
                Ok(value)
            }
            fn visit_u64<E>(self, value: u64) -> Result<f64, E> {
                Ok(value as f64)
            }
            fn visit_i64<E>(self, value: i64) -> Result<f64, E> {
                Ok(value as f64)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<f64, E> {
                text.parse().map_err(|_| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Number)
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_finite() {
            serializer.serialize_f64(*self)
        } else if self.is_nan() {
            serializer.serialize_str("NaN")
        } else {
            serializer.serialize_str(if *self > 0.0 { "Infinity" } else { "-Infinity" })
        }
    }
}

macro_rules! integers {
    ($($type:ty, $signed:literal, $bits:literal;)*) => { $(
        impl Field for $type {
            fn kind() -> Kind {
                Kind::Integer { signed: $signed, bits: $bits }
            }
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Json::deserialize(deserializer)?;
                let read = match &value {
                    Json::Number(number) => number
                        .as_i64()
                        .and_then(|whole| <$type>::try_from(whole).ok())
                        .or_else(|| number.as_u64().and_then(|whole| <$type>::try_from(whole).ok()))
                        .or_else(|| whole(number.as_f64()?).and_then(|whole| <$type>::try_from(whole).ok())),
                    Json::String(text) => text.parse().ok(),
                    _ => None,
                };
                read.ok_or_else(|| D::Error::custom(format_args!("expected a whole number, found {value}")))
            }
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
        }
    )* };
}

integers! {
    u32, false, 32;
    i32, true, 32;
    u64, false, 64;
    i64, true, 64;
}

/// `3.0` as 3: old masters write whole numbers so.
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64)
}

/// Bytes that stand in JSON as base64: uuids, executor messages, a status's `data`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Base64(pub Vec<u8>);

impl fmt::Debug for Base64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(&self.0))
    }
}

impl Field for Base64 {
    fn kind() -> Kind {
        Kind::Bytes
    }
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        STANDARD.decode(text.as_bytes()).map(Base64).map_err(D::Error::custom)
    }
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

/// The JSON name of a field whose Rust name may be raw (`r#type`).
pub const fn json_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Declares v1 messages: `field: label Type = number;` with the labels `req`, `opt`, `box` (optional, recursive),
/// `rep` and `map`.
macro_rules! messages {
    (@type req $type:ty) => { $type };
    (@type opt $type:ty) => { Option<$type> };
    (@type box $type:ty) => { Option<Box<$type>> };
    (@type rep $type:ty) => { Vec<$type> };
    (@type map $type:ty) => { $type };
    (@label req) => { $crate::mesos::message::Label::Required };
    (@label opt) => { $crate::mesos::message::Label::Optional };
    (@label box) => { $crate::mesos::message::Label::Optional };
    (@label rep) => { $crate::mesos::message::Label::Repeated };
    (@label map) => { $crate::mesos::message::Label::Map };
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident { $($field:ident: $label:ident $type:ty = $number:literal;)* }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        // The fields are the protocol's own, and its documentation is theirs.
        #[allow(missing_docs)]
        pub struct $name {
            $(pub $field: messages!(@type $label $type),)*
            /// What came and isn't declared here.
            pub other: $crate::mesos::message::Other,
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a ", stringify!($name), " object"))
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        #[allow(unused_mut)]
                        let mut message = $name::default();
                        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                            $(if key == const { $crate::mesos::message::json_name(stringify!($field)) } {
                                message.$field = map.next_value_seed($crate::mesos::message::Seed::default())?;
                                continue;
                            })*
                            message.other.insert(key.into_owned(), map.next_value()?);
                        }
                        Ok(message)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap as _;
                #[allow(unused_imports)]
                use $crate::mesos::message::Field as _;
                let mut map = serializer.serialize_map(None)?;
                $(if !self.$field.is_absent() {
                    let name = const { $crate::mesos::message::json_name(stringify!($field)) };
                    map.serialize_entry(name, &$crate::mesos::message::Written(&self.$field))?;
                })*
                for (name, value) in self.other.iter() {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl $crate::mesos::message::Field for $name {
            fn kind() -> $crate::mesos::message::Kind {
                $crate::mesos::message::Kind::Message(<$name as $crate::mesos::message::Message>::schema())
            }
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(deserializer)
            }
            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, serializer)
            }
        }

        impl $crate::mesos::message::Message for $name {
            fn schema() -> &'static $crate::mesos::message::Schema {
                static SCHEMA: $crate::mesos::message::Schema = $crate::mesos::message::Schema {
                    name: stringify!($name),
                    fields: &[$($crate::mesos::message::FieldSchema {
                        name: $crate::mesos::message::json_name(stringify!($field)),
                        number: $number,
                        label: messages!(@label $label),
                        kind: <$type as $crate::mesos::message::Field>::kind,
                    },)*],
                };
                &SCHEMA
            }
        }
    )* };
}

/// Declares v1 enums: `Variant = "NAME", number;`. A name that isn't declared is kept as `Other`.
macro_rules! enums {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident { $($variant:ident = $json:literal, $number:literal;)* }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        // The values are the protocol's own, and its documentation is theirs.
        #[allow(missing_docs)]
        pub enum $name {
            $($variant,)*
            /// A value that isn't declared here; empty where none came.
            Other(Box<str>),
        }

        impl $name {
            /// Its name on the wire.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $json,)*
                    Self::Other(name) => name,
                }
            }

            /// The value of that name.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($json => Self::$variant,)*
                    _ => Self::Other(name.into()),
                }
            }

            /// Its description.
            pub fn schema() -> &'static $crate::mesos::message::EnumSchema {
                static SCHEMA: $crate::mesos::message::EnumSchema = $crate::mesos::message::EnumSchema {
                    name: stringify!($name),
                    values: &[$(($json, $number),)*],
                };
                &SCHEMA
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::Other("".into())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::mesos::message::Field for $name {
            fn kind() -> $crate::mesos::message::Kind {
                $crate::mesos::message::Kind::Enum(Self::schema())
            }
            fn read<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from_name(&name))
            }
            fn write<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
            fn is_absent(&self) -> bool {
                matches!(self, Self::Other(name) if name.is_empty())
            }
        }
    )* };
}

pub(crate) use {enums, messages};
