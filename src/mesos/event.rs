//! The scheduler API's events as a session wants them: what it acts on is decoded at once, the rest stays the JSON it
//! came as until somebody looks.
//!
//! A busy master sends tens of megabytes of offers that nobody reads field by field; decoding all of them is what makes
//! other clients slow. Unknown events are kept whole.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::value::RawValue;

use super::*;

/// One event of a subscription.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// The first: who we are, and how often a heartbeat comes.
    Subscribed(Box<Subscribed>),
    /// Resources to use or to give back.
    Offers(Vec<OfferRecord>),
    /// Resources that the operator asks back for maintenance.
    InverseOffers(Vec<InverseOffer>),
    /// An offer that no longer holds.
    Rescind(OfferId),
    /// The same of an inverse offer.
    RescindInverseOffer(OfferId),
    /// What became of a task.
    Update(StatusRecord),
    /// What became of an operation.
    UpdateOperationStatus(Box<OperationStatus>),
    /// Bytes from an executor.
    Message(ExecutorMessage),
    /// An agent or an executor was lost.
    Failure(Failure),
    /// The subscription is over.
    Error(String),
    /// A sign of life.
    Heartbeat,
    /// An event that this crate doesn't know.
    Unknown {
        /// Its `type`, empty where it has none.
        kind: String,
        /// The whole record.
        json: Bytes,
    },
}

impl Event {
    /// Its `type` on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::Unknown { kind, .. } => kind,
            known => known.known_kind(),
        }
    }

    fn known_kind(&self) -> &'static str {
        match self {
            Self::Subscribed(_) => "SUBSCRIBED",
            Self::Offers(_) => "OFFERS",
            Self::InverseOffers(_) => "INVERSE_OFFERS",
            Self::Rescind(_) => "RESCIND",
            Self::RescindInverseOffer(_) => "RESCIND_INVERSE_OFFER",
            Self::Update(_) => "UPDATE",
            Self::UpdateOperationStatus(_) => "UPDATE_OPERATION_STATUS",
            Self::Message(_) => "MESSAGE",
            Self::Failure(_) => "FAILURE",
            Self::Error(_) => "ERROR",
            Self::Heartbeat => "HEARTBEAT",
            Self::Unknown { .. } => "",
        }
    }

    /// The same to keep: copied only where this crate doesn't know it.
    pub fn kept_kind(&self) -> Cow<'static, str> {
        match self {
            Self::Unknown { kind, .. } => Cow::Owned(kind.clone()),
            known => Cow::Borrowed(known.known_kind()),
        }
    }
}

/// An offer: its ids, and the whole as JSON.
#[derive(Clone, Debug)]
pub struct OfferRecord {
    /// The offer.
    pub id: OfferId,
    /// Whose resources.
    pub agent_id: AgentId,
    /// The whole offer.
    pub json: Bytes,
}

impl OfferRecord {
    /// The whole offer, decoded now.
    ///
    /// # Errors
    /// When a field that this crate knows is of another shape.
    pub fn offer(&self) -> Result<Offer, serde_json::Error> {
        serde_json::from_slice(&self.json)
    }
}

/// A task's status update: what must be acted on, and the whole record as JSON.
#[derive(Clone, Debug)]
pub struct StatusRecord {
    /// The task.
    pub task_id: TaskId,
    /// Its new state.
    pub state: TaskState,
    /// The agent, where one is named; a master's own updates have none.
    pub agent_id: Option<AgentId>,
    /// To be acknowledged if there: 16 bytes.
    pub uuid: Option<[u8; 16]>,
    /// Why, where it is told.
    pub reason: Option<StatusReason>,
    /// The whole UPDATE event.
    pub json: Bytes,
}

impl StatusRecord {
    /// The whole status, decoded now.
    ///
    /// # Errors
    /// When a field that this crate knows is of another shape.
    pub fn status(&self) -> Result<TaskStatus, serde_json::Error> {
        decode_status(&self.json)
    }
}

/// The status in the text of an UPDATE event.
///
/// # Errors
/// When it isn't one.
pub fn decode_status(json: &[u8]) -> Result<TaskStatus, serde_json::Error> {
    let message: EventMessage = serde_json::from_slice(json)?;
    message.update.map(|update| update.status).ok_or_else(|| serde::de::Error::missing_field("update.status"))
}

