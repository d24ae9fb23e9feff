//! What people paste from tutorials and other tools' manuals: curl, zkCli.sh, mesos-leader, addresses.
//!
//! Says what the line asks for; whether and how it is done here is the engine's affair.

use super::input::{Header, PasteKind, Spanned, Word};
use super::token::Line;
use crate::document::Diagnostic;

/// Which known tool or form a first word stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Curl,
    ZkCli,
    /// `[zk: HOST:PORT(CONNECTED) 0]`, the prompt that zkCli.sh shows.
    ZkPrompt,
    MesosLeader,
    Address,
}

/// The tool that text begins with; `$ ` before it is a shell's prompt, pasted along.
pub(super) fn tool(text: &str) -> Option<Tool> {
    let text = text.strip_prefix("$ ").unwrap_or(text).trim_start();
    if text.starts_with("[zk:") {
        return Some(Tool::ZkPrompt);
    }
    let head = text.split(|c: char| c.is_whitespace() || c == ';').next().unwrap_or_default();
    let program = head.rsplit('/').next().unwrap_or_default();
    match program {
        _ if is_address(head) => Some(Tool::Address),
        "curl" => Some(Tool::Curl),
        "zkCli.sh" | "zkCli" | "zkcli" | "zkCli.cmd" => Some(Tool::ZkCli),
        "mesos-leader" | "mesos-resolve" => Some(Tool::MesosLeader),
        _ => None,
    }
}

fn is_address(word: &str) -> bool {
    ["http://", "https://", "zk://"].iter().any(|scheme| word.len() > scheme.len() && word.starts_with(scheme))
        || is_host_and_port(word)
}

/// `192.168.33.10:5050`, `master:5050/state`: a name with a letter or a dot, and a port.
fn is_host_and_port(word: &str) -> bool {
    let (place, _) = word.split_once('/').unwrap_or((word, ""));
    let Some((host, port)) = place.rsplit_once(':') else { return false };
    let named = host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    named && port.len() > 1 && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// What a pasted line asks for.
pub(super) fn read(tool: Tool, line: &Line, source: &str) -> Result<PasteKind, Diagnostic> {
    let prompt = usize::from(line.words.first().is_some_and(|word| word.text == "$"));
    let words = line.words.get(prompt..).unwrap_or_default();
    let Some((head, rest)) = words.split_first() else {
        return Err(Diagnostic::new("nothing was pasted"));
    };
    match tool {
        Tool::Curl => curl(head, rest, source),
        Tool::ZkCli => Ok(zk_cli(head, rest)),
        Tool::ZkPrompt => Ok(zk_prompt(words)),
        Tool::MesosLeader => Ok(leader(rest)),
        Tool::Address => match rest.first() {
            None => Ok(PasteKind::Address(spanned(head))),
            Some(extra) => {
                let diagnostic = Diagnostic::new("an address stands alone").at(source, extra.span.clone());
                Err(diagnostic.label("what is this for?"))
            }
        },
    }
}

fn spanned(word: &Word) -> Spanned<String> {
    Spanned::new(word.text.clone(), word.span.clone())
}

/// What has been read of a curl line.
#[derive(Default)]
struct Curl {
    url: Option<Spanned<String>>,
    method: Option<String>,
    head: bool,
    headers: Vec<Header>,
    body: Option<Spanned<String>>,
    ignored: Vec<Spanned<String>>,
}

/// curl's letters that take a value.
const CURL_VALUES: &str = "AbcCdDeEFhHKmoPQrtTuUwxXyYz";

fn curl(head: &Word, rest: &[Word], source: &str) -> Result<PasteKind, Diagnostic> {
    let mut curl = Curl::default();
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if ends_command(text) {
            curl.ignored.push(spanned(word));
            curl.ignored.extend(words.map(spanned));
            break;
        }
        match text.strip_prefix("--") {
            Some(long) => curl.long(long, word, &mut words),
            None if text.len() > 1 && text.starts_with('-') => curl.shorts(word, &mut words),
            None => curl.address(word),
        }
    }
    let Some(url) = curl.url else {
        let diagnostic = Diagnostic::new("curl wants an address").at(source, head.span.clone());
        return Err(diagnostic.help("for example: curl http://HOST:5050/state"));
    };
    let method = match (curl.method, &curl.body, curl.head) {
        (Some(method), _, _) => method,
        (None, _, true) => "HEAD".to_owned(),
        (None, Some(_), false) => "POST".to_owned(),
        (None, None, false) => "GET".to_owned(),
    };
    Ok(PasteKind::Http { url, method, headers: curl.headers, body: curl.body, ignored: curl.ignored })
}

/// Whether the shell would end curl's own words here.
fn ends_command(word: &str) -> bool {
    matches!(word, "|" | "||" | "&" | "&&" | ">" | ">>" | "2>" | "2>&1" | "&>" | "<")
        || word.starts_with("2>")
        || (word.starts_with(['|', '>']) && word.len() > 1)
}

impl Curl {
    fn address(&mut self, word: &Word) {
        let text = if word.text.contains("://") { word.text.clone() } else { format!("http://{}", word.text) };
        match self.url {
            None => self.url = Some(Spanned::new(text, word.span.clone())),
            Some(_) => self.ignored.push(spanned(word)),
        }
    }

