//! `sessions`: what this person's sessions remember, taken up again or forgotten.

use std::time::SystemTime;

use super::connect;
use super::prelude::*;
use crate::document::{Column, Table, span};
use crate::engine::{Engine, Memory, Target};
use crate::session::{Closed, Config, Masters, Session, SubscribeError};
use crate::store::{self, Kept, Left, Listed, Naming, Standing, Trouble};
use crate::view;

command! {
    Verb {
        summary: "frameworks that sessions have left, here or in other terminals: list, resume, forget, teardown",
        about: "A session on a real cluster is recorded: its framework's id, its tasks, calls under way. Should its program die, \
                the next start takes the framework up again. A prompt's session is named after its master, with a number if \
                another process has that one; a script's has a name of its own; --session NAME names one. 'resume' turns to a \
                session and takes its framework up, 'forget' removes the record and leaves the framework to its failover \
                timeout, 'teardown' ends the framework. Files are in mesos-repl/sessions in the XDG state folder, without \
                credentials.",
        positionals: &[
            Positional::optional("what", Kind::Choice(&["list", "resume", "forget", "teardown"]), "list, resume, forget or teardown"),
            Positional::optional("name", Kind::Text, "the session"),
        ],
        options: &[Opt::value("timeout", "TIME", Kind::Duration, "wait no longer (2m)").short('t')],
        examples: &[
            Example::new("sessions", "all of them: whose, how old, for how long their masters still wait"),
            Example::new("sessions resume 10.0.0.1:5050", "turns to that session, and takes its framework up").needs("a session"),
            Example::new("sessions forget 10.0.0.1:5050", "remembers nothing of it any more").needs("a session"),
            Example::new("sessions teardown script-20260101-120000-4711", "ends what a script left").needs("a session"),
        ],
        group: "session",
        ..Verb::new("sessions")
    }
}

async fn run(context: &mut Context<'_>, args: Args) -> Result<(), Failure> {
    let Some(memory) = context.options().memory.clone() else {
        return Err(args.wrong_at(args.verb().span.clone(), "sessions aren't recorded here").into());
    };
    let what = args.text("what").unwrap_or("list").to_owned();
    match (what.as_str(), args.text("name")) {
        ("list", None) => list(context, &memory),
        ("list", Some(_)) => Err(args.wrong("name", "sessions list takes no name").into()),
        (_, None) => Err(args.wrong("what", format!("which session? sessions {what} NAME")).into()),
        (what, Some(name)) => {
            let listed = found(context, &args, &memory, name)?;
            match what {
                "resume" => resume(context, name, &listed).await,
                "forget" => forget(context, &memory, name, &listed),
                _ => teardown(context, &args, &memory, name, &listed).await,
            }
        }
    }
}

/// A session that isn't this one, and that no process works on.
fn found(context: &Context<'_>, args: &Args, memory: &Memory, name: &str) -> Result<Listed, Failure> {
    if own(context.engine()).as_deref() == Some(name) {
        return Err(args
            .wrong("name", format!("{name} is this session"))
            .help("subscribe takes its framework up, teardown ends it, detach leaves it")
            .into());
    }
    let Some(listed) = memory.folder.look(name)? else {
        return Err(args.wrong("name", format!("there is no session '{name}'")).help("sessions lists them").into());
    };
    if listed.busy {
        let pid = listed.kept.ok().flatten().map(|kept| kept.pid);
        return Err(Trouble::Busy { name: name.to_owned(), pid }.into());
    }
    Ok(listed)
}

/// The name of this session, if it has one.
fn own(engine: &Engine) -> Option<String> {
    engine.session().store().map(|store| store.name().to_owned())
}