/// A record of the stream that is no event: bad JSON, or a known event of another shape.
#[derive(Debug, thiserror::Error)]
#[error("a record of {length} bytes is no event")]
pub struct BadEvent {
    /// The record's length in bytes.
    pub length: usize,
    /// The record.
    pub json: Bytes,
    /// What is wrong with it.
    #[source]
    pub source: serde_json::Error,
}

/// Reads one record of the stream.
///
/// # Errors
/// [`BadEvent`]: such a record costs itself, never the stream.
pub fn decode_event(record: Bytes) -> Result<Event, BadEvent> {
    decode(&record).map_err(|source| BadEvent { length: record.len(), json: record, source })
}

fn decode(record: &Bytes) -> Result<Event, serde_json::Error> {
    let text = std::str::from_utf8(record).map_err(serde::de::Error::custom)?;
    let head: Head<'_> = serde_json::from_str(text)?;
    let missing = serde::de::Error::missing_field;
    Ok(match head.kind.as_ref().map(|kind| &*kind.0) {
        Some("HEARTBEAT") => Event::Heartbeat,
        Some("UPDATE") => Event::Update(head.update.ok_or_else(|| missing("update"))?.status.record(record)),
        Some("OFFERS") => Event::Offers(head.offers.map_or(Ok(Vec::new()), |offers| offers.records(record))?),
        Some("RESCIND") => Event::Rescind(body::<Rescind>(text, "rescind")?.offer_id),
        Some("RESCIND_INVERSE_OFFER") => {
            Event::RescindInverseOffer(body::<RescindInverseOffer>(text, "rescind_inverse_offer")?.inverse_offer_id)
        }
        Some("SUBSCRIBED") => {
            let subscribed: Subscribed = body(text, "subscribed")?;
            // Without it, the framework that there is would be given up.
            if subscribed.framework_id.as_str().is_empty() {
                return Err(missing("framework_id"));
            }
            Event::Subscribed(Box::new(subscribed))
        }
        Some("INVERSE_OFFERS") => Event::InverseOffers(body::<InverseOffers>(text, "inverse_offers")?.inverse_offers),
        Some("UPDATE_OPERATION_STATUS") => Event::UpdateOperationStatus(Box::new(
            body::<UpdateOperationStatus>(text, "update_operation_status")?.status,
        )),
        Some("MESSAGE") => Event::Message(body(text, "message")?),
        Some("FAILURE") => Event::Failure(body(text, "failure")?),
        Some("ERROR") => Event::Error(body::<ErrorEvent>(text, "error")?.message),
        kind => Event::Unknown { kind: kind.unwrap_or_default().to_owned(), json: record.clone() },
    })
}

/// The rarer events are read a second time, whole.
fn body<T: for<'a> Deserialize<'a>>(text: &str, field: &'static str) -> Result<T, serde_json::Error> {
    let mut event: serde_json::Map<String, Json> = serde_json::from_str(text)?;
    let body = event.remove(field).ok_or_else(|| <serde_json::Error as serde::de::Error>::missing_field(field))?;
    serde_json::from_value(body)
}

/// Text of the record, copied only where it holds escapes. (A bare `Option<Cow>` is always copied.)
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Option<Text<'a>>,
    #[serde(borrow)]
    update: Option<UpdateHead<'a>>,
    #[serde(borrow)]
    offers: Option<OffersHead<'a>>,
}

#[derive(Deserialize)]
struct Id<'a> {
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct UpdateHead<'a> {
    #[serde(borrow)]
    status: StatusHead<'a>,
}

#[derive(Deserialize)]
struct StatusHead<'a> {
    #[serde(borrow)]
    task_id: Id<'a>,
    #[serde(borrow)]
    state: Cow<'a, str>,
    #[serde(borrow)]
    agent_id: Option<Id<'a>>,
    #[serde(borrow)]
    uuid: Option<Text<'a>>,
    #[serde(borrow)]
    reason: Option<Text<'a>>,
}

impl StatusHead<'_> {
    fn record(self, json: &Bytes) -> StatusRecord {
        StatusRecord {
            task_id: TaskId::from(&*self.task_id.value),
            state: TaskState::from_name(&self.state),
            agent_id: self.agent_id.map(|id| AgentId::from(&*id.value)),
            uuid: self.uuid.and_then(|text| uuid_bytes(&text.0)),
            reason: self.reason.map(|reason| StatusReason::from_name(&reason.0)),
            json: json.clone(),
        }
    }
}

