//! The series with which an alert fires, and those with which it does not.

use std::time::Duration;

use resilient::metrics::Family;

use crate::snapshot::Labels;

/// The series of the two cases of an alert.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    /// The length of each of the three parts of a case.
    pub(crate) third: Duration,
    /// Series with which it fires.
    pub(crate) sick: Vec<Quantity>,
    /// Series with which it does not.
    pub(crate) well: Vec<Quantity>,
}

/// A series of a case.
#[derive(Debug, Clone)]
pub(crate) struct Quantity {
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) family: &'static Family,
    pub(crate) suffix: &'static str,
    pub(crate) change: Change,
}

/// The course of a series.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// By so much a second.
    Rises(f64),
    /// At this value.
    Stays(f64),
}

impl Quantity {
    /// A series of a policy, with that value of the family's own label.
    pub(crate) fn of_policy(of: &Labels, family: &'static Family, own: &str, change: Change) -> Self {
        let Labels { policy, function, layer } = of;
        let mut labels = vec![
            ("policy".to_owned(), policy.clone()),
            ("function".to_owned(), function.clone()),
            ("layer".to_owned(), layer.clone()),
        ];
        labels.extend(family.label.map(|label| (label.to_owned(), own.to_owned())));
        Self { labels, family, suffix: "", change }
    }
}
