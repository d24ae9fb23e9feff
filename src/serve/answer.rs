//! What each request over the socket does: mostly what the same words at the prompt do.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{Ear, Heard};
use crate::document::{Block, Cell, Diagnostic, Document, Fields, Log};
use crate::engine::{Answering, Caused, Collected, Engine, Outcome, Output, Question};
use crate::render::{self, Page};
use crate::session::{Closed, Phase};
use crate::state::{State, Task};
use crate::view;

/// Columns of drawn text.
const WIDTH: usize = 100;

/// Answers a request.
///
/// # Errors
/// What is told instead.
pub(super) async fn answer(
    engine: &Engine,
    ear: &Ear,
    request: &Value,
    cancel: &CancellationToken,
) -> Result<Value, Diagnostic> {
    let asked = Asked { engine, ear, request, cancel };
    let answered = asked.answer().await;
    // A command that a program has put together is no text that a person would look for a place in.
    let typed = asked.text("op").is_ok_and(|op| op == "run") && request.get("composed").is_none_or(|it| it != true);
    answered.map_err(|wrong| if typed { wrong } else { Diagnostic { input: None, ..wrong } })
}

impl Asked<'_> {
    async fn answer(&self) -> Result<Value, Diagnostic> {
        match self.text("op")? {
            "hello" => Ok(self.status()),
            "run" => self.run(self.text("text")?).await,
            "get" => self.get(self.text("path")?).await,
            "subscribe" => self.subscribe().await,
            "offers" => self.offers().await,
            "launch" => self.launch().await,
            "tasks" => Ok(self.tasks()),
            "task" => self.task(self.text("id")?),
            "updates" => self.updates(self.text("id")?).await,
            "draw" => self.draw(self.text("what")?),
            other => Err(Diagnostic::new(format!("unknown request '{other}'"))),
        }
    }
}

/// A document as plain text.
pub(super) fn plain(document: &Document) -> String {
    render::plain(document, &Page::plain(WIDTH)).trim_end().to_owned()
}

fn drawn(document: &Document) -> Value {
    json!({"plain": plain(document), "html": render::html(document), "json": document.to_json()})
}

fn hear(ear: &Ear, heard: Heard) {
    if let Some(ear) = ear {
        // Whoever offered the session may be on the way out.
        let _ = ear.send(heard);
    }
}

/// Collects what a request shows, and lets its owner hear of the rest.
struct Answers<'a> {
    collected: Collected,
    ear: &'a Ear,
    /// Whether the live pictures are of what the request has launched: those the session's owner shows.
    launched: bool,
}

impl Output for Answers<'_> {
    fn show(&mut self, document: Document) {
        self.collected.show(document);
    }

    fn live(&mut self, document: Document) {
        if !self.launched {
            self.collected.live(document);
        }
    }

    fn settle(&mut self) {
        self.launched = false;
        self.collected.settle();
    }

    fn waiting(&mut self, what: &str, _elapsed: Duration) {
        hear(self.ear, Heard::Waiting(what.to_owned()));
    }

    fn caused(&mut self, what: Caused) {
        self.launched = self.ear.is_some() && matches!(what, Caused::Tasks(_));
        hear(self.ear, Heard::Caused(what));
    }

    fn ask(&mut self, question: Question) -> Answering<'_> {
        let (answer, answered) = oneshot::channel();
        let asked = self.ear.as_ref().is_some_and(|ear| ear.send(Heard::Asked(question, answer)).is_ok());
        Box::pin(async move { if asked { answered.await.ok().flatten() } else { None } })
    }
}

struct Asked<'a> {
    engine: &'a Engine,
    ear: &'a Ear,
    request: &'a Value,
    cancel: &'a CancellationToken,
}

