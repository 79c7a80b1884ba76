//! The row of a key: everything that there is to say about one argument of an attribute.

use syn::{Expr, ExprPath};

use crate::function::Function;
use crate::reads::settings_of_key;

/// A key that an attribute accepts.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    /// The key with a value, for messages and tests.
    pub(crate) example: &'static str,
    pub(crate) sort: Sort,
    /// Set if it configures the policy, and so conflicts with a `with = …` that brings a configured one.
    pub(crate) configures: bool,
    /// Set if its value goes into a `static`, which can see neither `self` nor the arguments.
    pub(crate) constant: bool,
    /// A word without quotes that may stand in place of the value.
    pub(crate) word: Option<&'static str>,
    /// The values that it does not accept.
    pub(crate) refuses: &'static [Refused],
    /// The builder's method that takes the value.
    pub(crate) sets: Option<&'static str>,
    /// The builder's method that the word stands for.
    pub(crate) word_sets: Option<&'static str>,
    /// The value that counts where none is written, if it is the same for every function.
    pub(crate) default: Option<&'static str>,
    /// A key that makes the default meaningless where it is written.
    pub(crate) unless: Option<&'static str>,
    /// A value of another sort than the example's, for the rules of `#[enforce]`.
    pub(crate) other: Option<&'static str>,
    /// Keys that mean the same as this one in some places of a stack.
    pub(crate) stand_ins: Option<StandIns>,
    pub(crate) doc: Doc,
}

/// The sort of a key's value.
#[derive(Clone, Copy)]
pub(crate) enum Sort {
    /// A whole number, or a `u32` constant.
    Count,
    /// A `"250ms"`, or a constant.
    Duration,
    /// A `"50%"`, a `0.5`, or a constant.
    Ratio,
    /// A number with a fraction, or a constant.
    Number,
    /// One of these words, in quotes.
    Word(&'static [&'static str]),
    /// The name in events and errors.
    Label,
    /// No value: the key stands alone.
    Flag,
    /// Arguments of the function, in parentheses.
    Names,
    /// The same, or none, for all that the body owns.
    Clones,
    /// An expression that tells one call from another.
    PerCall,
    /// The path of the runtime crate.
    Crate,
    /// An expression, unless the check refuses it.
    Expression(fn(&Expr, &Function) -> syn::Result<()>),
    /// A policy of the user's own.
    With,
    /// An expression that the policy reads by itself.
    Own,
}

/// A value that a key does not accept, and the message about it.
pub(crate) struct Refused {
    pub(crate) values: Values,
    pub(crate) message: &'static str,
}

/// Some numbers. A duration is one in seconds.
pub(crate) enum Values {
    Equal(f64),
    Below(f64),
    Above(f64),
}

impl Refused {
    /// Refuses zero.
    pub(crate) const fn zero(message: &'static str) -> Self {
        Self { values: Values::Equal(0.0), message }
    }

    /// Refuses this one number.
    pub(crate) const fn equal(number: f64, message: &'static str) -> Self {
        Self { values: Values::Equal(number), message }
    }

    /// Refuses what is less than `least`.
    pub(crate) const fn below(least: f64, message: &'static str) -> Self {
        Self { values: Values::Below(least), message }
    }

    /// Refuses what is more than `most`.
    pub(crate) const fn above(most: f64, message: &'static str) -> Self {
        Self { values: Values::Above(most), message }
    }

    pub(crate) fn is(&self, number: f64) -> bool {
        match self.values {
            Values::Equal(one) => number.total_cmp(&one).is_eq(),
            Values::Below(least) => number < least,
            Values::Above(most) => number > most,
        }
    }
}

/// The keys that mean the same as another, depending on where a retry stands.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StandIns {
    /// If nothing above repeats.
    Outside(&'static [&'static str]),
    /// If nothing below repeats.
    Inside(&'static [&'static str]),
}

/// The row of the key in the documentation.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "tests read all of it, and programs that show stacks a part")]
pub(crate) struct Doc {
    /// The type, where the sort does not say it all.
    pub(crate) ty: &'static str,
    /// The behaviour without it, where the row has no default.
    pub(crate) absent: &'static str,
    pub(crate) meaning: &'static str,
}

impl Key {
    /// A key that is part of the policy's configuration, and constant.
    pub(crate) const fn setting(name: &'static str, example: &'static str, sort: Sort) -> Self {
        Self {
            name,
            example,
            sort,
            configures: true,
            constant: true,
            word: None,
            refuses: &[],
            sets: None,
            word_sets: None,
            default: None,
            unless: None,
            other: None,
            stand_ins: None,
            doc: Doc { ty: "", absent: "none", meaning: "" },
        }
    }

    /// A key that says how this function uses the policy. Its value may differ between calls.
    pub(crate) const fn usage(name: &'static str, example: &'static str, sort: Sort) -> Self {
        Self { configures: false, constant: false, ..Self::setting(name, example, sort) }
    }