fn list(context: &mut Context<'_>, memory: &Memory) -> Result<(), Failure> {
    let columns = [
        Column::new("Session").key("name"),
        Column::new("State"),
        Column::new("Framework").key("framework_id"),
        Column::number("Tasks"),
        Column::number("Master waits").key("left").drops(1),
        Column::number("Seen").key("seen").drops(3),
        Column::new("Master").drops(2),
    ];
    let mut table = Table::new(columns, "no session has left anything").named("sessions");
    let own = own(context.engine());
    let mut other = None;
    for listed in memory.folder.list()? {
        let is_own = own.as_deref() == Some(listed.name.as_str());
        if !is_own && !listed.busy && listed.kept.as_ref().is_ok_and(Option::is_some) {
            other = other.or(Some(listed.name.clone()));
        }
        table.push(row(&listed, is_own, &context.session()));
    }
    let next: Vec<String> = other
        .map(|name| vec![format!("sessions resume {name}"), format!("sessions forget {name}")])
        .unwrap_or_else(|| vec!["status".to_owned()]);
    context.show(Document::from(table).with_next(next));
    Ok(())
}

fn row(listed: &Listed, is_own: bool, session: &Session) -> Vec<Cell> {
    let now = SystemTime::now();
    let seen = now.duration_since(listed.touched).unwrap_or_default();
    let name = Cell::text(listed.name.clone());
    let empty =
        |state: Cell| vec![name.clone(), state, Cell::Empty, Cell::Empty, Cell::Empty, Cell::Ago(seen), Cell::Empty];
    let kept = match &listed.kept {
        Err(trouble) => return empty(Cell::state(trouble.to_string(), Tone::Bad)),
        Ok(None) if is_own => return empty(Cell::state("this one", Tone::Good)),
        Ok(None) => return empty(Cell::state(if listed.busy { "in use" } else { "nothing in it" }, Tone::Dim)),
        Ok(Some(kept)) => kept,
    };
    let left = kept.has_framework().then(|| time_left(kept, listed, now));
    let waits = match left {
        None | Some((_, None)) => Cell::Empty,
        Some((_, Some(left))) => Cell::Left(left),
    };
    let state = if is_own {
        Cell::state("this one", Tone::Good)
    } else if listed.busy {
        Cell::state(format!("in use by process {}", kept.pid), Tone::Running)
    } else {
        standing(kept, left.and_then(|(_, left)| left))
    };
    let id = kept.id().map(|id| Cell::id(id.as_str(), view::short_framework(id.as_str())));
    let tasks = if is_own { session.read(|state| state.tasks.active()) } else { kept.active().count() };
    vec![
        name,
        state,
        id.unwrap_or(Cell::Empty),
        Cell::Count(tasks as u64),
        waits,
        Cell::Ago(seen),
        Cell::text(kept.master.clone()),
    ]
}

/// When the connection was lost, and how long the master still waits, where it doesn't stand.
fn time_left(kept: &Kept, listed: &Listed, now: SystemTime) -> (SystemTime, Option<Duration>) {
    let lost = match kept.standing {
        Standing::Lost(at) | Standing::Left(_, at) => kept.state.started + at,
        Standing::Connected | Standing::Never => listed.touched,
    };
    let waits = !(listed.busy && kept.standing == Standing::Connected);
    let away = now.duration_since(lost).unwrap_or_default();
    (lost, waits.then(|| kept.failover_timeout().saturating_sub(away)))
}

fn standing(kept: &Kept, left: Option<Duration>) -> Cell {
    match (kept.standing, left) {
        _ if !kept.has_framework() => Cell::state("nothing in it", Tone::Dim),
        (Standing::Left(Left::Stolen, _), _) => Cell::state("another client's by now", Tone::Dim),
        (_, Some(Duration::ZERO)) => Cell::state("its time is over", Tone::Bad),
        (Standing::Left(Left::Detached, _), _) => Cell::state("detached", Tone::Waiting),
        (Standing::Left(Left::Refused, _), _) => Cell::state("refused by the master", Tone::Bad),
        (Standing::Never, _) => Cell::state("was registering", Tone::Unsure),
        (Standing::Connected | Standing::Lost(_), _) => Cell::state("left behind", Tone::Unsure),
    }
}

