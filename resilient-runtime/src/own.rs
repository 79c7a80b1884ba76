//! An argument of an attempt's own, if its type can be cloned.

/// A clone of a value if its type is `Clone`, and the reference otherwise.
///
/// It looks at the type where it is written, so a type parameter counts as `Clone` where its bounds say so. `#[retry(clone)]` gives each
/// attempt its arguments by it: a body that only borrows an argument works with either.
///
/// ```
/// struct Connection;
///
/// let (name, connection) = (String::from("tide"), Connection);
///
/// let name: String = resilient::own!(&name);
/// let connection: &Connection = resilient::own!(&connection);
/// # let _ = (name, connection);
/// ```
#[macro_export]
macro_rules! own {
    ($value:expr) => {{
        use $crate::__own::NotClone as _;
        $crate::__own::Borrowed($value).own()
    }};
}

/// Finds out for [`own!`] whether a type is `Clone`: a method of the type itself goes before one of a trait.
#[doc(hidden)]
pub mod probe {
    #[derive(Debug)]
    pub struct Borrowed<'a, T: ?Sized>(pub &'a T);

    impl<T: Clone> Borrowed<'_, T> {
        pub fn own(self) -> T {
            self.0.clone()
        }
    }

    pub trait NotClone<'a> {
        type Reference;

        fn own(self) -> Self::Reference;
    }

    impl<'a, T: ?Sized> NotClone<'a> for Borrowed<'a, T> {
        type Reference = &'a T;

        fn own(self) -> &'a T {
            self.0
        }
    }
}