impl Asked<'_> {
    fn text(&self, name: &str) -> Result<&str, Diagnostic> {
        let given = self.request.get(name).and_then(Value::as_str);
        given.ok_or_else(|| Diagnostic::new(format!("the request has no '{name}'")))
    }

    fn seconds(&self, name: &str) -> Duration {
        let seconds = self.request.get(name).and_then(Value::as_f64).unwrap_or(0.0);
        // More than a clock can count is as good as a day.
        Duration::try_from_secs_f64(seconds.clamp(0.0, 86_400.0)).unwrap_or_default()
    }

    /// Runs text as if it had been typed.
    async fn run(&self, text: &str) -> Result<Value, Diagnostic> {
        self.execute(text).await.map(|documents| {
            let all = documents.into_iter().reduce(Document::and).unwrap_or_default();
            drawn(&all)
        })
    }

    async fn execute(&self, text: &str) -> Result<Vec<Document>, Diagnostic> {
        let mut answers = Answers { collected: Collected::default(), ear: self.ear, launched: false };
        let outcome = self.engine.execute(text, &mut answers, self.cancel).await;
        let collected = answers.collected;
        match outcome {
            Outcome::Done | Outcome::Quit(_) => Ok(collected.documents),
            Outcome::Cancelled => Err(interrupted()),
            Outcome::Failed | Outcome::Misused => {
                let last =
                    collected.documents.into_iter().last().and_then(|document| document.blocks.into_iter().last());
                match last {
                    Some(Block::Diagnostic(diagnostic)) => Err(diagnostic),
                    _ => Err(Diagnostic::new("the command failed")),
                }
            }
        }
    }

    /// Waits for `what`: until `look` finds something; `None` when the time is over.
    async fn wait<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut(&State) -> Option<T>,
    ) -> Result<Option<T>, Diagnostic> {
        let session = self.engine.session();
        hear(self.ear, Heard::Waiting(what.to_owned()));
        let mut found = None;
        let changed = session.changed_until(|state| {
            found = look(state);
            found.is_some()
        });
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(limit) => {}
            () = self.cancel.cancelled() => return Err(interrupted()),
        }
        Ok(found)
    }

    async fn get(&self, path: &str) -> Result<Value, Diagnostic> {
        let session = self.engine.session();
        let status = session.status().borrow().clone();
        let address = status.address.clone().ok_or_else(|| Diagnostic::new(status.master()))?;
        let body = session.client().get(&address, path).await.map_err(|error| Diagnostic::from_error(&error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Diagnostic::new(format!("{address}{path} answers, but not with JSON")).cause(&error))
    }

    fn status(&self) -> Value {
        let session = self.engine.session();
        let status = session.status().borrow().clone();
        let target = self.engine.target();
        let (framework, offers, tasks) = session.read(|state| {
            (state.framework_id.as_ref().map(ToString::to_string), state.offers.len(), state.tasks.active())
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "address": status.master(),
            "embedded": target.embedded,
            "subscribed": status.is_subscribed(),
            "framework": framework.filter(|_| status.is_subscribed()),
            "name": status.framework.map(|info| info.name),
            "offers": offers,
            "tasks": tasks,
        })
    }

    /// Subscribes, unless the session is that framework already: a cell may run twice.
    async fn subscribe(&self) -> Result<Value, Diagnostic> {
        let mut info = self.request.get("framework").cloned().unwrap_or_default();
        let session = self.engine.session();
        let status = session.status().borrow().clone();
        let name = info.get("name").and_then(Value::as_str);
        let same = status.framework.as_ref().is_some_and(|now| Some(now.name.as_str()) == name);
        match status.phase {
            Phase::Subscribed { .. } if same => {}
            // It is on its way back: another framework would leave the tasks of this one behind.
            Phase::Waiting { .. } | Phase::Subscribing { .. } if same => drop(self.execute("reconnect").await?),
            phase => {
                let left = matches!(phase, Phase::Closed(Closed::Stolen | Closed::Detached));
                let id = session.read(|state| state.framework_id.clone()).filter(|_| same && left);
                if let (Some(id), Value::Object(fields)) = (id, &mut info) {
                    fields.entry("id").or_insert_with(|| json!({"value": id.as_str()}));
                }
                let call = json!({"type": "SUBSCRIBE", "subscribe": {"framework_info": info}});
                self.execute(&call.to_string()).await?;
            }
        }
        let mut answer = self.run("status").await?;
        answer["framework"] = self.status()["framework"].clone();
        Ok(answer)
    }

    /// The offers in hand, waiting for one. They are held from now on: whoever asked is going to use them.
    async fn offers(&self) -> Result<Value, Diagnostic> {
        let session = self.engine.session();
        if !session.status().borrow().is_subscribed() {
            return Err(Diagnostic::new("not subscribed, so there are no offers").help("subscribe first"));
        }
        let limit = self.seconds("wait");
        if !limit.is_zero() && session.read(|state| state.offers.is_empty()) {
            session.want_offers().await.map_err(|error| Diagnostic::from_error(&error))?;
        }
        let waited = self.wait("an offer", limit, |state| (!state.offers.is_empty()).then_some(())).await?;
        if waited.is_none() && !limit.is_zero() {
            return Err(Diagnostic::new(format!("no offer came within {} s", limit.as_secs()))
                .detail("agents may be fully used, or offered to other frameworks")
                .help("master.agents()? shows what is free"));
        }
        let ids: Vec<_> = session.read(|state| state.offers.ids().cloned().collect());
        session.hold(&ids);
        let now = session.now();
        let (offers, document) = session.read(|state| {
            let held = state.offers.in_order();
            let read = held.iter().filter_map(|held| held.record.offer().ok());
            let offers: Vec<Value> = read.filter_map(|offer| serde_json::to_value(offer).ok()).collect();
            (offers, view::offers(state, now).without_next())
        });
        let mut answer = drawn(&document);
        answer["offers"] = offers.into();
        Ok(answer)
    }

    /// Launches tasks on offers; answers when the master has, which doesn't mean that they run.
    async fn launch(&self) -> Result<Value, Diagnostic> {
        let list = |name: &str| self.request.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
        let offers = list("offers");
        let tasks: Vec<Value> = list("tasks").into_iter().map(|task| self.with_id(task)).collect();
        let ids: Vec<Value> = tasks.iter().map(|task| task["task_id"]["value"].clone()).collect();
        let [task] = tasks.as_slice() else {
            return Err(Diagnostic::new("one task at a time"));
        };
        let named: Vec<&str> = offers.iter().filter_map(Value::as_str).collect();
        let verb = if named.is_empty() { "run".to_owned() } else { format!("accept {}", named.join(" ")) };
        let answer = self.run(&format!("{verb} --no-wait --json {task}")).await?;
        Ok(json!({"tasks": ids, "plain": answer["plain"]}))
    }

    /// A value that a program holds, as a person would want to see it. Nothing is looked up.
    fn draw(&self, what: &str) -> Result<Value, Diagnostic> {
        let value = self.request.get("value").cloned().unwrap_or_default();
        let document = match what {
            "offer" => {
                let offer = serde_json::from_value(value);
                view::offer(&offer.map_err(|error| Diagnostic::new("that is no offer").cause(&error))?)
            }
            "agent" => view::agents(&json!({"slaves": [value]})).into(),
            "update" => update(&value),
            "state" => {
                let state = Cell::task_state(value.as_str().unwrap_or_default());
                Fields::new().named("state").field("state", state).into()
            }
            "log" => {
                let text = value.as_str().unwrap_or_default().to_owned();
                Log { name: String::new(), text }.into()
            }
            _ => Document::new().with(Block::Json(value)),
        };
        Ok(drawn(&document))
    }

    /// A task with an id that no other has: its name, or its name with a number.
    fn with_id(&self, mut task: Value) -> Value {
        if task.get("task_id").is_none_or(Value::is_null) {
            let name = task.get("name").and_then(Value::as_str).unwrap_or("task").to_owned();
            let id = self.engine.session().read(|state| {
                let mut ids = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}-{number}")));
                ids.find(|id| state.tasks.get(id).is_none())
            });
            task["task_id"] = json!({"value": id});
        }
        task
    }

    fn tasks(&self) -> Value {
        let session = self.engine.session();
        let now = session.now();
        let (tasks, document) = session.read(|state| {
            let tasks: Vec<Value> =
                state.tasks.iter().map(|task| json!({"id": task.id.as_str(), "state": task.state.as_str()})).collect();
            (tasks, view::tasks(state, now, |_| true).without_next())
        });
        let mut answer = drawn(&document);
        answer["tasks"] = tasks.into();
        answer
    }

    fn task(&self, id: &str) -> Result<Value, Diagnostic> {
        let session = self.engine.session();
        let now = session.now();
        session.read(|state| {
            let task = state.tasks.get(id).ok_or_else(|| no_task(id))?;
            let mut answer = drawn(&view::task(state, task, now).without_next());
            answer["state"] = json!(task.state.as_str());
            answer["over"] = json!(task.is_over());
            Ok(answer)
        })
    }

    /// The updates after the first so many, waiting for one if there is none yet.
    async fn updates(&self, id: &str) -> Result<Value, Diagnostic> {
        let after = self.request.get("after").and_then(Value::as_u64).unwrap_or(0) as usize;
        let what = format!("news of '{id}'");
        let found = self.wait(&what, self.seconds("wait"), |state| {
            let task = state.tasks.get(id)?;
            let news: Vec<Value> = news(task, after);
            (!news.is_empty() || task.is_over()).then(|| json!({"updates": news, "over": task.is_over()}))
        });
        if let Some(found) = found.await? {
            return Ok(found);
        }
        self.engine.session().read(|state| match state.tasks.get(id) {
            Some(_) => Ok(json!({"updates": [], "over": false})),
            None => Err(no_task(id)),
        })
    }
}

