#!/usr/bin/env bash
# A static label of an alert in Prometheus is a template, and the same label of a recording rule is a text. So `Cache<{{K}}>`, which a
# recording rule hands on letter by letter, stops promtool in an alert with `function "K" not defined`, and with that alert all the other rules of the
# file are refused. In an alert, the text has to be written as `Cache<{{ "{{" }}K}}>`; in a recording rule, that would stay as it is.
#
# Seen with promtool 2.42.0, of Debian's package prometheus 2.42.0+ds-5+deb12u1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1 2> /dev/null
dpkg -x prometheus_*.deb .
promtool=usr/bin/promtool

plain='Cache<{{K}}>'
escaped='Cache<{{ "{{" }}K}}>'
rules() {
    cat <<YAML
groups:
  - name: caches
    rules:
      - $1
        expr: hits == 0
        labels: {of: '$2'}
      - record: healthy
        expr: misses == 0
YAML
}
# the escaped alert and both records
rules 'alert: Cold' "$escaped" > alert.yml
rules 'record: cold' "$plain" > record.yml
rules 'record: cold_escaped' "$escaped" > record_escaped.yml
rules 'alert: Cold' "$plain" > refused.yml
cat > test.yml <<'YAML'
rule_files: [alert.yml, record.yml, record_escaped.yml]
tests:
  - interval: 1m
    input_series: [{series: hits, values: '0x9'}]
    alert_rule_test:
      - alertname: Cold
        eval_time: 3m
        exp_alerts: [{exp_labels: {of: 'Cache<{{K}}>'}}]
    promql_expr_test:
      - expr: cold
        eval_time: 3m
        exp_samples: [{labels: 'cold{of="Cache<{{K}}>"}', value: 0}]
      - expr: cold_escaped
        eval_time: 3m
        exp_samples: [{labels: 'cold_escaped{of="Cache<{{ \"{{\" }}K}}>"}', value: 0}]
YAML

says() {
    local code=0
    "$promtool" "$@" > says.txt 2>&1 || code=$?
    echo "$* ($code): $(tr -s '\n\t ' ' ' < says.txt)"
}
{
    says check rules refused.yml
    says check rules record.yml
    says test rules test.yml
} | tee output

grep -q '^check rules refused.yml (1): .*"Cold": label "of": template: __alert_Cold:1: function "K" not defined' output
grep -q '^check rules record.yml (0): .*SUCCESS: 2 rules found' output
grep -q '^test rules test.yml (0): .*SUCCESS' output
echo 'as found'
