//! Bodies as Mesos reads and writes them: its lenient JSON with its own error texts, and protobuf, both told by the
//! messages' schemas.
//!
//! Pure. Typed messages come out; what a real master would refuse is refused in its words.

pub(super) mod convert;
pub(super) mod defaults;
pub(super) mod json;

use crate::mesos::message::Message;
use crate::mesos::protobuf;

/// A body in one of the two formats that Mesos speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Protobuf,
}

impl Format {
    /// Its media type, as Mesos compares and writes it.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Protobuf => "application/x-protobuf",
        }
    }

    /// The format of that exact media type.
    pub(super) fn of(media_type: &[u8]) -> Option<Self> {
        [Self::Json, Self::Protobuf].into_iter().find(|format| format.media_type().as_bytes() == media_type)
    }

    /// Writes a message.
    pub(super) fn write<T: Message>(self, message: &T) -> Vec<u8> {
        // Our own messages have string keys, so writing them can't fail.
        match self {
            Self::Json => serde_json::to_vec(&defaults::shown(message)).unwrap_or_default(),
            Self::Protobuf => {
                protobuf::encode(T::schema(), &serde_json::to_value(Wrapped(message)).unwrap_or_default())
            }
        }
    }
}

struct Wrapped<'a, T>(&'a T);

impl<T: Message> serde::Serialize for Wrapped<'_, T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

/// Reads a message, or says what is wrong in Mesos's words, which name the message `name`.
pub(super) fn read<T: Message>(format: Format, body: &[u8], name: &str) -> Result<T, Vec<u8>> {
    match format {
        Format::Json => {
            let value = json::parse(body).map_err(|why| [b"Failed to parse body into JSON: ", &why[..]].concat())?;
            let wrong = |why| format!("Failed to convert JSON into {name} protobuf: {why}").into_bytes();
            convert::message(&value).map_err(wrong)
        }
        // Here nothing is said of what is missing.
        Format::Protobuf => protobuf::decode(T::schema(), body)
            .and_then(|value| convert::message(&value).ok())
            .ok_or_else(|| format!("Failed to parse body into {name} protobuf").into_bytes()),
    }
}
