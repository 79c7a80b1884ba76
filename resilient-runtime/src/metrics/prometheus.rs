//! The exporter for `prometheus-client`.
//!
//! ```
//! use prometheus_client::encoding::text::encode;
//! use prometheus_client::registry::Registry;
//!
//! let mut registry = Registry::default();
//! resilient::metrics::prometheus::register(&mut registry);
//!
//! let mut scrape = String::new();
//! encode(&mut scrape, &registry).unwrap();
//! assert!(scrape.contains("\nresilient_policies "));
//! ```

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{Sample, Sort, collect};

/// Adds all policies to a registry, once: a second time would have every series twice in a scrape, of which Prometheus drops
/// one without a word.
pub fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Policies));
}

/// Reads every policy at each scrape.
#[derive(Debug)]
struct Policies;

impl Collector for Policies {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let samples = collect();
        for family in samples.chunk_by(|one, other| one.family == other.family) {
            let Some(first) = family.first() else { continue };
            let sort = match first.family.sort {
                Sort::Counter => MetricType::Counter,
                Sort::Gauge => MetricType::Gauge,
                Sort::Histogram => MetricType::Histogram,
            };
            // it adds `_total` itself
            let mut encoder = encoder.encode_descriptor(first.family.stem(), first.family.help, None, sort)?;
            for sample in family {
                encode(sample, &mut encoder)?;
            }
        }
        Ok(())
    }
}

fn encode(sample: &Sample, encoder: &mut MetricEncoder<'_>) -> Result<(), fmt::Error> {
    let encode = |mut encoder: MetricEncoder<'_>| match (sample.family.sort, &sample.histogram) {
        (_, Some(histogram)) => {
            encoder.encode_histogram::<Vec<(&str, &str)>>(histogram.sum, histogram.count(), &histogram.buckets, None)
        }
        (Sort::Counter, None) => ConstCounter::new(sample.value).encode(encoder),
        (Sort::Gauge | Sort::Histogram, None) => ConstGauge::new(sample.value).encode(encoder),
    };
    let labels: Vec<(&str, &str)> = sample.all_labels().collect();
    encode(encoder.encode_family(&labels.as_slice())?)
}
