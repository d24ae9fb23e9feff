//! Jupyter messages on the wire: signed frames in, requests out; replies in, signed frames out.
//!
//! The signature is verified, in constant time, before anything is parsed, and counts once. Requests are read leniently
//! (fields that are missing have defaults), since clients differ; headers go back exactly as they came.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use ring::hmac;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::zmtp::Peer;

const DELIMITER: &[u8] = b"<IDS|MSG>";
/// How many signatures are remembered against repetition; as many as ipykernel keeps.
const REMEMBERED: usize = 65_536;

/// The version of the messaging protocol that this kernel speaks.
pub const PROTOCOL: &str = "5.5";

/// Why a message was dropped.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Rejected {
    /// No `<IDS|MSG>` among the frames.
    #[error("no delimiter")]
    NoDelimiter,
    /// Frames are missing.
    #[error("too few frames")]
    Truncated,
    /// The signature isn't ours.
    #[error("wrong signature")]
    Signature,
    /// The same message came before.
    #[error("repeated")]
    Replayed,
    /// A frame is no JSON object.
    #[error("the {0} is no JSON object")]
    NotJson(&'static str),
    /// The header names no type.
    #[error("no msg_type")]
    NoType,
}

/// Signs and verifies; remembers what it has seen.
#[derive(Debug)]
pub struct Signer {
    key: Option<hmac::Key>,
}

impl Signer {
    /// With the connection file's key; an empty one means no signatures.
    pub fn new(key: &str) -> Self {
        Self { key: (!key.is_empty()).then(|| hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())) }
    }

    fn sign(&self, parts: [&[u8]; 4]) -> String {
        let Some(key) = &self.key else { return String::new() };
        let mut context = hmac::Context::with_key(key);
        parts.iter().for_each(|part| context.update(part));
        context.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether the signature is right; constant time in the comparison.
    fn verify(&self, signature: &[u8], parts: &[Bytes]) -> bool {
        let Some(key) = &self.key else { return true };
        let Some(signature) = from_hex(signature) else { return false };
        hmac::verify(key, &parts.concat(), &signature).is_ok()
    }
}

fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits = std::str::from_utf8(text).ok().filter(|text| text.is_ascii() && text.len() % 2 == 0)?;
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok()).collect()
}

/// The signatures seen on one channel.
#[derive(Debug, Default)]
pub struct Seen {
    known: HashSet<Bytes>,
    order: VecDeque<Bytes>,
}

impl Seen {
    /// Whether it is new.
    fn insert(&mut self, signature: &Bytes) -> bool {
        if !self.known.insert(signature.clone()) {
            return false;
        }
        self.order.push_back(signature.clone());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

/// A message's header exactly as it came, to be the parent of what answers it.
#[derive(Clone, Debug)]
pub struct Parent(Arc<RawValue>);

impl Parent {
    /// Of what answers nobody, such as output between cells.
    pub fn none() -> Self {
        static NONE: OnceLock<Parent> = OnceLock::new();
        NONE.get_or_init(|| Self(Arc::from(RawValue::from_string("{}".to_owned()).unwrap_or_default()))).clone()
    }

    fn bytes(&self) -> &[u8] {
        self.0.get().as_bytes()
    }

    /// Whether both are the same message.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whom to answer.
    pub peer: Peer,
    /// Frames between the peer and the delimiter; they go back with the answer.
    pub route: Vec<Bytes>,
    /// `msg_type`
    pub kind: String,
    /// The header, for what answers it.
    pub parent: Parent,
    /// `subshell_id`
    pub subshell: Option<String>,
    /// The content.
    pub content: Map<String, Value>,
    /// Its metadata.
    pub metadata: Map<String, Value>,
}

impl Request {
    /// Opens a message: signature first, then its JSON.
    ///
    /// # Errors
    /// Why it is to be dropped.
    pub fn open(peer: Peer, mut frames: Vec<Bytes>, signer: &Signer, seen: &mut Seen) -> Result<Self, Rejected> {
        let at = frames.iter().position(|frame| frame == DELIMITER).ok_or(Rejected::NoDelimiter)?;
        let parts = frames.split_off(at);
        let [_, signature, parts @ ..] = parts.as_slice() else { return Err(Rejected::Truncated) };
        let signed = parts.get(..4).ok_or(Rejected::Truncated)?;
        if !signer.verify(signature, signed) {
            return Err(Rejected::Signature);
        }
        if signer.key.is_some() && !seen.insert(signature) {
            return Err(Rejected::Replayed);
        }
        let object = |at: usize, name| match signed.get(at).map(|part| serde_json::from_slice(part)) {
            Some(Ok(Value::Object(object))) => Ok(object),
            _ => Err(Rejected::NotJson(name)),
        };
        let header = object(0, "header")?;
        let raw: Box<RawValue> = serde_json::from_slice(&signed[0]).map_err(|_| Rejected::NotJson("header"))?;
        let text = |name: &str| header.get(name).and_then(Value::as_str).map(str::to_owned);
        Ok(Self {
            peer,
            route: frames,
            kind: text("msg_type").ok_or(Rejected::NoType)?,
            parent: Parent(raw.into()),
            subshell: text("subshell_id"),
            content: object(3, "content")?,
            metadata: object(2, "metadata").unwrap_or_default(),
        })
    }

    /// A text of the content.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.content.get(name)?.as_str()
    }

    /// A whole number of the content.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.content.get(name)?.as_i64()
    }

    /// A yes or no of the content.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.content.get(name).and_then(Value::as_bool).unwrap_or(default)
    }
}

/// Makes messages of this kernel's session.
#[derive(Debug)]
pub struct Sender {
    signer: Signer,
    session: String,
}

impl Sender {
    /// Signs with this key.
    pub fn new(signer: Signer) -> Self {
        Self { signer, session: uuid::Uuid::new_v4().to_string() }
    }

    /// The key's holder.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// A message's frames from the delimiter on.
    pub fn frames(&self, kind: &str, parent: &Parent, metadata: &Value, content: &Value) -> [Bytes; 6] {
        let header = json!({
            "msg_id": uuid::Uuid::new_v4().to_string(),
            "session": self.session,
            "username": "mesos-kernel",
            "date": jiff::Timestamp::now().to_string(),
            "msg_type": kind,
            "version": PROTOCOL,
        });
        let (header, metadata, content) = (header.to_string(), metadata.to_string(), content.to_string());
        let signature = self.signer.sign([header.as_bytes(), parent.bytes(), metadata.as_bytes(), content.as_bytes()]);
        [
            Bytes::from_static(DELIMITER),
            signature.into(),
            header.into(),
            Bytes::copy_from_slice(parent.bytes()),
            metadata.into(),
            content.into(),
        ]
    }
}