/// A master writes an absent uuid as none or as empty text; only 16 bytes are one.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 18];
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    (length == 16).then(|| bytes.first_chunk::<16>().copied())?
}

#[derive(Deserialize)]
struct OffersHead<'a> {
    #[serde(borrow, default)]
    offers: Vec<&'a RawValue>,
}

impl OffersHead<'_> {
    fn records(&self, record: &Bytes) -> Result<Vec<OfferRecord>, serde_json::Error> {
        self.offers
            .iter()
            .map(|raw| {
                let head = OfferHead::of(raw.get())?;
                Ok(OfferRecord {
                    id: OfferId::from(&*head.id.value),
                    agent_id: AgentId::from(&*head.agent_id.value),
                    json: record.slice_ref(raw.get().as_bytes()),
                })
            })
            .collect()
    }
}

/// The ids of an offer.
struct OfferHead<'a> {
    id: Id<'a>,
    agent_id: Id<'a>,
}

impl<'a> OfferHead<'a> {
    /// Reads no further than the second of them: the text has been read once already, as a part of the record.
    fn of(offer: &'a str) -> Result<Self, serde_json::Error> {
        let mut found = Found { id: None, agent_id: None };
        let read = serde_json::Deserializer::from_str(offer).deserialize_map(&mut found);
        match (found.id, found.agent_id) {
            (Some(id), Some(agent_id)) => Ok(Self { id, agent_id }),
            (id, _) => {
                read?;
                Err(serde::de::Error::missing_field(if id.is_none() { "id" } else { "agent_id" }))
            }
        }
    }
}

struct Found<'a> {
    id: Option<Id<'a>>,
    agent_id: Option<Id<'a>>,
}

impl<'de> Visitor<'de> for &mut Found<'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an offer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while self.id.is_none() || self.agent_id.is_none() {
            let Some(Text(name)) = fields.next_key()? else { break };
            match &*name {
                "id" => self.id = Some(fields.next_value()?),
                "agent_id" => self.agent_id = Some(fields.next_value()?),
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(json: &str) -> Event {
        decode_event(Bytes::copy_from_slice(json.as_bytes())).unwrap()
    }

    #[test]
    fn what_a_session_acts_on_is_decoded() {
        let Event::Update(record) = event(
            r#"{"type":"UPDATE","update":{"status":{"task_id":{"value":"t\u0041"},"state":"TASK_RUNNING",
                "agent_id":{"value":"S0"},"uuid":"AAECAwQFBgcICQoLDA0ODw==","new":{"a":[1]}}}}"#,
        ) else {
            panic!()
        };
        assert_eq!((record.task_id.as_str(), &record.state), ("tA", &TaskState::Running));
        assert_eq!(record.uuid.map(|uuid| uuid[15]), Some(15));
        let whole = record.status().unwrap();
        assert_eq!(whole.other.iter().next().unwrap().0, "new");

        let Event::Offers(offers) = event(
            r#"{"type":"OFFERS","offers":{"offers":[{"id":{"value":"O0"},"framework_id":{"value":"F"},
                "agent_id":{"value":"S0"},"hostname":"a","resources":[]}]}}"#,
        ) else {
            panic!()
        };
        assert_eq!(offers[0].offer().unwrap().hostname, "a");
    }

    #[test]
    fn the_unknown_is_kept_and_the_malformed_is_named() {
        assert!(matches!(event(r#"{"type":"NEW","x":1}"#), Event::Unknown { kind, .. } if kind == "NEW"));
        assert!(matches!(event(r#"{}"#), Event::Unknown { .. }));
        for bad in ["", "[]", "{", "\u{0}", r#"{"type":"UPDATE"}"#, r#"{"type":"ERROR","error":{"message":5}}"#] {
            let record = Bytes::copy_from_slice(bad.as_bytes());
            assert!(decode_event(record).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_uuid_has_sixteen_bytes() {
        assert_eq!(uuid_bytes("AAECAwQFBgcICQoLDA0ODw==").map(|bytes| bytes[1]), Some(1));
        for none in ["", "AAEC", "not base64!", "AAECAwQFBgcICQoLDA0ODxA="] {
            assert_eq!(uuid_bytes(none), None, "{none}");
        }
    }
}