/// The cluster of a session, spoken to as the present one where it is the same.
fn target(context: &Context<'_>, kept: &Kept) -> Result<Target, Diagnostic> {
    let present = context.target();
    if present.masters.to_string() == kept.master {
        return Ok(present);
    }
    if kept.master.contains("***@") {
        return Err(Diagnostic::new(format!(
            "ZooKeeper at {} wants a user and a password, which aren't recorded",
            kept.master
        ))
        .help(format!("connect to it with them, then sessions resume {}", kept.session)));
    }
    let masters = Masters::parse(&kept.master, false)
        .map_err(|error| Diagnostic::new("the session's master can't be read").cause(&error))?;
    let (client, mut access) = (context.client(), present.access);
    if !masters.named().iter().all(|address| client.knows(address)) || masters.named().is_empty() {
        access.credentials = None;
    }
    Ok(Target { access, ..Target::new(masters) })
}

fn remembered(listed: &Listed) -> Result<&Kept, Failure> {
    match &listed.kept {
        Ok(Some(kept)) if kept.has_framework() => Ok(kept),
        Ok(_) => Err(Diagnostic::new(format!("session {} has left nothing", listed.name)).into()),
        Err(trouble) => Err(Diagnostic::from_error(trouble).into()),
    }
}

async fn resume(context: &mut Context<'_>, name: &str, listed: &Listed) -> Result<(), Failure> {
    let target = target(context, remembered(listed)?)?;
    let left = connect::left_behind(context);
    context.engine().switch(target, Some(&Naming::Named(name.to_owned()))).await?;
    if let Some(left) = left {
        context.show(Document::text(left));
    }
    connect::take_up(context).await
}

fn forget(context: &mut Context<'_>, memory: &Memory, name: &str, listed: &Listed) -> Result<(), Failure> {
    memory.folder.forget(name)?;
    let mut said = format!("session {name} is forgotten");
    let mut next = Vec::new();
    if let Ok(Some(kept)) = &listed.kept
        && let Some(id) = kept.id()
        && let (_, Some(left)) = time_left(kept, listed, SystemTime::now())
        && !left.is_zero()
    {
        said = format!("{said}; the master keeps its framework {id} for {} more", span(left));
        next.push(format!("subscribe --id {id}"));
    }
    context.show(Document::text(said).with_next(next));
    Ok(())
}

/// Takes the framework up for as long as it takes to end it.
async fn teardown(
    context: &mut Context<'_>,
    args: &Args,
    memory: &Memory,
    name: &str,
    listed: &Listed,
) -> Result<(), Failure> {
    let kept = remembered(listed)?;
    let target = target(context, kept)?;
    let tasks = kept.active().count();
    let found = store::open(&memory.folder, &Naming::Named(name.to_owned()), &kept.master)?;
    let config = Config { access: target.access, ..Config::new(target.masters) };
    let session = Session::resume(config, found)?;
    session.take_up().await;
    let limit = args.duration("timeout").unwrap_or(context.options().patience);
    let torn_down = async {
        match session.subscribed().await {
            Ok(id) => session.teardown().await.map(|_| Some(id)).map_err(Failure::from),
            Err(SubscribeError::Closed(Closed::Removed)) => Ok(None),
            Err(SubscribeError::Closed(why)) => Err(crate::engine::explain::closed(&why, &session).into()),
            Err(error) => Err(Diagnostic::from_error(&error).into()),
        }
    };
    let what = format!("the end of session {name}'s framework");
    let ended = context.during(&what, tokio::time::timeout(limit, torn_down)).await;
    session.close().await;
    let told = match ended? {
        Ok(Ok(Some(id))) => {
            let tasks = if tasks == 0 { String::new() } else { format!("; {tasks} of its tasks were there") };
            format!("framework {id} of session {name} is torn down{tasks}")
        }
        Ok(Ok(None)) => format!("the framework of session {name} was gone already; the session is forgotten"),
        Ok(Err(failure)) => return Err(failure),
        Err(_) => {
            let why = format!("the master at {} didn't answer within {}", kept.master, span(limit));
            return Err(Diagnostic::new(why).detail("the session is as it was").into());
        }
    };
    context.show(Document::text(told));
    Ok(())
}