/// A status update that was told of over the socket.
fn update(value: &Value) -> Document {
    let text = |name: &str| value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let after = Duration::try_from_secs_f64(value.get("seconds").and_then(Value::as_f64).unwrap_or(0.0));
    let mut fields = Fields::new().named("update").field("state", Cell::task_state(text("state").unwrap_or_default()));
    fields = fields.field("after", Cell::Lasted(after.unwrap_or_default()));
    for name in ["message", "reason", "source"] {
        if let Some(text) = text(name) {
            fields = fields.field(name, text);
        }
    }
    let told = value.get("told").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    told.fold(fields.into(), |document: Document, line| document.with_text(line.to_owned()))
}

/// A task's updates after the first so many.
fn news(task: &Task, after: usize) -> Vec<Value> {
    let since = task.launch.as_ref().map_or(Duration::ZERO, |launch| launch.at);
    let told = task.history().filter_map(|recorded| {
        let status = recorded.status().ok()?;
        let mut update = Map::new();
        update.insert("state".to_owned(), json!(status.state.as_str()));
        update.insert("seconds".to_owned(), json!(recorded.at.saturating_sub(since).as_secs_f64()));
        let words = [
            ("reason", status.reason.as_ref().map(|reason| reason.as_str().to_owned())),
            ("source", status.source.as_ref().map(|source| source.as_str().to_owned())),
            ("message", status.message.clone()),
        ];
        update.extend(words.into_iter().filter_map(|(name, text)| Some((name.to_owned(), json!(text?)))));
        update.insert("told".to_owned(), json!(view::verdict(&status)));
        Some(Value::Object(update))
    });
    told.skip(after).collect()
}

fn no_task(id: &str) -> Diagnostic {
    Diagnostic::new(format!("there is no task '{id}'")).help("framework.tasks()? lists them")
}

fn interrupted() -> Diagnostic {
    Diagnostic::new("interrupted").detail("what had been sent stays sent; the session goes on")
}
