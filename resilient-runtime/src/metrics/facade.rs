//! The exporter for the facade `metrics`, whichever recorder is installed.
//!
//! Recorders cannot ask, so [`publish`] is called before each scrape, or every few seconds:
//!
//! ```
//! resilient::metrics::facade::publish();
//! ```

use metrics::{Label, counter, describe_counter, describe_gauge, gauge};

use super::{FAMILIES, Family, Histogram, Sample, Sort, collect, le};

/// Publishes a histogram as the series that Prometheus has of one: a counter for each bucket and for their number, and a gauge for the sum.
fn publish_histogram(family: &Family, histogram: &Histogram, labels: Vec<Label>) {
    let [bucket, count, sum] = parts(family);
    for (bound, count) in histogram.cumulative() {
        let mut labels = labels.clone();
        labels.push(Label::new("le", le(bound)));
        counter!(bucket.clone(), labels).absolute(count);
    }
    counter!(count, labels.clone()).absolute(histogram.count());
    gauge!(sum, labels).set(histogram.sum);
}

fn parts(family: &Family) -> [String; 3] {
    ["bucket", "count", "sum"].map(|part| format!("{}_{part}", family.name))
}

/// Describes the families to the installed recorder, once.
pub fn describe() {
    for family in FAMILIES {
        match family.sort {
            Sort::Counter if family.unit != "s" => describe_counter!(family.name, family.help),
            Sort::Histogram => {
                let [bucket, count, sum] = parts(family);
                describe_counter!(bucket, family.help);
                describe_counter!(count, family.help);
                describe_gauge!(sum, family.help);
            }
            _ => describe_gauge!(family.name, family.help),
        }
    }
}

/// Gives every series its value.
///
/// A counter of the facade holds whole numbers, so sums of seconds are gauges there. Its histograms take single values and no counts, so a
/// histogram is a counter `…_bucket` with the label `le` for each of its buckets, a counter `…_count` and a gauge `…_sum`: the series that
/// Prometheus has of a histogram, and its functions work on them.
pub fn publish() {
    for sample in collect() {
        let Sample { family, value, .. } = sample;
        let labels: Vec<Label> =
            sample.all_labels().map(|(name, value)| Label::from_static_parts(name, value)).collect();
        if let Some(histogram) = &sample.histogram {
            publish_histogram(family, histogram, labels);
            continue;
        }
        match family.sort {
            Sort::Counter if family.unit != "s" => counter!(family.name, labels).absolute(value as u64),
            _ => gauge!(family.name, labels).set(value),
        }
    }
}
