//! The exporter for the facade `metrics`, whichever recorder is installed.
//!
//! Recorders cannot ask, so [`publish`] is called before each scrape, or every few seconds:
//!
//! ```
//! resilient::metrics::facade::publish();
//! ```

use metrics::{Label, counter, describe_counter, describe_gauge, gauge};

use super::{FAMILIES, Sample, Sort, collect};

/// Describes the families to the installed recorder, once.
pub fn describe() {
    for family in FAMILIES {
        match family.sort {
            Sort::Counter if family.unit != "s" => describe_counter!(family.name, family.help),
            _ => describe_gauge!(family.name, family.help),
        }
    }
}

/// Gives every series its value.
///
/// A counter of the facade holds whole numbers, so sums of seconds are gauges there.
pub fn publish() {
    for sample in collect() {
        let Sample { family, value, .. } = sample;
        let labels: Vec<Label> =
            sample.all_labels().map(|(name, value)| Label::from_static_parts(name, value)).collect();
        match family.sort {
            Sort::Counter if family.unit != "s" => counter!(family.name, labels).absolute(value as u64),
            _ => gauge!(family.name, labels).set(value),
        }
    }
}
