//! Regular expressions as RE2 takes them: what it refuses is refused in its words.
//!
//! Pure. The match itself is the `regex` crate's, whose syntax is RE2's but for what is changed here.
//! (google/re2: re2/parse.cc, re2/re2.cc)

use regex::Regex;

/// No repetition may come to more, nested ones multiplied.
const MOST_REPETITIONS: u32 = 1000;

/// A pattern that must match the whole text, as RE2's FullMatch, or what RE2 says of it.
pub(super) fn read(text: &str) -> Result<Regex, String> {
    let plain = Scanner::new(text).whole()?;
    Regex::new(&format!("^(?:{plain})$")).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "pattern too large - compile failed".to_owned(),
        error => error.to_string(),
    })
}

/// What lies between two parentheses, or the whole.
#[derive(Default)]
struct Group {
    /// How often the atom before may come, all repetitions within it multiplied; `None` where nothing can be repeated.
    atom: Option<u32>,
    /// Where the repetition began that came just before.
    repeated: Option<usize>,
    /// The most that an atom in here comes to.
    most: u32,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    groups: Vec<Group>,
    /// The same pattern for the `regex` crate.
    plain: String,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, groups: vec![Group { most: 1, ..Group::default() }], plain: String::new() }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn from(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or("")
    }

    fn take(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn atom(&mut self, times: u32) {
        if let Some(group) = self.groups.last_mut() {
            group.atom = Some(times);
            group.repeated = None;
            group.most = group.most.max(times);
        }
    }

    fn nothing(&mut self) {
        if let Some(group) = self.groups.last_mut() {
            (group.atom, group.repeated) = (None, None);
        }
    }

    fn whole(mut self) -> Result<String, String> {
        loop {
            let start = self.at;
            let Some(next) = self.take() else { break };
            match next {
                '\\' => self.escape(start).map(|()| self.atom(1))?,
                '[' => self.class(start).map(|()| self.atom(1))?,
                '(' => self.open(start)?,
                ')' => self.close()?,
                '|' => self.nothing(),
                '*' | '+' | '?' => self.repeat(start, 1)?,
                '{' => match self.counts() {
                    Some(most) => {
                        let most = most.ok_or_else(|| format!("invalid repetition size: {}", self.from(start)))?;
                        self.repeat(start, most)?;
                    }
                    None => {
                        self.plain.push('\\');
                        self.atom(1);
                    }
                },
                _ => self.atom(1),
            }
            self.plain.push_str(self.from(start));
        }
        if self.groups.len() > 1 {
            return Err(format!("missing ): {}", self.text));
        }
        Ok(self.plain)
    }

    /// After a backslash.
    fn escape(&mut self, start: usize) -> Result<(), String> {
        let Some(next) = self.take() else { return Err("trailing \\".to_owned()) };
        let fine = match next {
            '1'..='7' => self.rest().starts_with(|c: char| c.is_digit(8)),
            '8' | '9' | '_' => false,
            next if next.is_ascii_alphabetic() => "afnrtvdDsSwWbBAzQECpPx".contains(next),
            next => next.is_ascii(),
        };
        if fine { Ok(()) } else { Err(format!("invalid escape sequence: {}", self.from(start))) }
    }

    /// After `[`.
    fn class(&mut self, start: usize) -> Result<(), String> {
        let missing = |scanner: &Self| format!("missing ]: {}", scanner.text.get(start..).unwrap_or(""));
        if self.rest().starts_with('^') {
            self.take();
        }
        let mut is_first = true;
        loop {
            if self.rest().starts_with(']') && !is_first {
                self.take();
                return Ok(());
            }
            is_first = false;
            if let Some(end) = self.rest().strip_prefix("[:").and_then(|rest| rest.find(":]")) {
                self.at += end + 4;
                continue;
            }
            let begin = self.at;
            let low = self.class_char(begin).ok_or_else(|| missing(self))??;
            let is_range = self.rest().starts_with('-') && !self.rest().starts_with("-]");
            if let (Some(low), true) = (low, is_range) {
                self.take();
                let at = self.at;
                let high = self.class_char(at).ok_or_else(|| missing(self))??;
                if high.is_none_or(|high| high < low) {
                    return Err(format!("invalid character class range: {}", self.from(begin)));
                }
            }
        }
    }

    /// One character of a class; `Some(None)` within is several at once, such as `\d`. `None` is the pattern's end.
    fn class_char(&mut self, start: usize) -> Option<Result<Option<char>, String>> {
        match self.take()? {
            '\\' => Some(self.escape(start).map(|()| match self.from(start).chars().nth(1) {
                Some(c) if c.is_ascii_alphanumeric() => None,
                other => other,
            })),
            other => Some(Ok(Some(other))),
        }
    }

    /// After `(`.
    fn open(&mut self, start: usize) -> Result<(), String> {
        if self.rest().starts_with('?') {
            self.take();
            if let Some(rest) = self.rest().strip_prefix("P<") {
                let name = rest.find('>').and_then(|end| rest.get(..end));
                let fine = |name: &&str| {
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                };
                let Some(name) = name.filter(fine) else {
                    let told = rest.find('>').map_or(self.text.len(), |end| self.at + 2 + end + 1);
                    let told = self.text.get(start..told).unwrap_or("");
                    return Err(format!("invalid named capture group: {told}"));
                };
                self.at += 2 + name.len() + 1;
            } else if self.flags(start)? {
                // `(?i)` is no group.
                return Ok(());
            }
        }
        self.groups.push(Group { most: 1, ..Group::default() });
        Ok(())
    }

    /// Flags, up to `)` (which tells that there is no group) or `:`.
    fn flags(&mut self, start: usize) -> Result<bool, String> {
        let mut negated = false;
        loop {
            match self.take() {
                None => return Err(format!("missing ): {}", self.text)),
                Some(')') => return Ok(true),
                Some(':') => return Ok(false),
                Some('i' | 'm' | 's' | 'U') => {}
                Some('-') if !negated => negated = true,
                Some(_) => return Err(format!("invalid perl operator: {}", self.from(start))),
            }
        }
    }

    fn close(&mut self) -> Result<(), String> {
        match self.groups.pop() {
            Some(group) if !self.groups.is_empty() => self.atom(group.most),
            _ => return Err(format!("unexpected ): {}", self.text)),
        }
        Ok(())
    }

    /// After `{`: how often at most, if it is a repetition at all; `Some(None)` where it can't be.
    fn counts(&mut self) -> Option<Option<u32>> {
        let (counts, _) = self.rest().split_once('}')?;
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (low, high) = match counts.split_once(',') {
            None => (counts, Some(counts)),
            Some((low, "")) => (low, None),
            Some((low, high)) => (low, Some(high)),
        };
        if !is_number(low) || high.is_some_and(|high| !is_number(high)) {
            return None;
        }
        self.at += counts.len() + 1;
        let count = |text: &str| text.parse::<u32>().ok().filter(|count| *count <= MOST_REPETITIONS);
        let most = count(low).and_then(|low| match high.map(count) {
            None => Some(low),
            Some(high) => high.filter(|high| *high >= low),
        });
        Some(most)
    }

    /// After a repetition that comes to `most` times.
    fn repeat(&mut self, start: usize, most: u32) -> Result<(), String> {
        if self.rest().starts_with('?') {
            self.take();
        }
        let told = self.from(start);
        let until_here = |begin: usize| self.text.get(begin..self.at).unwrap_or("").to_owned();
        let Some(group) = self.groups.last_mut() else { return Ok(()) };
        if let Some(begin) = group.repeated {
            return Err(format!("bad repetition operator: {}", until_here(begin)));
        }
        let Some(atom) = group.atom else { return Err(format!("no argument for repetition operator: {told}")) };
        let times = atom.saturating_mul(most.max(1));
        if times > MOST_REPETITIONS {
            return Err(format!("invalid repetition size: {told}"));
        }
        group.repeated = Some(start);
        group.atom = Some(times);
        group.most = group.most.max(times);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_re2_refuses_is_refused_in_its_words() {
        for (pattern, why) in [
            ("(", "missing ): ("),
            ("a)", "unexpected ): a)"),
            ("[a", "missing ]: [a"),
            ("a{2,1}", "invalid repetition size: {2,1}"),
            ("a{2000}", "invalid repetition size: {2000}"),
            ("((a{100}){100}){100}", "invalid repetition size: {100}"),
            ("*a", "no argument for repetition operator: *"),
            ("(|+)", "no argument for repetition operator: +"),
            ("a**", "bad repetition operator: **"),
            ("a{2}*?", "bad repetition operator: {2}*?"),
            ("[b-a]", "invalid character class range: b-a"),
            ("(?=a)", "invalid perl operator: (?="),
            ("(?<n>a)", "invalid perl operator: (?<"),
            ("(?P<>a)", "invalid named capture group: (?P<>"),
            ("\\", "trailing \\"),
            ("(a)\\1", "invalid escape sequence: \\1"),
            ("\\y", "invalid escape sequence: \\y"),
        ] {
            assert_eq!(read(pattern).unwrap_err(), why, "{pattern}");
        }
    }

    #[test]
    fn what_re2_takes_is_taken_and_matches_the_whole() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a|b", "b", true),
            ("a{,2}", "a{,2}", true),
            ("x{", "x{", true),
            ("[]a]+", "]a", true),
            ("[[:digit:]-]{2,3}", "1-2", true),
            ("(?i)rack-\\d+", "RACK-12", true),
            ("(?P<name>r)(?:2d2)?", "r2d2", true),
            ("(a{2}){3}", "aaaaaa", true),
            ("", "", true),
        ] {
            assert_eq!(read(pattern).map(|regex| regex.is_match(text)), Ok(fits), "{pattern}");
        }
    }

    #[test]
    fn any_text_is_read_or_refused() {
        let letters = ['a', '(', ')', '[', ']', '{', '}', '*', '?', '\\', '^', '-', ',', '1', 'é', ':', 'P', '<'];
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..20_000 {
            let text: String = (0..random.usize(..9)).filter_map(|_| random.choice(letters)).collect();
            let _ = read(&text);
        }
    }
}
