//! The terminal: a prompt, the line being typed, answers below it, and above it what happens meanwhile.
//!
//! It hands what is typed to the engine and draws what comes back. It knows no protocol and no state of a session.

mod editor;
mod helper;
mod history;
mod leave;
mod prompt;
mod quiet;
mod run;
mod screen;

use tokio::sync::mpsc;
use tokio::time::Instant;

pub use leave::leave;
pub use prompt::prompt;
pub use quiet::Modes;
pub use run::{Asked, Ran, Signals, run};
pub use screen::{Look, Screen, Window, window};

use crate::document::{Document, Piece, Tone};
use crate::engine::{Engine, Leave, Notice, Outcome, Output as _, Standing};
use crate::render::{self, Page, safe_line};
use editor::{Editor, Typed};

/// So long the first prompt waits for a framework that is taken up.
const AT_ONCE: std::time::Duration = std::time::Duration::from_millis(700);

/// So much later than an answer a notice of the same thing may come.
const NOTICED: std::time::Duration = std::time::Duration::from_millis(500);
/// So often a prompt is looked at while it stands: what it says may have changed.
const LOOK: std::time::Duration = std::time::Duration::from_secs(1);

/// Reads and runs inputs until somebody leaves; the exit status.
///
/// # Errors
/// When the terminal or the signals can't be used.
pub async fn interact(engine: Engine, look: Look, welcome: Document) -> std::io::Result<u8> {
    let modes = Modes::now();
    let signals = Signals::take()?;
    let (editor, trouble) = Editor::start(engine.clone(), look.theme).map_err(std::io::Error::other)?;
    let (sender, notices) = mpsc::unbounded_channel();
    let mut background = tokio::task::JoinSet::new();
    let (opening, taken_up, teller) = (engine.opening(), engine.take_up(None), sender.clone());
    let (is_taken_up, decided) = tokio::sync::oneshot::channel::<()>();
    background.spawn(async move {
        // A loop that has ended needs no word of it.
        let _ = teller.send(taken_up.await);
        drop(is_taken_up);
    });
    background.spawn(listen(engine.clone(), sender.clone()));
    background.spawn(greet(engine.clone(), sender));
    let mut loop_ =
        Loop { engine, look, modes, signals, editor, notices, interrupts: 0, told: (String::new(), Instant::now()) };
    let mut welcome = welcome;
    if let Some(trouble) = trouble {
        welcome = welcome.with_text(Piece::new(trouble, Tone::Unsure));
    }
    for notice in opening {
        welcome = welcome.with_text(Piece::new(notice.text, notice.tone));
    }
    loop_.screen().show(welcome);
    let status = {
        let _quiet = loop_.modes.quiet();
        // A framework that is back at once shows in the first prompt; nobody waits for a master that is silent.
        let _ = tokio::time::timeout(AT_ONCE, decided).await;
        loop_.run().await
    };
    background.shutdown().await;
    Ok(status)
}

/// Takes up what another process of the session has left, as long as a command would wait for it; what to tell of it.
pub async fn take_up(engine: &Engine) -> Document {
    let mut told = engine.opening();
    told.extend(engine.take_up(Some(engine.options().patience)).await);
    told.into_iter().fold(Document::new(), |document, notice| document.with_text(Piece::new(notice.text, notice.tone)))
}

/// Passes on what happens, until the loop has ended.
async fn listen(engine: Engine, sender: mpsc::UnboundedSender<Vec<Notice>>) {
    let mut notices = engine.notices();
    loop {
        if sender.send(notices.next().await).is_err() {
            return;
        }
    }
}

/// Asks the master who it is, behind the first prompt.
async fn greet(engine: Engine, sender: mpsc::UnboundedSender<Vec<Notice>>) {
    if engine.target().embedded {
        return;
    }
    let session = engine.session();
    let mut status = session.status();
    // ZooKeeper's own words stand between the lines while nobody leads.
    let found = status.wait_for(|status| status.address.is_some()).await.map(|status| status.address.clone());
    let Ok(Some(address)) = found else { return };
    let answer = session.client().get(&address, "/version").await;
    let version = answer.as_ref().ok().and_then(|body| serde_json::from_slice::<serde_json::Value>(body).ok());
    let version = version.as_ref().and_then(|version| version.get("version")).and_then(|version| version.as_str());
    let (text, tone) = match (&answer, version) {
        (_, Some(version)) => (format!("Apache Mesos {version} answers at {address}"), Tone::Dim),
        (Ok(_), None) => (format!("{address} answers, but not as a Mesos does"), Tone::Bad),
        (Err(error), _) => (error.to_string(), Tone::Bad),
    };
    // A loop that has ended needs no greeting.
    let _ = sender.send(vec![Notice::connection(text, tone)]);
}

