// The types of Grafana's own SDK, for JSON: a string in place of a string enum's member, and without the marks of its builders.
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import * as prometheus from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

type Json<T> = 0 extends 1 & T ? any
    : T extends string ? `${T}`
    : T extends (infer Item)[] ? Json<Item>[]
    : T extends object ? { [Key in keyof T as Key extends `_${string}` ? never : Key]: Json<T[Key]> }
    : T;

// the SDK leaves open what is a panel's own
type Panel<Type extends string, Options, Custom> = Omit<Json<dashboard.Panel>, "type" | "targets" | "options" | "fieldConfig"> & {
    type: Type;
    targets: Json<prometheus.Dataquery>[];
    options: Json<Options>;
    fieldConfig: {
        defaults: Omit<Json<dashboard.FieldConfig>, "custom"> & { custom?: Json<Custom> };
        overrides: Json<dashboard.FieldConfigSource>["overrides"];
    };
};

type Dashboard = Omit<Json<dashboard.Dashboard>, "panels"> & {
    panels: (
        | Panel<"stat", stat.Options, never>
        | Panel<"timeseries", timeseries.Options, timeseries.FieldConfig>
        | Json<dashboard.RowPanel>
    )[];
};
