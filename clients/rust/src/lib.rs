//! The generated stubs of vertebra's two services, one module a proto package, and `credentials`.
//!
//! The comments are those of the protos: they are the specification. `examples/digits.rs` shows how
//! a blob is read and verified, and how a job is followed over breaks.

#![allow(clippy::doc_lazy_continuation, clippy::doc_overindented_list_items)]
#![allow(clippy::large_enum_variant, rustdoc::invalid_html_tags)]

pub mod credentials;

/// What model is wanted, and what it is.
pub mod model {
    pub mod v1 {
        tonic::include_proto!("vertebra.model.v1");
    }
}

/// Bytes by their digest; both services have them.
pub mod blob {
    pub mod v1 {
        tonic::include_proto!("vertebra.blob.v1");
    }
}

/// Architectures, weights, builds, registered backbones.
pub mod catalog {
    pub mod v1 {
        tonic::include_proto!("vertebra.catalog.v1");
    }
}

/// Fine-tuning jobs.
pub mod trainer {
    pub mod v1 {
        tonic::include_proto!("vertebra.trainer.v1");
    }
}

/// What the way to a service does.
pub mod diagnostics {
    pub mod v1 {
        tonic::include_proto!("vertebra.diagnostics.v1");
    }
}
