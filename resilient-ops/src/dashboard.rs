//! The dashboard for Grafana.
//!
//! It has a row for each question, and a panel only where the program has a policy that answers it.

use serde_json::{Value, json};

pub(crate) use self::panel::Panel;
use self::panel::source;
use self::rows::Row;
use crate::options::Options;
use crate::query::family;
use crate::snapshot::Snapshot;

mod panel;
mod rows;

/// Returns the dashboard for a program with those policies, as Grafana imports it.
pub fn json(snapshot: &Snapshot, options: &Options) -> Value {
    let mut placed = Vec::new();
    let mut y = 0;
    for Row { title, panels } in rows::of(snapshot, options) {
        if panels.is_empty() {
            continue;
        }
        let id = placed.len() + 1;
        placed.push(json!({
            "type": "row", "id": id, "title": title, "collapsed": false, "panels": [],
            "gridPos": {"h": 1, "w": 24, "x": 0, "y": y},
        }));
        y += 1;
        for (place, panel) in panels.iter().enumerate() {
            let at = json!({"h": HEIGHT, "w": WIDTH, "x": (place % 3) * WIDTH, "y": y + place / 3 * HEIGHT});
            placed.push(panel.json(placed.len() + 1, at));
        }
        y += panels.len().div_ceil(3) * HEIGHT;
    }
    let job = options.job.as_deref();
    let title = job.map_or_else(|| "Resilience".to_owned(), |job| format!("Resilience of {job}"));
    json!({
        "title": title,
        "tags": ["resilient"],
        "schemaVersion": 39,
        "editable": true,
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "refresh": "30s",
        "annotations": {"list": []},
        "panels": placed,
        "templating": {"list": variables(job)},
    })
}

/// Returns the rows of the dashboard that have panels, for whoever draws them without Grafana.
pub(crate) fn panels(snapshot: &Snapshot, options: &Options) -> Vec<(&'static str, Vec<Panel>)> {
    let rows = rows::of(snapshot, options).into_iter().filter(|row| !row.panels.is_empty());
    rows.map(|Row { title, panels }| (title, panels)).collect()
}

/// Returns the queries of the dashboard with the title of their panel.
pub fn queries(snapshot: &Snapshot, options: &Options) -> Vec<(String, String)> {
    let panels = rows::of(snapshot, options).into_iter().flat_map(|row| row.panels);
    panels.flat_map(|panel| panel.queries.into_iter().map(move |query| (panel.title.to_owned(), query.expr))).collect()
}

fn variables(job: Option<&str>) -> Vec<Value> {
    let policies = family::POLICIES.name;
    let calls = family::CALLS.name;
    let of = |name: &str, label: &str, query: String, chosen: Option<&str>| {
        let all = json!({"selected": true, "text": "All", "value": "$__all"});
        let current = chosen.map_or(all, |chosen| json!({"selected": true, "text": chosen, "value": chosen}));
        json!({
            "type": "query", "name": name, "label": label, "datasource": source(), "refresh": 2, "includeAll": true, "allValue": ".*",
            "multi": true, "current": current, "query": {"query": query, "refId": name},
        })
    };
    vec![
        json!({"type": "datasource", "name": "source", "label": "Prometheus", "query": "prometheus"}),
        of("job", "Job", format!("label_values({policies}, job)"), job),
        of("function", "Function", format!("label_values({calls}{{{JOB}}}, function)"), None),
    ]
}

const JOB: &str = "job=~\"$job\"";
const FUNCTION: &str = "function=~\"$function\"";
const WIDTH: usize = 8;
const HEIGHT: usize = 8;
