//! The defaults of the attributes are those of the runtime: a policy with each of them written out is as the bare one.

use resilient::{list, policies, snapshot::Setting};

/// Compares what two policies are told.
macro_rules! both_are_equal {
    ($attribute:ident: $policy:ty: $bare:expr, $written:expr) => {
        #[test]
        fn $attribute() {
            static BARE: $policy = $bare;
            static WRITTEN: $policy = $written;
            list(&BARE);
            list(&WRITTEN);

            assert_eq!(settings(BARE.name()), settings(WRITTEN.name()));
            assert_eq!(BARE.current_mode(), WRITTEN.current_mode());
        }
    };
}

fn settings(name: &str) -> Vec<Setting> {
    policies().others.into_iter().find(|policy| policy.name == name).expect("it is listed").settings
}

include!("defaults/policies.rs");
