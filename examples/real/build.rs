//! Writes the client and the server of the example `grpc`, from a description in Rust in place of a `.proto` file.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let estimate = Method::builder()
        .name("estimate")
        .route_name("Estimate")
        .input_type("crate::EstimateRequest")
        .output_type("crate::EstimateReply")
        .codec_path("tonic_prost::ProstCodec")
        .build();
    let freight = Service::builder().name("Freight").package("freight").method(estimate).build();
    Builder::new().compile(&[freight]);
    println!("cargo::rerun-if-changed=build.rs");
}
