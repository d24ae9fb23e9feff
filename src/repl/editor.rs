//! The line editor on a thread of its own, since it reads the terminal and blocks; the session goes on beside it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;

use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{
    ColorMode, CompletionType, Config, Editor as Rustyline, ExternalPrinter, KeyCode, KeyEvent, Modifiers, Movement,
};

use unicode_width::UnicodeWidthStr as _;

use super::helper::Typing;
use super::history;
use super::screen::window;
use crate::engine::Engine;
use crate::render::Theme;

/// So many lines are kept.
const LINES: usize = 10_000;

/// Up a row and down again: lines above the one being typed that are none, but have it drawn anew.
const NO_LINE: &str = "\x1b[A\n";

/// What the prompt says now, where that is something else than when the line was begun; as wide as that.
pub(super) type Says = Arc<Mutex<Option<String>>>;

/// What to do next.
enum Ask {
    /// Read an input behind this prompt (plain, painted).
    Input(String, String),
    /// Read the answer to a question of ours.
    Answer(String),
}

/// What was typed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Typed {
    /// A whole input, possibly of several lines.
    Text(String),
    /// Ctrl-C.
    Interrupted,
    /// Ctrl-D on an empty line, or the terminal is gone.
    End,
    /// The terminal can't be read.
    Failed(String),
}

/// The editor's handle.
pub(super) struct Editor {
    asks: mpsc::Sender<Ask>,
    typed: tokio::sync::mpsc::UnboundedReceiver<Typed>,
    above: mpsc::Sender<String>,
    says: Says,
    /// The prompt that was asked behind, and how many columns it takes; none behind a question.
    prompt: Option<(String, usize)>,
}

impl Editor {
    /// Starts the editor's thread. The second is what to tell about the history, if it can't be kept.
    ///
    /// # Errors
    /// When the terminal can't be used.
    pub fn start(engine: Engine, theme: Theme) -> rustyline::Result<(Self, Option<String>)> {
        let mut line = Rustyline::<Typing, FileHistory>::with_config(config()?)?;
        let columns = || window().map_or(80, |(columns, _)| columns);
        let says = Says::default();
        line.set_helper(Some(Typing { engine, theme, columns, question: false, says: Arc::clone(&says) }));
        // Alt-Enter begins a new line anywhere.
        line.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), rustyline::Cmd::Newline);
        line.bind_sequence(KeyEvent::ctrl('G'), rustyline::Cmd::Kill(Movement::WholeBuffer));
        let (file, trouble) = match history::file() {
            Ok(file) => (Some(file), None),
            Err(error) => (None, Some(format!("the history isn't kept: {error}"))),
        };
        if let Some(file) = &file {
            // No file yet is how everybody begins; one that can't be read is replaced.
            let _ = line.load_history(file);
        }
        let above = printer(Box::new(line.create_external_printer()?))?;
        let (asks, asked) = mpsc::channel();
        let (answers, typed) = tokio::sync::mpsc::unbounded_channel();
        let work = move || Reader { line, file }.run(&asked, &answers);
        thread::Builder::new().name("line editor".to_owned()).spawn(work)?;
        Ok((Self { asks, typed, above, says, prompt: None }, trouble))
    }

    /// Asks for an input; [`Editor::typed`] gives it.
    pub fn ask(&mut self, plain: String, painted: String) {
        self.say(None);
        self.prompt = Some((painted.clone(), plain.width()));
        // A thread that has ended is noticed where the answer is awaited.
        let _ = self.asks.send(Ask::Input(plain, painted));
    }

    /// Asks a question; [`Editor::typed`] gives the answer.
    pub fn question(&mut self, text: String) {
        self.say(None);
        self.prompt = None;
        let _ = self.asks.send(Ask::Answer(text));
    }

    /// What is typed next. Can be awaited again after it was dropped.
    pub async fn typed(&mut self) -> Typed {
        self.typed.recv().await.unwrap_or_else(|| Typed::Failed("the line editor has ended".to_owned()))
    }

    /// The columns that the prompt of the line being typed takes; none behind a question.
    pub fn columns(&self) -> Option<usize> {
        self.prompt.as_ref().map(|(_, columns)| *columns)
    }

    /// Has the prompt say something else of the same width, from the next time on that the line is drawn; whether it is.
    pub fn says(&mut self, painted: String) -> bool {
        let Some((said, _)) = self.prompt.as_mut().filter(|(said, _)| *said != painted) else { return false };
        said.clone_from(&painted);
        self.say(Some(painted));
        true
    }

    fn say(&self, what: Option<String>) {
        *self.says.lock().unwrap_or_else(PoisonError::into_inner) = what;
    }

    /// Draws the line that is being typed anew, with its prompt.
    pub fn redraw(&self) {
        self.above(NO_LINE.to_owned());
    }

    /// Prints safe lines above the one that is being typed.
    pub fn above(&self, text: String) {
        let _ = self.above.send(text);
    }
}

fn config() -> rustyline::Result<Config> {
    Ok(Config::builder()
        .max_history_size(LINES)?
        .history_ignore_dups(true)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .bracketed_paste(true)
        .auto_add_history(false)
        // The helper paints, or doesn't; without this it wouldn't be asked for the prompt either.
        .color_mode(ColorMode::Forced)
        .bell_style(rustyline::config::BellStyle::None)
        .build())
}

/// A thread for lines above the one being typed, since the editor may be slow to take them.
fn printer(mut printer: Box<dyn ExternalPrinter + Send>) -> rustyline::Result<mpsc::Sender<String>> {
    let (above, lines) = mpsc::channel::<String>();
    let work = move || {
        for text in lines {
            if printer.print(text).is_err() {
                break;
            }
        }
    };
    thread::Builder::new().name("notices".to_owned()).spawn(work)?;
    Ok(above)
}

/// The thread's own.
struct Reader {
    line: Rustyline<Typing, FileHistory>,
    file: Option<PathBuf>,
}

impl Reader {
    fn run(mut self, asked: &mpsc::Receiver<Ask>, answers: &tokio::sync::mpsc::UnboundedSender<Typed>) {
        for ask in asked {
            let read = match ask {
                Ask::Input(plain, painted) => {
                    self.question(false);
                    let read = self.line.readline(&(plain, painted));
                    if let Ok(text) = &read {
                        self.remember(text);
                    }
                    read
                }
                Ask::Answer(text) => {
                    self.question(true);
                    self.line.readline(&text)
                }
            };
            let typed = match read {
                Ok(text) => Typed::Text(text),
                Err(ReadlineError::Interrupted) => Typed::Interrupted,
                Err(ReadlineError::Eof) => Typed::End,
                Err(error) => Typed::Failed(error.to_string()),
            };
            if answers.send(typed).is_err() {
                return;
            }
        }
    }

    fn question(&mut self, question: bool) {
        if let Some(helper) = self.line.helper_mut() {
            helper.question = question;
        }
    }

    /// Each line at once: a session that dies keeps what was typed.
    fn remember(&mut self, text: &str) {
        if text.trim().is_empty() || history::holds_credentials(text) {
            return;
        }
        let added = self.line.add_history_entry(text.trim_end());
        if let (Ok(true), Some(file)) = (added, &self.file) {
            // A full disk must not end the session; the lines stay in memory.
            if let Err(error) = self.line.append_history(file) {
                tracing::warn!(%error, "history not written");
            }
        }
    }
}
