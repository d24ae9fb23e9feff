//! Whether what came is what was recorded, once ids, times and addresses are taken for one another.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// Ids as Mesos makes them: a master's, and those of frameworks, offers and agents made from it.
static ID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(-(S\d+|O\d+|\d{4}))?").unwrap()
});
static PROCESS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"slave\(\d+\)|127\.0\.0\.1:\d+|localhost:\d+").unwrap());

/// Fields whose numbers differ from run to run.
const VARYING: [&str; 9] = [
    "timestamp",
    "executor_pid",
    "port",
    "nanoseconds",
    "start_time",
    "elected_time",
    "registered_time",
    "unregistered_time",
    "reregistered_time",
];

/// Recorded ids and what they are now.
#[derive(Clone, Default)]
pub struct Ids {
    now: HashMap<String, String>,
}

impl Ids {
    /// All ids in a text.
    pub fn in_text(text: &str) -> HashSet<String> {
        ID.find_iter(text).map(|found| found.as_str().to_owned()).collect()
    }

    pub fn get(&self, recorded: &str) -> Option<&String> {
        self.now.get(recorded)
    }

    /// Takes a recorded id for one of now, or tells that it stands for another already.
    pub fn pair(&mut self, recorded: &str, now: &str) -> Result<(), String> {
        let known = self.now.entry(recorded.to_owned()).or_insert_with(|| now.to_owned());
        if known == now { Ok(()) } else { Err(format!("{recorded} was {known}, and is {now}")) }
    }

    /// A text with every known id replaced.
    pub fn replace(&self, text: &str) -> String {
        let mut replaced = ID.replace_all(text, |found: &regex::Captures<'_>| {
            self.now.get(&found[0]).cloned().unwrap_or_else(|| found[0].to_owned())
        });
        for (recorded, now) in self.now.iter().filter(|(recorded, _)| recorded.ends_with("==")) {
            if replaced.contains(recorded.as_str()) {
                replaced = replaced.replace(recorded.as_str(), now).into();
            }
        }
        replaced.into_owned()
    }

    fn text(&mut self, recorded: &str, now: &str) -> Result<(), String> {
        let differ = || Err(format!("recorded {recorded:?}, now {now:?}"));
        let plain = |text: &str| PROCESS.replace_all(&ID.replace_all(text, "ID"), "PLACE").into_owned();
        if plain(recorded) != plain(now) {
            return differ();
        }
        let pairs: Vec<(String, String)> = ID
            .find_iter(recorded)
            .zip(ID.find_iter(now))
            .map(|(recorded, now)| (recorded.as_str().to_owned(), now.as_str().to_owned()))
            .collect();
        pairs.iter().try_for_each(|(recorded, now)| self.pair(recorded, now))
    }

    /// Compares, and learns which id stands for which. The error says where they differ.
    pub fn same(&mut self, recorded: &Value, now: &Value) -> Result<(), String> {
        match (recorded, now) {
            (Value::Object(recorded), Value::Object(now)) => {
                for name in recorded.keys().chain(now.keys()) {
                    let (Some(recorded), Some(now)) = (recorded.get(name), now.get(name)) else {
                        let side = if recorded.contains_key(name) { "is missing" } else { "is new" };
                        return Err(format!("{name} {side}"));
                    };
                    let at = |why| format!("{name}: {why}");
                    match (name.as_str(), recorded, now) {
                        (name, Value::Number(_), Value::Number(_)) if VARYING.contains(&name) => {}
                        ("uuid", Value::String(recorded), Value::String(now)) => {
                            self.pair(recorded, now).map_err(at)?;
                        }
                        ("value", Value::String(recorded), Value::String(now)) if recorded.ends_with("==") => {
                            self.pair(recorded, now).map_err(at)?;
                        }
                        // What Docker says of a registry that it doesn't reach is another matter on every machine.
                        ("message", Value::String(recorded), Value::String(now)) if recorded.contains("; stderr='") => {
                            let own = |text: &str| text.split("; stderr='").next().map(str::to_owned);
                            self.text(&own(recorded).unwrap_or_default(), &own(now).unwrap_or_default()).map_err(at)?;
                        }
                        // docker inspect's output.
                        ("data", Value::String(_), Value::String(_)) => {}
                        (_, recorded, now) => self.same(recorded, now).map_err(at)?,
                    }
                }
                Ok(())
            }
            (Value::Array(recorded), Value::Array(now)) => {
                // Only the embedded agent has this one.
                let own = |item: &&Value| item["name"] == "containers" && item["type"] == "TEXT";
                let now: Vec<&Value> = now.iter().filter(|item| !own(item)).collect();
                if recorded.len() != now.len() {
                    return Err(format!("recorded {} items, now {}", recorded.len(), now.len()));
                }
                for (index, (recorded, now)) in recorded.iter().zip(now).enumerate() {
                    self.same(recorded, now).map_err(|why| format!("[{index}] {why}"))?;
                }
                Ok(())
            }
            (Value::String(recorded), Value::String(now)) => self.text(recorded, now),
            (Value::Number(recorded), Value::Number(now)) if recorded.as_f64() == now.as_f64() => Ok(()),
            (recorded, now) if recorded == now => Ok(()),
            (recorded, now) => Err(format!("recorded {recorded}, now {now}")),
        }
    }
}

/// Whether two values have the same fields of the same types, as far as both have something in their lists.
pub fn shape(recorded: &Value, now: &Value, path: &str, differences: &mut Vec<String>) {
    match (recorded, now) {
        (Value::Object(recorded), Value::Object(now)) => {
            for name in recorded.keys() {
                match now.get(name) {
                    Some(now) => shape(&recorded[name], now, &format!("{path}.{name}"), differences),
                    None => differences.push(format!("{path}.{name} is missing")),
                }
            }
            let new = now.keys().filter(|name| !recorded.contains_key(*name));
            differences.extend(new.map(|name| format!("{path}.{name} is new")));
        }
        (Value::Array(recorded), Value::Array(now)) => {
            if let (Some(recorded), Some(now)) = (recorded.first(), now.first()) {
                shape(recorded, now, &format!("{path}[]"), differences);
            }
        }
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) => {}
        (Value::Bool(_), Value::Bool(_)) | (Value::Null, Value::Null) => {}
        (recorded, now) => differences.push(format!("{path}: recorded {recorded}, now {now}")),
    }
}
