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

use super::{FAMILIES, Family, Sample, Sort, collect};
use crate::clock;

/// Adds an observable instrument for each family to a meter, once. All of them are read from one snapshot a collection.
pub fn register(meter: &Meter) {
    let snapshot = Arc::new(Snapshot::default());
    for family in FAMILIES {
        let snapshot = snapshot.clone();
        let observe = move |instrument: &dyn AsyncInstrument<f64>| snapshot.observe(family, instrument);
        match family.sort {
            Sort::Counter => {
                let builder = meter.f64_observable_counter(family.dotted());
                builder.with_unit(family.unit).with_description(family.help).with_callback(observe).build();
            }
            Sort::Gauge => {
                let builder = meter.f64_observable_gauge(family.dotted());
                builder.with_unit(family.unit).with_description(family.help).with_callback(observe).build();
            }
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