struct Loop {
    engine: Engine,
    look: Look,
    modes: Modes,
    signals: Signals,
    editor: Editor,
    notices: mpsc::UnboundedReceiver<Vec<Notice>>,
    /// How often Ctrl-C came in a row at the prompt.
    interrupts: usize,
    /// What the last input's answers told, and when they ended.
    told: (String, Instant),
}

/// Whether an input's answers, which ended then, told what a notice tells.
fn is_told(notice: &Notice, said: &str, end: Instant) -> bool {
    match &notice.task {
        // A state that it told may be reached again later.
        Some((task, state)) => {
            notice.since <= end + NOTICED && said.contains(&*safe_line(task)) && said.contains(state.as_str())
        }
        // What comes of a command (offers above all) shows in its answers and in the prompt.
        None => notice.since <= end && !notice.connection && !matches!(notice.tone, Tone::Bad | Tone::Unsure),
    }
}

/// What comes of an input.
enum Next {
    Prompt,
    Leave(Leave),
    Exit(u8),
}

impl Loop {
    fn screen(&self) -> Screen<std::io::Stdout, std::io::Stderr> {
        Screen::standard(self.look.clone())
    }

    async fn run(&mut self) -> u8 {
        loop {
            let next = match self.read().await {
                Ok(Typed::Text(text)) if text.trim().is_empty() => {
                    self.engine.reconnect_if_lost().await;
                    Next::Prompt
                }
                Ok(Typed::Text(text)) => self.input(&text).await,
                Ok(Typed::Interrupted) => self.interrupted(),
                Ok(Typed::End) => Next::Leave(Leave::Unsaid),
                Ok(Typed::Failed(why)) => {
                    tracing::warn!(why, "the terminal can't be read");
                    Next::Exit(1)
                }
                Err(status) => Next::Exit(status),
            };
            match next {
                Next::Prompt => {}
                Next::Leave(how) => {
                    if let Some(status) = self.leave(how).await {
                        return status;
                    }
                }
                // The terminal is gone, or the machine goes down: nothing is killed without a word.
                Next::Exit(status) => {
                    self.modes.restore();
                    leave(&self.engine, Leave::Detach).await;
                    return status;
                }
            }
        }
    }

    /// Waits for an input, and shows meanwhile what happens; `Err` is the exit status that a signal asks for.
    async fn read(&mut self) -> Result<Typed, u8> {
        let (plain, painted) = prompt(&self.engine.standing(), self.look.theme);
        self.editor.ask(plain, painted);
        self.typed().await
    }

    /// Has the prompt say how the session stands now; whether that is something else than before.
    fn look_again(&mut self) -> bool {
        let (standing, theme) = (self.engine.standing(), self.look.theme);
        let columns = self.editor.columns();
        columns.and_then(|columns| prompt::fitted(&standing, theme, columns)).is_some_and(|text| self.editor.says(text))
    }

