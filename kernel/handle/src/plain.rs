//! Plain values as a cell's last expression: numbers, texts, lists and what else the standard library says by `{:?}`.
//!
//! evcxr would say the same, but only after a first attempt to compile the cell has failed: it calls `evcxr_display`, which
//! such values don't have. What has one, or leads to something that has, is none of these types, and stays as it is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::io::Write as _;
use std::marker::PhantomData;
use std::time::Duration;

/// What is shown as `{:?}` says it.
#[doc(hidden)]
pub trait Plain: Debug {}

macro_rules! plain {
    ($($type:ty $(, $of:ident: $bound:ident)*;)*) => {$(
        impl<$($of: $bound),*> Plain for $type {}
    )*};
}

plain! {
    (); bool; char; str; String; Duration;
    i8; i16; i32; i64; i128; isize; u8; u16; u32; u64; u128; usize; f32; f64;
    [T], T: Debug; Vec<T>, T: Debug; VecDeque<T>, T: Debug; BTreeSet<T>, T: Debug; BTreeMap<K, V>, K: Debug, V: Debug;
    (A,), A: Debug; (A, B), A: Debug, B: Debug; (A, B, C), A: Debug, B: Debug, C: Debug;
    // These show themselves as something better where what they hold does.
    Option<T>, T: Plain; Result<T, E>, T: Plain, E: Debug;
}
impl<T: Plain + ?Sized> Plain for &T {}
impl<T: Debug, const N: usize> Plain for [T; N] {}
impl<T: Debug, S> Plain for HashSet<T, S> {}
impl<K: Debug, V: Debug, S> Plain for HashMap<K, V, S> {}

/// Makes a plain value show itself, and leaves any other as it is. The kernel writes this itself; nobody else needs it.
#[macro_export]
macro_rules! shown {
    ($value:ident) => {{
        #[allow(unused_imports)]
        use $crate::{IsOther as _, IsPlain as _};
        $crate::Kind::of(&$value).kind().take($value)
    }};
}

/// A type, for what the compiler finds first that can be called on this: [`IsPlain`], or else [`IsOther`]. Unlike a value,
/// it leads to no other type that might be plain.
#[doc(hidden)]
#[derive(Debug)]
pub struct Kind<T>(PhantomData<T>);

impl<T> Kind<T> {
    /// The type of a value.
    pub fn of(_value: &T) -> Self {
        Self(PhantomData)
    }
}

/// A plain type.
#[doc(hidden)]
pub trait IsPlain {
    /// What is done with its values.
    fn kind(self) -> ShowsItself;
}

impl<T: Plain> IsPlain for Kind<T> {
    fn kind(self) -> ShowsItself {
        ShowsItself
    }
}

/// Any other type.
#[doc(hidden)]
pub trait IsOther {
    /// What is done with its values.
    fn kind(self) -> StaysAsItIs;
}

impl<T> IsOther for &Kind<T> {
    fn kind(self) -> StaysAsItIs {
        StaysAsItIs
    }
}

/// Plain values do.
#[doc(hidden)]
#[derive(Debug)]
pub struct ShowsItself;

impl ShowsItself {
    /// Makes the value show itself.
    pub fn take<T: Plain>(self, value: T) -> Shown<T> {
        Shown(value)
    }
}

/// All others do.
#[doc(hidden)]
#[derive(Debug)]
pub struct StaysAsItIs;

impl StaysAsItIs {
    /// The value.
    pub fn take<T>(self, value: T) -> T {
        value
    }
}

/// A plain value, which shows itself.
#[doc(hidden)]
#[derive(Debug)]
pub struct Shown<T>(T);

impl<T: Plain> Shown<T> {
    /// Shows it, in the way that evcxr reads from a cell's stdout and writes itself.
    pub fn evcxr_display(&self) {
        show(&self.0);
    }
}

fn show(value: &dyn Debug) {
    let mut out = std::io::stdout().lock();
    // A closed stdout has nobody to show anything to.
    let _ = write!(out, "EVCXR_BEGIN_CONTENT text/plain\n{value:?}\nEVCXR_END_CONTENT\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Offers};

    #[derive(Debug)]
    struct Own;

    /// Looks through to what is plain.
    #[derive(Debug)]
    struct Through(String);

    impl std::ops::Deref for Through {
        type Target = String;
        fn deref(&self) -> &String {
            &self.0
        }
    }

    impl std::ops::DerefMut for Through {
        fn deref_mut(&mut self) -> &mut String {
            &mut self.0
        }
    }

    #[test]
    fn what_the_standard_library_says_shows_itself() {
        let number = 1;
        let _: Shown<i32> = shown!(number);
        let (text, list, map) = ("a".to_owned(), vec![Own], HashMap::from([(1, Own)]));
        let (borrowed, some, pair) = (&text[..], Some("a"), (1, Own));
        let result: Result<String, Error> = Ok(String::new());
        let _: Shown<&str> = shown!(borrowed);
        let _: Shown<Option<&str>> = shown!(some);
        let _: Shown<Result<String, Error>> = shown!(result);
        let _: Shown<(i32, Own)> = shown!(pair);
        let _: Shown<Vec<Own>> = shown!(list);
        let _: Shown<HashMap<i32, Own>> = shown!(map);
        let _: Shown<String> = shown!(text);
    }

    #[test]
    fn all_else_stays_as_it_is() {
        let (own, through, inside) = (Own, Through("a".to_owned()), Some(Own));
        let (offers, boxed): (crate::Result<Option<Offers>>, _) = (Ok(None), Box::new(Own));
        let _: Own = shown!(own);
        let _: Through = shown!(through);
        let _: Option<Own> = shown!(inside);
        let _: crate::Result<Option<Offers>> = shown!(offers);
        let _: Box<Own> = shown!(boxed);
    }
}