    /// The value of the example.
    pub(crate) fn example_value(&self) -> &'static str {
        self.example.split_once(" = ").map_or(self.example, |(_, value)| value)
    }

    /// Says whether the value must be the same for all calls.
    pub(crate) const fn constant(self, constant: bool) -> Self {
        Self { constant, ..self }
    }

    /// Adds a word without quotes in place of the value, and the builder's method for it.
    pub(crate) const fn or_word_for(self, word: &'static str, method: &'static str) -> Self {
        Self { word: Some(word), word_sets: Some(method), ..self }
    }

    /// Adds the values that it does not accept. The first that fits is reported.
    pub(crate) const fn refuses(self, refuses: &'static [Refused]) -> Self {
        Self { refuses, ..self }
    }

    /// Has the value set by the builder's method of the same name.
    pub(crate) const fn sets(self) -> Self {
        Self { sets: Some(self.name), ..self }
    }

    /// Adds the default.
    pub(crate) const fn default(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// Adds a key beside which the default does not count.
    pub(crate) const fn unless(self, key: &'static str) -> Self {
        Self { unless: Some(key), ..self }
    }

    /// Adds a value of another sort, for the rules of `#[enforce]`.
    pub(crate) const fn or_like(self, other: &'static str) -> Self {
        Self { other: Some(other), ..self }
    }

    /// Adds the keys that mean the same in some places, for the rules of `#[enforce]`.
    pub(crate) const fn stand_ins(self, stand_ins: StandIns) -> Self {
        Self { stand_ins: Some(stand_ins), ..self }
    }

    /// Adds the meaning, for the documentation.
    pub(crate) const fn means(self, meaning: &'static str) -> Self {
        Self { doc: Doc { meaning, ..self.doc }, ..self }
    }

    /// Adds the type, for the documentation.
    pub(crate) const fn takes(self, ty: &'static str) -> Self {
        Self { doc: Doc { ty, ..self.doc }, ..self }
    }

    /// Adds what counts without it, for the documentation, where that is no value.
    pub(crate) const fn absent(self, absent: &'static str) -> Self {
        Self { doc: Doc { absent, ..self.doc }, ..self }
    }
}

/// `name = "…"`, with an example.
pub(crate) const fn name(example: &'static str) -> Key {
    Key::setting("name", example, Sort::Label).takes("string").absent("the function's")
}

/// `mode = "…"`.
pub(crate) const fn mode() -> Key {
    Key::setting("mode", "mode = \"observe\"", Sort::Word(MODES)).sets().default("\"enforce\"")
}

/// The words for the runtime's `Mode`.
const MODES: &[&str] = &["enforce", "observe", "off"];

/// `key = …`, which finds one policy among the function's own.
pub(crate) const fn key() -> Key {
    Key::setting("key", "key = host", Sort::PerCall).constant(false).takes("expression")
}

/// `log_key`, which lets events and the list show the key.
pub(crate) const fn log_key() -> Key {
    Key::setting("log_key", "log_key", Sort::Flag).takes("a word").means(
        "lets events and the list of policies show the key by the first 64 characters of its `Debug`; needs `key`",
    )
}

/// `settings = …`, which gives a key settings of its own.
pub(crate) const fn settings(example: &'static str) -> Key {
    Key::setting("settings", example, Sort::Expression(settings_of_key))
        .constant(false)
        .takes("function or closure of the key and the policy that returns the policy")
        .absent("the same for all keys")
        .means("gives a key settings of its own: called with the key, or with each part of a tuple, by reference and with a policy that has the shared settings")
}

/// `with = …`, which brings a policy of the user's own.
pub(crate) const fn with(example: &'static str) -> Key {
    Key::usage("with", example, Sort::With).takes("expression")
}

/// `when = …`, which classifies outcomes.
pub(crate) const fn when() -> Key {
    Key::usage("when", "when = |error: &MyError| error.is_temporary()", Sort::Own)
        .takes("closure or function")
        .absent("the error's class")
}

/// `clone(…)`.
pub(crate) const fn clone() -> Key {
    Key::usage("clone", "clone(request)", Sort::Clones).takes("arguments, `self` too")
}

/// `number = …`.
pub(crate) const fn number() -> Key {
    Key::usage("number", "number = n", Sort::Expression(variable)).takes("name")
}

/// The name that an attempt's number is bound to.
///
/// It may be that of an argument: in a macro, two names of one text can be two variables, and the compiler warns of one that is hidden.
fn variable(expression: &Expr, _: &Function) -> syn::Result<()> {
    match expression {
        Expr::Path(ExprPath { qself: None, path, .. }) if path.get_ident().is_some_and(|name| name != "self") => Ok(()),
        _ => Err(syn::Error::new_spanned(
            expression,
            "`number` names a variable for the attempt's number: write `number = n`",
        )),
    }
}

/// `crate = …`.
pub(crate) const CRATE: Key = Key::usage("crate", "crate = ::resilient", Sort::Crate)
    .takes("path")
    .absent("`::resilient`")
    .means("where the runtime crate is");

/// The keys that an attribute accepts.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub(crate) keys: &'static [Key],
    pub(crate) positional: Positional,
    /// The former words for keys, and the words for them now.
    pub(crate) renamed: &'static [(&'static str, &'static str)],
}

/// The meaning of a value without a key.
#[derive(Clone, Copy)]
pub(crate) enum Positional {
    /// It is the value of this key.
    Is(&'static str),
    /// It is a mistake; this key was probably meant.
    Write(&'static str),
}
