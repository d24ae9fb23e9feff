//! The protocol's ids: text inside, `{"value": "..."}` on the wire, a type each so that none is taken for another.
//!
//! Cheap to copy (a counted reference). An id is outside text: it is not safe to print before `render` has seen it.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::message::{Field, FieldSchema, Json, Kind, Label, Message, Schema};

macro_rules! ids {
    ($($(#[$meta:meta])* $name:ident;)*) => { $(
        $(#[$meta])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id of that text.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }
            /// Its text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self("".into())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(IdVisitor).map(|text| Self(text))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("value", &*self.0)?;
                map.end()
            }
        }

        impl Field for $name {
            fn kind() -> Kind {
                Kind::Message(Self::schema())
            }
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::deserialize(deserializer)
            }
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.serialize(serializer)
            }
        }

        impl Message for $name {
            fn schema() -> &'static Schema {
                static SCHEMA: Schema = Schema { name: stringify!($name), fields: VALUE };
                &SCHEMA
            }
        }
    )* };
}

const VALUE: &[FieldSchema] =
    &[FieldSchema { name: "value", number: 1, label: Label::Required, kind: <String as Field>::kind }];

ids! {
    /// A framework: one scheduler's registration with a master.
    FrameworkId;
    /// An offer of one agent's resources; also of an inverse offer.
    OfferId;
    /// An agent.
    AgentId;
    /// A task, unique within its framework for ever.
    TaskId;
    /// An executor; of a command or Docker task, the task's own id.
    ExecutorId;
    /// An offer operation whose status is wanted.
    OperationId;
    /// A resource provider.
    ResourceProviderId;
}

struct IdVisitor;

impl<'de> Visitor<'de> for IdVisitor {
    type Value = Arc<str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id object, {\"value\": ...}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Arc<str>, A::Error> {
        let mut id = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == "value" {
                id = Some(Arc::from(&*map.next_value::<std::borrow::Cow<'de, str>>()?));
            } else {
                map.next_value::<Json>()?;
            }
        }
        id.ok_or_else(|| serde::de::Error::missing_field("value"))
    }
}
