//! What Python wrote, this and every earlier release, is read whole and written the same.

use base64::{engine::general_purpose::STANDARD, Engine};
use prost::{DecodeError, Message};
use std::{fs, path::Path};

include!(concat!(env!("OUT_DIR"), "/golden_table.rs"));

/// Decodes and encodes: what a type does not know is lost on the way.
fn round<M: Message + Default>(wire: &[u8]) -> Result<Vec<u8>, DecodeError> {
    Ok(M::decode(wire)?.encode_to_vec())
}

#[test]
fn every_sample_is_read_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protos/golden");
    let mut num_samples = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let samples: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
        for sample in &samples {
            let name = sample["message"].as_str().unwrap();
            let wire = STANDARD.decode(sample["wire"].as_str().unwrap()).unwrap();
            assert_eq!(again(name, &wire).unwrap(), wire, "{name} {}", sample["choice"]);
            num_samples += 1;
        }
    }
    assert!(num_samples > 200, "only {num_samples} samples");
}

#[test]
fn a_field_that_is_not_known_is_seen() {
    let mut wire =
        vertebra::blob::v1::Blob { name: "a".into(), ..Default::default() }.encode_to_vec();
    wire.extend([0xf8, 0x01, 0x01]); // field 31, a varint
    assert_ne!(again("vertebra.blob.v1.Blob", &wire).unwrap(), wire);
}
