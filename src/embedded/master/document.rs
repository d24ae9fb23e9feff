//! A long answer in JSON, written piece by piece: no tree of it is ever made, and its tasks are written elsewhere than
//! in the master's own task, which meanwhile goes on.
//!
//! What is shown is decided when a document is made: tasks in it are shared, and don't change any more.

use std::io;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};

use super::framework::Task;
use super::operator::TaskV1;
use super::state::ShownTask;
use crate::embedded::wire::Format;
use crate::mesos::message::Schema;
use crate::mesos::{FrameworkId, protobuf};

/// A document: text, and tasks that are yet to be written.
#[derive(Debug, Default)]
pub(super) struct Document {
    parts: Vec<Part>,
    text: Vec<u8>,
}

#[derive(Debug)]
enum Part {
    Text(Vec<u8>),
    Tasks(Shape, FrameworkId, Vec<Arc<Task>>),
}

/// How a task is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As in `/state`.
    State,
    /// As the v1 API does.
    V1,
}

/// An object that is being written.
#[derive(Debug)]
pub(super) struct Object<'a> {
    document: &'a mut Document,
    empty: bool,
}

impl Document {
    /// The document that an object is.
    pub(super) fn object(write: impl FnOnce(&mut Object<'_>)) -> Self {
        let mut document = Self::default();
        document.put_object(write);
        document
    }

    /// Writes a value.
    pub(super) fn put(&mut self, value: &impl Serialize) {
        // Our own values have string keys, and a list of bytes takes everything.
        if let Err(error) = serde_json::to_writer(&mut self.text, value) {
            tracing::error!(%error, "a value can't be written as JSON");
        }
    }

    /// Writes an object.
    pub(super) fn put_object(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        self.text.push(b'{');
        write(&mut Object { document: self, empty: true });
        self.text.push(b'}');
    }

    /// Writes a list, each item by `write`.
    pub(super) fn put_list<T>(&mut self, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Self, T)) {
        self.text.push(b'[');
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.text.push(b',');
            }
            write(self, item);
        }
        self.text.push(b']');
    }

    /// Writes a list of a framework's tasks, later.
    pub(super) fn put_tasks<'t>(
        &mut self,
        shape: Shape,
        framework: &FrameworkId,
        tasks: impl Iterator<Item = &'t Arc<Task>>,
    ) {
        self.put_joined(|list, first| list.add_tasks(shape, framework, tasks, first));
    }

    /// Writes a list in parts; `write` is told whether it is still empty.
    pub(super) fn put_joined(&mut self, write: impl FnOnce(&mut Self, &mut bool)) {
        self.text.push(b'[');
        write(self, &mut true);
        self.text.push(b']');
    }

    /// Goes on with a list of tasks of which `first` says that it has none yet.
    pub(super) fn add_tasks<'t>(
        &mut self,
        shape: Shape,
        framework: &FrameworkId,
        tasks: impl Iterator<Item = &'t Arc<Task>>,
        first: &mut bool,
    ) {
        let tasks: Vec<_> = tasks.cloned().collect();
        if tasks.is_empty() {
            return;
        }
        if !std::mem::take(first) {
            self.text.push(b',');
        }
        self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        self.parts.push(Part::Tasks(shape, framework.clone(), tasks));
    }

    /// Appends another one as a value.
    pub(super) fn put_document(&mut self, other: Document) {
        self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        self.parts.extend(other.parts);
        self.text = other.text;
    }

    /// All of it as text. This takes long where tasks are many: not on a thread that serves others.
    pub(super) fn into_text(self) -> Vec<u8> {
        let mut text = Vec::new();
        for part in self.parts {
            match part {
                Part::Text(more) if text.is_empty() => text = more,
                Part::Text(more) => text.extend_from_slice(&more),
                Part::Tasks(shape, framework, tasks) => {
                    if let Err(error) = write_tasks(&mut text, shape, &framework, &tasks) {
                        tracing::error!(%error, "tasks can't be written as JSON");
                    }
                }
            }
        }
        if text.is_empty() {
            return self.text;
        }
        text.extend_from_slice(&self.text);
        text
    }

    /// All of it as text, written where nobody waits for that thread; nothing if that thread came to grief.
    pub(super) async fn written_json(self) -> Option<Vec<u8>> {
        if !self.is_long() {
            return Some(self.into_text());
        }
        let written = tokio::task::spawn_blocking(move || self.into_text()).await;
        written.inspect_err(|error| tracing::error!(%error, "a document can't be written")).ok()
    }

    /// The same, in this format.
    pub(super) async fn written(self, format: Format, schema: &'static Schema) -> Option<Vec<u8>> {
        let text = self.written_json().await?;
        if format == Format::Json {
            return Some(text);
        }
        let encode = move || Some(protobuf::encode(schema, &serde_json::from_slice(&text).ok()?));
        tokio::task::spawn_blocking(encode).await.ok().flatten()
    }

    /// Whether it has tasks to write.
    fn is_long(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Tasks(..)))
    }
}

