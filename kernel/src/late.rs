//! What happens after a cell has ended, shown where it belongs: in the output of the cell that brought it about.
//!
//! A task's picture stays alive under the cell that launched it, until the task is over. What befalls the framework
//! (a lost connection, an agent gone) is told under the cell that subscribed. Nothing here runs a command.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mesos_repl::document::{Document, Piece, Tone};
use mesos_repl::engine::{Engine, Notice};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bundle;
use crate::iopub::Iopub;
use crate::wire::Parent;

/// Between two changes of a picture.
const PACE: Duration = Duration::from_millis(200);
/// So many pictures live at a time; the oldest stands still then.
const ALIVE: usize = 100;
/// So many lines are told under a subscription; the oldest go.
const LINES: usize = 30;

/// A picture of tasks in a cell's output.
#[derive(Debug)]
pub struct Picture {
    /// The cell.
    pub parent: Parent,
    /// The output's name.
    pub display: String,
    /// What it shows.
    pub shown: Value,
    /// Of which tasks.
    pub tasks: Vec<String>,
}

/// What a cell leaves behind.
#[derive(Debug)]
pub enum Left {
    /// It has launched these tasks, and tells of them.
    Launched(Vec<String>),
    /// A picture that may change.
    Picture(Picture),
    /// It has subscribed by now: what befalls the framework is told under it.
    Subscription(Parent, Instant),
}

/// What cells leave behind, for whoever keeps outputs alive.
#[derive(Clone, Debug, Default)]
pub struct Late(Arc<Heap>);

#[derive(Debug, Default)]
struct Heap {
    left: Mutex<Vec<Left>>,
    more: Notify,
}

impl Late {
    /// Keeps this alive from now on.
    pub fn keep(&self, left: Left) {
        self.left().push(left);
        self.0.more.notify_one();
    }

    fn left(&self) -> MutexGuard<'_, Vec<Left>> {
        self.0.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps outputs alive until `stop`.
pub async fn follow(engine: Engine, iopub: Iopub, late: Late, stop: CancellationToken) {
    let alive = Mutex::new(Alive {
        engine: engine.clone(),
        iopub,
        late: late.clone(),
        pictures: VecDeque::new(),
        journal: None,
        launched: HashSet::new(),
    });
    let both = async { tokio::join!(draw(&engine, &alive, &late), listen(&engine, &alive)) };
    stop.run_until_cancelled(both).await;
}

fn lock(alive: &Mutex<Alive>) -> MutexGuard<'_, Alive> {
    alive.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Draws pictures anew when something has changed.
async fn draw(engine: &Engine, alive: &Mutex<Alive>, late: &Late) {
    let mut switches = engine.switches();
    let mut changes = engine.session().changes();
    loop {
        let some = !lock(alive).pictures.is_empty();
        tokio::select! {
            () = late.0.more.notified() => lock(alive).take_all(),
            switched = switches.changed() => {
                if switched.is_err() {
                    return;
                }
                // Pictures of another master's tasks stand still.
                lock(alive).forget();
                changes = engine.session().changes();
            }
            changed = changes.changed(), if some => match changed {
                Ok(()) => {
                    lock(alive).redraw();
                    tokio::time::sleep(PACE).await;
                }
                // The session has ended; the next comes with a switch.
                Err(_) => lock(alive).pictures.clear(),
            },
        }
    }
}

async fn listen(engine: &Engine, alive: &Mutex<Alive>) {
    let mut notices = engine.notices();
    loop {
        let moment = notices.next().await;
        lock(alive).tell(moment);
    }
}

/// What befell a framework, under the cell that subscribed.
struct Journal {
    parent: Parent,
    /// What happened before was the cell's to tell.
    since: Instant,
    display: Option<String>,
    lines: VecDeque<(String, Tone)>,
}

struct Alive {
    engine: Engine,
    iopub: Iopub,
    late: Late,
    pictures: VecDeque<Picture>,
    journal: Option<Journal>,
    /// The tasks that cells have launched on this master.
    launched: HashSet<String>,
}

impl Alive {
    fn take_all(&mut self) {
        let left = std::mem::take(&mut *self.late.left());
        left.into_iter().for_each(|left| self.take(left));
    }

    fn take(&mut self, left: Left) {
        match left {
            Left::Launched(tasks) => self.launched.extend(tasks),
            Left::Picture(picture) => {
                self.pictures.push_back(picture);
                if self.pictures.len() > ALIVE {
                    self.pictures.pop_front();
                }
                // Something may have happened between the cell's end and now.
                self.redraw();
            }
            Left::Subscription(parent, since) => {
                self.journal = Some(Journal { parent, since, display: None, lines: VecDeque::new() });
            }
        }
    }

    fn forget(&mut self) {
        self.pictures.clear();
        self.launched.clear();
    }

    fn redraw(&mut self) {
        let Self { engine, iopub, pictures, .. } = self;
        pictures.retain_mut(|picture| {
            let (document, over) = engine.picture(&picture.tasks);
            let data = bundle::of(&document);
            if !document.is_empty() && data != picture.shown {
                iopub.send("update_display_data", &picture.parent, content(&data, &picture.display));
                picture.shown = data;
            }
            !over
        });
    }

    fn tell(&mut self, moment: Vec<Notice>) {
        // What a cell has left is older than what befell the framework thereafter.
        self.take_all();
        let Some(journal) = &mut self.journal else { return };
        let launched = &self.launched;
        let drawn = |notice: &Notice| notice.task.as_ref().is_some_and(|(task, _)| launched.contains(task));
        // A task is told of where it was launched; and what is as it should be is no news.
        let is_news = |notice: &Notice| notice.connection || matches!(notice.tone, Tone::Bad | Tone::Unsure);
        // One moment may hold the subscription's beginning and its end: no cell but one that has failed tells of an end.
        let is_new = |notice: &Notice| notice.connection || notice.since >= journal.since;
        let news = moment.into_iter().filter(|notice| is_news(notice) && !drawn(notice) && is_new(notice));
        let before = journal.lines.len();
        let time = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
        journal.lines.extend(news.map(|notice| (format!("[{time}] {}", notice.text), notice.tone)));
        if journal.lines.len() == before {
            return;
        }
        journal.lines.drain(..journal.lines.len().saturating_sub(LINES));
        let line =
            |document: Document, (text, tone): &(String, Tone)| document.with_text(Piece::new(text.clone(), *tone));
        let data = bundle::of(&journal.lines.iter().fold(Document::new(), line));
        match &journal.display {
            Some(display) => self.iopub.send("update_display_data", &journal.parent, content(&data, display)),
            None => {
                let display = uuid::Uuid::new_v4().to_string();
                self.iopub.send("display_data", &journal.parent, content(&data, &display));
                journal.display = Some(display);
            }
        }
    }
}

fn content(data: &Value, display: &str) -> Value {
    json!({"data": data, "metadata": {}, "transient": {"display_id": display}})
}
