//! When to ask the master for the states of tasks: after every subscription until each has been answered, and now and
//! then besides. Pure: time is an argument. (apache/mesos: docs/reconciliation.md)

use std::time::Duration;

use hashbrown::HashSet;

use crate::mesos::TaskId;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// The habit of asking for everything, for what was missed or what an agent or a master may have forgotten.
const PERIOD: Duration = Duration::from_secs(15 * 60);

/// What is still to be answered.
#[derive(Debug, Default)]
pub struct Reconciliation {
    open: HashSet<TaskId>,
    wait: Duration,
    next: Option<Duration>,
    periodic: Option<Duration>,
}

/// A question to the master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What of these?
    Explicit(Vec<TaskId>),
    /// What of all that you know?
    Implicit,
    /// What of all that we know? To be asked by name, with [`Reconciliation::doubt`]: of a task that it has forgotten, a
    /// master tells nothing unasked.
    Known,
}

impl Reconciliation {
    /// A subscription stands: what of these tasks?
    pub fn begin(&mut self, tasks: impl IntoIterator<Item = TaskId>, now: Duration) {
        self.open = tasks.into_iter().collect();
        self.wait = FIRST;
        self.next = Some(now);
        self.periodic = Some(now + PERIOD);
    }

    /// Nobody knows whether these tasks have been launched: soon, what of them?
    pub fn doubt(&mut self, tasks: impl IntoIterator<Item = TaskId>, now: Duration) {
        self.open.extend(tasks);
        if self.next.is_none() && !self.open.is_empty() {
            self.wait = FIRST * 2;
            self.next = Some(now + FIRST);
        }
    }

    /// The subscription is gone.
    pub fn end(&mut self) {
        *self = Self::default();
    }

    /// Whether somebody has still to answer.
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// A task has been heard of.
    pub fn heard(&mut self, task: &TaskId) {
        self.open.remove(task);
    }

    /// When [`Self::due`] is to be asked at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        [self.next, self.periodic].into_iter().flatten().min()
    }

    /// What to ask now, if anything. The first question after a subscription asks for everything beside what we know,
    /// so that tasks of an earlier life of the framework are found too.
    pub fn due(&mut self, now: Duration) -> Vec<Question> {
        let mut questions = Vec::new();
        if self.next.is_some_and(|next| next <= now) {
            if !self.open.is_empty() {
                let mut tasks: Vec<_> = self.open.iter().cloned().collect();
                tasks.sort_unstable();
                questions.push(Question::Explicit(tasks));
            }
            if self.wait == FIRST {
                questions.push(Question::Implicit);
            }
            self.wait = (self.wait * 2).min(LONGEST);
            self.next = (!self.open.is_empty()).then(|| now + self.wait / 2);
        }
        if self.periodic.is_some_and(|at| at <= now) {
            questions.extend([Question::Known, Question::Implicit]);
            self.periodic = Some(now + PERIOD);
        }
        questions
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_asks_again_until_all_have_answered() {
        let mut reconciliation = Reconciliation::default();
        assert_eq!(reconciliation.deadline(), None);
        let at = Duration::from_secs;
        reconciliation.begin(["a".into(), "b".into()], at(0));
        let both = Question::Explicit(vec!["a".into(), "b".into()]);
        assert_eq!(reconciliation.due(at(0)), [both, Question::Implicit]);
        assert_eq!(reconciliation.due(at(0)), []);
        reconciliation.heard(&"a".into());
        assert_eq!(reconciliation.deadline(), Some(at(1)));
        assert_eq!(reconciliation.due(at(1)), [Question::Explicit(vec!["b".into()])]);
        assert_eq!(reconciliation.deadline(), Some(at(3)));
        reconciliation.heard(&"b".into());
        assert_eq!(reconciliation.due(at(3)), []);
        assert_eq!(reconciliation.deadline(), Some(PERIOD));
        assert_eq!(reconciliation.due(PERIOD), [Question::Known, Question::Implicit]);
        reconciliation.doubt(["c".into()], PERIOD);
        assert_eq!(reconciliation.due(PERIOD), []);
        assert_eq!(reconciliation.due(PERIOD + at(1)), [Question::Explicit(vec!["c".into()])]);
        assert_eq!(reconciliation.deadline(), Some(PERIOD + at(3)));
        reconciliation.end();
        assert_eq!(reconciliation.deadline(), None);
    }

    proptest! {
        /// A master that answers now and then has told of every task in the end; it isn't asked more often than it must.
        #[test]
        fn it_converges(
            tasks in 0usize..30,
            answers in prop::collection::vec(prop::collection::vec(0usize..30, 0..6), 1..40),
            doubted in 0usize..4,
        ) {
            let mut reconciliation = Reconciliation::default();
            let id = |number: usize| TaskId::from(format!("t{number}").as_str());
            let mut open: std::collections::BTreeSet<usize> = (0..tasks).collect();
            let mut now = Duration::ZERO;
            reconciliation.begin((0..tasks).map(id), now);
            let (mut asked, mut last) = (0, None);
            for heard in answers {
                for question in reconciliation.due(now) {
                    if let Question::Explicit(of) = question {
                        asked += 1;
                        // All that are open and no others, not sooner than a second after the last time.
                        let wanted: std::collections::BTreeSet<_> = open.iter().map(|number| id(*number)).collect();
                        prop_assert_eq!(of.into_iter().collect::<std::collections::BTreeSet<_>>(), wanted);
                        prop_assert!(last.is_none_or(|last| now >= last + FIRST));
                        last = Some(now);
                    }
                }
                for number in heard {
                    reconciliation.heard(&id(number));
                    open.remove(&number);
                }
                now = reconciliation.deadline().unwrap_or(now).max(now);
            }
            reconciliation.doubt((100..100 + doubted).map(id), now);
            open.extend(100..100 + doubted);
            // All are answered at last.
            for question in reconciliation.due(now + LONGEST) {
                if let Question::Explicit(of) = question {
                    prop_assert_eq!(of.len(), open.len());
                    of.iter().for_each(|task| reconciliation.heard(task));
                    open.clear();
                }
            }
            prop_assert!(open.is_empty(), "never asked about {open:?}");
            prop_assert!(asked <= 41);
            let more = reconciliation.due(now + LONGEST * 3);
            prop_assert!(!more.iter().any(|question| matches!(question, Question::Explicit(_))), "{more:?}");
        }
    }
}
