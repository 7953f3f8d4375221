//! Generates the stubs from the protos, without any program but cargo, and the table that the test
//! of the golden samples walks.

use std::{env, error::Error, fmt::Write, fs, path::PathBuf};

const PROTOS: &str = "../../protos";
const FILES: [&str; 9] = [
    "vertebra/blob/v1/blob_service.proto",
    "vertebra/catalog/v1/architecture_service.proto",
    "vertebra/catalog/v1/checkpoint_service.proto",
    "vertebra/catalog/v1/model_service.proto",
    "vertebra/catalog/v1/storage_service.proto",
    "vertebra/catalog/v1/weights_service.proto",
    "vertebra/diagnostics/v1/path_service.proto",
    "vertebra/model/v1/contracts.proto",
    "vertebra/trainer/v1/train_job_service.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed={PROTOS}/vertebra");
    let descriptors = protox::compile(FILES, [PROTOS])?;
    let mut table = String::from(
        "fn again(name: &str, wire: &[u8]) -> Result<Vec<u8>, DecodeError> {\n    match name {\n",
    );
    for file in descriptors.file.iter().filter(|file| file.package().starts_with("vertebra.")) {
        let module = file.package().trim_start_matches("vertebra.").replace('.', "::");
        for message in &file.message_type {
            let (package, name) = (file.package(), message.name());
            writeln!(
                table,
                "        \"{package}.{name}\" => round::<vertebra::{module}::{name}>(wire),"
            )?;
        }
    }
    table.push_str("        _ => panic!(\"{name} is not in the contract\"),\n    }\n}\n");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("golden_table.rs"), table)?;
    tonic_prost_build::configure().build_server(false).compile_fds(descriptors)?;
    Ok(())
}
