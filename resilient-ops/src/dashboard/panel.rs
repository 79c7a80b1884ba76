//! A panel of the dashboard.

use resilient::metrics::Family;
use serde_json::{Value, json};

/// A panel: a number or lines over time.
pub(crate) struct Panel {
    pub(super) title: &'static str,
    description: String,
    unit: &'static str,
    /// The greatest value, if there is one.
    max: Option<f64>,
    /// Shown as a number and not over time.
    is_number: bool,
    pub(super) queries: Vec<Query>,
}

/// A query, and the name of its lines.
pub(super) struct Query {
    pub(super) expr: String,
    legend: &'static str,
}

impl Panel {
    pub(super) fn new(title: &'static str, unit: &'static str) -> Self {
        Self { title, description: String::new(), unit, max: None, is_number: false, queries: Vec::new() }
    }

    /// Adds a query, whose family says what it is.
    pub(super) fn shows(mut self, family: &Family, legend: &'static str, expr: String) -> Self {
        if !self.description.contains(family.help) {
            let line_break = if self.description.is_empty() { "" } else { "\n" };
            self.description.push_str(line_break);
            self.description.push_str(family.help);
        }
        self.queries.push(Query { expr, legend });
        self
    }

    pub(super) fn up_to(mut self, max: f64) -> Self {
        self.max = Some(max);
        self
    }

    pub(super) fn number(mut self) -> Self {
        self.is_number = true;
        self
    }

    #[cfg(test)]
    pub(crate) fn of(title: &'static str, unit: &'static str) -> Self {
        Self::new(title, unit)
    }

    pub(crate) const fn title(&self) -> &'static str {
        self.title
    }

    pub(crate) const fn unit(&self) -> &'static str {
        self.unit
    }

    /// The greatest value, if there is one.
    pub(crate) const fn max(&self) -> Option<f64> {
        self.max
    }

    /// The names of the lines, with labels in braces, and the queries.
    pub(crate) fn queries(&self) -> impl Iterator<Item = (&str, &str)> {
        self.queries.iter().map(|query| (query.legend, query.expr.as_str()))
    }

    pub(super) fn json(&self, id: usize, at: Value) -> Value {
        let targets: Vec<Value> = self
            .queries
            .iter()
            .zip("ABCDEFGH".chars())
            .map(|(query, name)| {
                json!({
                    "refId": name.to_string(), "datasource": source(), "expr": query.expr, "legendFormat": query.legend,
                    "range": !self.is_number, "instant": self.is_number, "editorMode": "code",
                })
            })
            .collect();
        let mut defaults = json!({"unit": self.unit, "min": 0});
        if let Some(max) = self.max {
            defaults["max"] = json!(max);
        }
        let options = if self.is_number {
            json!({
                "graphMode": "area", "colorMode": "value", "justifyMode": "auto", "textMode": "auto", "orientation": "auto",
                "wideLayout": true, "showPercentChange": false, "percentChangeColorMode": "standard",
                "reduceOptions": {"calcs": ["lastNotNull"], "values": false},
            })
        } else {
            defaults["custom"] = json!({"lineWidth": 1, "fillOpacity": 10, "showPoints": "never", "spanNulls": false});
            json!({
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []},
                "tooltip": {"mode": "multi", "sort": "desc"},
            })
        };
        json!({
            "type": if self.is_number { "stat" } else { "timeseries" },
            "id": id, "title": self.title, "description": self.description, "gridPos": at, "datasource": source(),
            "targets": targets, "options": options, "fieldConfig": {"defaults": defaults, "overrides": []},
        })
    }
}

/// The source that the reader of the dashboard chooses.
pub(super) fn source() -> Value {
    json!({"type": "prometheus", "uid": "${source}"})
}