    fn long<'a>(&mut self, long: &str, word: &Word, words: &mut impl Iterator<Item = &'a Word>) {
        let (name, attached) = match long.split_once('=') {
            Some((name, value)) => (name, Some(Spanned::new(value.to_owned(), word.span.clone()))),
            None => (long, None),
        };
        let letter = match name {
            "request" => 'X',
            "header" => 'H',
            "data" | "data-raw" | "data-binary" | "data-ascii" | "json" => 'd',
            "head" => 'I',
            "url" => '@',
            "output" | "user" | "max-time" | "connect-timeout" | "cacert" | "cert" | "key" | "user-agent"
            | "write-out" | "retry" | "proxy" | "form" | "cookie" | "referer" | "resolve" => 'o',
            _ => ' ',
        };
        if letter == '@' || CURL_VALUES.contains(letter) {
            let value = attached.or_else(|| words.next().map(spanned));
            self.value(letter, word, value);
        } else {
            self.switch(letter, word);
        }
    }

    fn shorts<'a>(&mut self, word: &Word, words: &mut impl Iterator<Item = &'a Word>) {
        for (at, letter) in word.text.char_indices().skip(1) {
            if !CURL_VALUES.contains(letter) {
                self.switch(letter, word);
                continue;
            }
            let attached = word.text.get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty());
            let attached = attached.map(|rest| Spanned::new(rest.to_owned(), word.span.clone()));
            let value = attached.or_else(|| words.next().map(spanned));
            return self.value(letter, word, value);
        }
    }

    /// Options about how curl itself speaks (silence, progress, ...) mean nothing here and need no mention.
    fn switch(&mut self, letter: char, word: &Word) {
        match letter {
            'I' => self.head = true,
            's' | 'S' | 'v' | 'i' | 'f' | 'L' | 'N' | '#' | ' ' if word.text != "--insecure" => {}
            _ => self.ignored.push(spanned(word)),
        }
    }

    fn value(&mut self, letter: char, word: &Word, value: Option<Spanned<String>>) {
        let Some(value) = value else { return };
        match letter {
            'X' => self.method = Some(value.value.to_uppercase()),
            'H' => {
                let (name, text) = value.value.split_once(':').unwrap_or((&value.value, ""));
                self.headers.push(Header { name: name.trim().to_owned(), value: text.trim().to_owned() });
            }
            'd' => match &mut self.body {
                // As curl joins them.
                Some(body) => {
                    body.value.push('&');
                    body.value.push_str(&value.value);
                    body.span.end = value.span.end;
                }
                None => self.body = Some(value),
            },
            '@' => self.address(&Word { text: value.value, span: value.span, kind: word.kind }),
            _ => {
                self.ignored.push(spanned(word));
                if value.span != word.span {
                    self.ignored.push(value);
                }
            }
        }
    }
}

/// Where zkCli.sh connects to when it is not told.
const ZK_DEFAULT: &str = "localhost:2181";

fn zk_cli(head: &Word, rest: &[Word]) -> PasteKind {
    let mut servers = Spanned::new(ZK_DEFAULT.to_owned(), head.span.clone());
    let mut words = rest.iter();
    let mut command = Vec::new();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "-server" => servers = words.next().map_or(servers, spanned),
            "-timeout" => drop(words.next()),
            _ => command.push(word),
        }
    }
    PasteKind::ZooKeeper { servers, command: zk_command(command) }
}

/// `[zk: HOST:PORT(CONNECTED) 0] get /path`
fn zk_prompt(words: &[Word]) -> PasteKind {
    let end = words.iter().position(|word| word.text.ends_with(']')).map_or(words.len(), |at| at + 1);
    let (prompt, command) = words.split_at(end.min(words.len()));
    // The brackets may have been taken for JSON, so the prompt is one word or several.
    let text: Vec<&str> = prompt.iter().flat_map(|word| word.text.split_whitespace()).collect();
    let server = text.iter().find_map(|word| word.split_once('(').map(|(server, _)| server));
    let span = prompt.first().map_or(0..0, |word| word.span.clone());
    let servers = Spanned::new(server.unwrap_or(ZK_DEFAULT).to_owned(), span);
    PasteKind::ZooKeeper { servers, command: zk_command(command.iter().collect()) }
}

fn zk_command(words: Vec<&Word>) -> Option<(String, Spanned<String>)> {
    let mut words = words.into_iter().filter(|word| !word.text.starts_with('-'));
    let command = words.next()?;
    let path = words.next().map_or_else(|| Spanned::new("/".to_owned(), command.span.clone()), spanned);
    Some((command.text.clone(), path))
}

fn leader(rest: &[Word]) -> PasteKind {
    let mut zk = None;
    let mut all = false;
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "-a" | "--all" => all = true,
            "--zk" | "-z" => zk = words.next().map(spanned).or(zk),
            text => {
                let address = text.strip_prefix("--zk=").unwrap_or(text);
                if !address.starts_with('-') {
                    zk = Some(Spanned::new(address.to_owned(), word.span.clone()));
                }
            }
        }
    }
    PasteKind::Leader { zk, all }
}