fn write_tasks(
    text: &mut Vec<u8>,
    shape: Shape,
    framework: &FrameworkId,
    tasks: &[Arc<Task>],
) -> Result<(), io::Error> {
    for (index, task) in tasks.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        match shape {
            Shape::State => serde_json::to_writer(&mut *text, &ShownTask(framework, task))?,
            Shape::V1 => serde_json::to_writer(&mut *text, &TaskV1(framework, task))?,
        }
    }
    Ok(())
}

impl Object<'_> {
    fn name(&mut self, name: &str) {
        if !std::mem::take(&mut self.empty) {
            self.document.text.push(b',');
        }
        self.document.put(&name);
        self.document.text.push(b':');
    }

    /// A field.
    pub(super) fn put(&mut self, name: &str, value: &impl Serialize) {
        self.name(name);
        self.document.put(value);
    }

    /// A field whose value is written by `write`.
    pub(super) fn with(&mut self, name: &str, write: impl FnOnce(&mut Document)) {
        self.name(name);
        write(self.document);
    }

    /// More fields, in their order.
    pub(super) fn extend(&mut self, fields: &Map<String, Value>) {
        fields.iter().for_each(|(name, value)| self.put(name, value));
    }
}

/// A value that is there already, and short.
impl From<Value> for Document {
    fn from(value: Value) -> Self {
        let mut document = Self::default();
        document.put(&value);
        document
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mesos::TaskInfo;

    #[test]
    fn it_reads_as_the_tree_would() {
        let task = |name: &str| {
            let info = TaskInfo { name: name.to_owned(), task_id: name.into(), ..TaskInfo::default() };
            Arc::new(Task::new(Arc::new(info)))
        };
        let (id, tasks) = (FrameworkId::new("f"), [task("a\"b"), task("c")]);
        let document = Document::object(|all| {
            all.put("first", &1.0);
            all.with("list", |list| list.put_list([1, 2], |list, one| list.put(&one)));
            all.with("tasks", |list| list.put_tasks(Shape::State, &id, tasks.iter()));
            all.with("none", |list| list.put_tasks(Shape::V1, &id, std::iter::empty()));
            all.with("inner", |inner| inner.put_document(Document::from(json!({"x": null}))));
            all.with("empty", |inner| inner.put_object(|_| {}));
        });
        assert!(document.is_long());
        let text = String::from_utf8(document.into_text()).unwrap();
        let tree: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(tree.to_string(), text, "without a blank");
        let names: Vec<&String> = tree.as_object().unwrap().keys().collect();
        assert_eq!(names, ["first", "list", "tasks", "none", "inner", "empty"]);
        assert_eq!(tree["tasks"][0]["name"], "a\"b");
        assert_eq!(tree["tasks"].as_array().unwrap().len(), 2);
        assert_eq!((&tree["list"], &tree["none"], &tree["inner"]), (&json!([1, 2]), &json!([]), &json!({"x": null})));
        assert_eq!(String::from_utf8(Document::from(json!(3)).into_text()).unwrap(), "3");
    }
}
