//! Classes: the derive, and the classes of the standard library's errors.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use resilient::{Bulkhead, Class, Classify};
use resilient_tests::ms;

#[derive(Debug, Classify)]
enum Marked<E> {
    #[transient]
    Unit,
    #[permanent]
    Tuple(#[allow(dead_code)] u32, #[allow(dead_code)] u32),
    #[throttled(after = wait)]
    Named { wait: Duration },
    #[throttled(after = 1)]
    Optional(#[allow(dead_code)] u8, Option<Duration>),
    #[throttled]
    Unknown {},
    #[transparent]
    Inner(E),
    #[transparent]
    Boxed { error: Box<dyn ClassifyAndDebug> },
}

#[derive(Debug, Classify)]
#[transient]
struct Always;

#[derive(Debug, Classify)]
#[transparent]
struct Wrapper(Always);

#[derive(Debug, Classify)]
enum Never {}

trait ClassifyAndDebug: Classify + std::fmt::Debug {}

impl ClassifyAndDebug for Always {}

#[test]
fn each_mark_gives_its_class() {
    let table: [(Marked<Wrapper>, Class); 8] = [
        (Marked::Unit, Class::Transient),
        (Marked::Tuple(1, 2), Class::Permanent),
        (Marked::Named { wait: ms(5) }, Class::Throttled { after: Some(ms(5)) }),
        (Marked::Optional(0, Some(ms(6))), Class::Throttled { after: Some(ms(6)) }),
        (Marked::Optional(0, None), Class::Throttled { after: None }),
        (Marked::Unknown {}, Class::Throttled { after: None }),
        (Marked::Inner(Wrapper(Always)), Class::Transient),
        (Marked::Boxed { error: Box::new(Always) }, Class::Transient),
    ];

    for (error, class) in table {
        assert_eq!(error.class(), class, "{error:?}");
        assert!(error.rejection().is_none());
    }
    let _: Option<Never> = None;
}

#[test]
fn an_error_behind_a_pointer_says_what_the_error_says() {
    #[derive(Clone)]
    struct Telling(resilient::Error);

    impl Classify for Telling {
        fn class(&self) -> Class {
            Class::Transient
        }

        fn rejection(&self) -> Option<&resilient::Error> {
            Some(&self.0)
        }

        fn hint(&self) -> Option<Duration> {
            Some(ms(7))
        }

        fn forbids_attempts(&self) -> bool {
            true
        }
    }

    fn said(error: &impl Classify) -> (Class, bool, Option<Duration>, bool) {
        (error.class(), error.rejection().is_some(), error.hint(), error.forbids_attempts())
    }
    static PLACES: Bulkhead = Bulkhead::named("classify: pointers").limit(1).queue(0);
    let _taken = PLACES.try_acquire().unwrap();
    let error = Telling(PLACES.try_acquire().unwrap_err());

    let all = (Class::Transient, true, Some(ms(7)), true);
    assert_eq!(said(&&error), all);
    assert_eq!(said(&Box::new(error.clone())), all);
    assert_eq!(said(&Arc::new(error.clone())), all);
    assert_eq!(said(&(Arc::new(error) as Arc<dyn Classify>)), all);
}

#[test]
fn what_the_network_does_to_io_is_transient_and_the_rest_permanent() {
    for kind in [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::TimedOut, ErrorKind::Interrupted] {
        assert_eq!(io::Error::from(kind).class(), Class::Transient, "{kind}");
    }
    for kind in [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::InvalidData, ErrorKind::Other] {
        assert_eq!(io::Error::from(kind).class(), Class::Permanent, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_elapsed_time_out_of_tokios_is_transient() {
    let elapsed = tokio::time::timeout(ms(1), std::future::pending::<()>()).await.unwrap_err();

    assert_eq!(elapsed.class(), Class::Transient);
}