    async fn typed(&mut self) -> Result<Typed, u8> {
        let mut look = tokio::time::interval_at(Instant::now() + LOOK, LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                typed = self.editor.typed() => {
                    if typed != Typed::Interrupted {
                        self.interrupts = 0;
                    }
                    return Ok(typed);
                }
                Some(notices) = self.notices.recv() => {
                    let untold = self.untold(notices);
                    let says_more = self.look_again();
                    if !untold.is_empty() {
                        self.editor.above(self.lines(&untold));
                    } else if says_more {
                        self.editor.redraw();
                    }
                }
                _ = look.tick() => if self.look_again() { self.editor.redraw() },
                // At the prompt Ctrl-C is a key; a signal from elsewhere finds nothing to stop.
                asked = self.signals.next() => if let Asked::End(status) = asked { return Err(status) },
            }
        }
    }

    async fn input(&mut self, text: &str) -> Next {
        let mut screen = self.screen();
        let ran = run(&self.engine, text, &mut screen, &mut self.signals).await;
        let next = match ran {
            Ran::Ended(Outcome::Quit(how)) => Next::Leave(how),
            Ran::Ended(Outcome::Cancelled) => {
                screen.show(Document::text(Piece::new("interrupted; what was sent stays sent", Tone::Dim)));
                Next::Prompt
            }
            Ran::Ended(Outcome::Done | Outcome::Failed | Outcome::Misused) => Next::Prompt,
            Ran::Told(status) => Next::Exit(status),
        };
        self.catch_up(&mut screen);
        next
    }

    /// Shows what happened while the input ran, but for what its own answers told.
    fn catch_up(&mut self, screen: &mut Screen<std::io::Stdout, std::io::Stderr>) {
        self.told = (screen.said().to_owned(), Instant::now());
        let mut untold = Vec::new();
        while let Ok(notices) = self.notices.try_recv() {
            untold.extend(self.untold(notices));
        }
        if !untold.is_empty() {
            let lines = self.lines(&untold);
            screen.line(lines.trim_end_matches('\n'));
        }
    }

    /// Notices that the last input's answers didn't tell.
    fn untold(&self, notices: Vec<Notice>) -> Vec<Notice> {
        let (said, end) = &self.told;
        notices.into_iter().filter(|notice| !is_told(notice, said, *end)).collect()
    }

    /// Notices as lines: what a terminal would obey is shown, not sent.
    fn lines(&self, notices: &[Notice]) -> String {
        let time = jiff::Zoned::now().strftime("[%H:%M:%S]").to_string();
        let columns = window().map_or(80, |(columns, _)| columns);
        let mut text = String::new();
        for notice in notices {
            let piece = Piece::new(safe_line(&notice.text).into_owned(), notice.tone);
            let pieces = [Piece::new(format!("{time} "), Tone::Dim), piece];
            let page = Page { theme: self.look.theme, ..Page::plain(columns) };
            text.push_str(&render::ansi(&Document::new().with_pieces(pieces), &page));
        }
        text
    }

    fn interrupted(&mut self) -> Next {
        self.interrupts += 1;
        if self.interrupts > 1 {
            self.screen().show(Document::text(Piece::new("quit or Ctrl-D leaves", Tone::Dim)));
        }
        Next::Prompt
    }

    /// Leaves, after asking what shall become of running tasks; `None` to stay.
    async fn leave(&mut self, how: Leave) -> Option<u8> {
        let standing = self.engine.standing();
        let how = match how {
            Leave::Unsaid if standing.alive && standing.tasks > 0 => self.ask(&standing).await?,
            // Nothing runs, and it was this session's: why should the master wait for it?
            Leave::Unsaid if self.engine.session().status().borrow().is_own() => Leave::Teardown,
            how => how,
        };
        if let Some(told) = leave(&self.engine, how).await {
            self.screen().show(told);
        }
        Some(0)
    }

    /// Asks about running tasks; `None` to stay.
    async fn ask(&mut self, standing: &Standing) -> Option<Leave> {
        let tasks = leave::tasks(standing.tasks);
        let runs = if standing.tasks == 1 { "runs" } else { "run" };
        let embedded = self.engine.target().embedded;
        let question = if embedded {
            format!("{tasks} still {runs}, and the embedded Mesos ends with this program. [l]eave, [s]tay? ")
        } else {
            let waits = leave::waits(&self.engine);
            format!("{tasks} still {runs}. [k]eep and leave ({waits}), [t]ear down, [s]tay? ")
        };
        loop {
            self.editor.question(question.clone());
            match self.typed().await {
                Ok(Typed::Text(answer)) => match answer.trim().to_lowercase().as_str() {
                    "k" | "keep" if !embedded => return Some(Leave::Detach),
                    "t" | "tear down" | "teardown" if !embedded => return Some(Leave::Teardown),
                    "l" | "leave" if embedded => return Some(Leave::Teardown),
                    "s" | "stay" => return None,
                    _ => {}
                },
                Ok(Typed::Interrupted) => return None,
                // Ctrl-D again, or nobody is there any more: leave, and kill nothing.
                Ok(Typed::End | Typed::Failed(_)) | Err(_) => return Some(Leave::Detach),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_answer_told_is_told_once_and_what_comes_later_is_told() {
        let end = Instant::now();
        let at = |since: Instant| {
            let task = Some(("web".to_owned(), "RUNNING".to_owned()));
            Notice { task, since, ..Notice::new("web RUNNING", Tone::Running) }
        };
        let before = end.checked_sub(std::time::Duration::from_secs(1)).unwrap_or(end);
        let said = "web  RUNNING  0.7s\n";
        assert!(is_told(&at(before), said, end) && is_told(&at(end + NOTICED / 2), said, end));
        // An agent that was away comes back with its task.
        assert!(!is_told(&at(end + NOTICED * 2), said, end));
        assert!(!is_told(&at(before), "web  STARTING\n", end) && !is_told(&at(before), "", end));
        let offer = |since| Notice { since, ..Notice::new("offer O1", Tone::Plain) };
        assert!(is_told(&offer(before), "", end) && !is_told(&offer(end + NOTICED / 2), "", end));
        assert!(!is_told(&Notice::connection("lost", Tone::Unsure), said, end));
    }
}
