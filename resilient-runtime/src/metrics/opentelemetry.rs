//! The exporter for OpenTelemetry: an observable instrument for each family.
//!
//! ```
//! let meter = opentelemetry::global::meter("resilient");
//! resilient::metrics::opentelemetry::register(&meter);
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};
use tokio::time::Instant;

use super::{FAMILIES, Family, Sample, Sort, collect, le};
use crate::clock;

/// Adds an observable instrument for each family to a meter, once. All of them are read from one snapshot a collection.
///
/// Nothing that is observed can be a histogram. So one is three counters: `….bucket` with the attribute `le`, cumulative as Prometheus has it, `….count`
/// and `….sum`.
pub fn register(meter: &Meter) {
    let snapshot = Arc::new(Snapshot::default());
    for family in FAMILIES {
        let own = snapshot.clone();
        let observe = move |instrument: &dyn AsyncInstrument<f64>| own.observe(family, instrument);
        match family.sort {
            Sort::Counter => {
                let builder = meter.f64_observable_counter(family.dotted());
                builder.with_unit(family.unit).with_description(family.help).with_callback(observe).build();
            }
            // an instrument that is observed cannot be a histogram
            Sort::Histogram => {
                for part in [Part::Buckets, Part::Count, Part::Sum] {
                    let snapshot = snapshot.clone();
                    let unit = if part == Part::Sum { family.unit } else { "{call}" };
                    let builder = meter.f64_observable_counter(format!("{}.{}", family.dotted(), part.name()));
                    let observe = move |instrument: &dyn AsyncInstrument<f64>| {
                        snapshot.observe_part(family, part, instrument);
                    };
                    builder.with_unit(unit).with_description(family.help).with_callback(observe).build();
                }
            }
            Sort::Gauge => {
                let builder = meter.f64_observable_gauge(family.dotted());
                builder.with_unit(family.unit).with_description(family.help).with_callback(observe).build();
            }
        }
    }
}

/// A part of a histogram, each an instrument of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Buckets,
    Count,
    Sum,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Buckets => "bucket",
            Self::Count => "count",
            Self::Sum => "sum",
        }
    }
}

/// The last reading, for the instruments that are asked at nearly the same time.
#[derive(Default)]
struct Snapshot(Mutex<Option<(Instant, Arc<Vec<Sample>>)>>);

impl Snapshot {
    fn observe(&self, family: &'static Family, instrument: &dyn AsyncInstrument<f64>) {
        for sample in self.present().iter().filter(|sample| std::ptr::eq(sample.family, family)) {
            let attributes: Vec<KeyValue> =
                sample.all_labels().map(|(name, value)| KeyValue::new(name, value)).collect();
            instrument.observe(sample.value, &attributes);
        }
    }

    fn observe_part(&self, family: &'static Family, part: Part, instrument: &dyn AsyncInstrument<f64>) {
        let present = self.present();
        let of = present.iter().filter(|sample| std::ptr::eq(sample.family, family));
        for (sample, histogram) in of.filter_map(|sample| Some((sample, sample.histogram.as_ref()?))) {
            let mut attributes: Vec<KeyValue> =
                sample.all_labels().map(|(name, value)| KeyValue::new(name, value)).collect();
            match part {
                Part::Count => instrument.observe(histogram.count() as f64, &attributes),
                Part::Sum => instrument.observe(histogram.sum, &attributes),
                Part::Buckets => {
                    for (bound, count) in histogram.cumulative() {
                        attributes.push(KeyValue::new("le", le(bound)));
                        instrument.observe(count as f64, &attributes);
                        attributes.pop();
                    }
                }
            }
        }
    }

    fn present(&self) -> Arc<Vec<Sample>> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        match &*last {
            Some((read, samples)) if now.saturating_duration_since(*read) < ONE_COLLECTION => samples.clone(),
            _ => {
                let samples = Arc::new(collect());
                *last = Some((now, samples.clone()));
                samples
            }
        }
    }
}

/// The instruments of one collection are asked one after the other, in less than this.
const ONE_COLLECTION: Duration = Duration::from_millis(50);
