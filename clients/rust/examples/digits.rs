//! Lists, builds a model, saves its backbone, trains it on digits and follows the job.
//!
//!     cargo run --example digits -- -out /tmp/digits
//!
//! It talks to `vertebra up` unless VERTEBRA_CATALOG_ADDRESS and VERTEBRA_TRAINER_ADDRESS say where
//! else the services are; credentials come from VERTEBRA_CA, VERTEBRA_TOKEN_FILE and so on.

use sha2::{Digest, Sha256};
use std::{env, error::Error, fs, path::Path, time::Duration};
use tonic::{Code, Status};
use vertebra::blob::v1::{blob_service_client::BlobServiceClient, ReadBlobRequest};
use vertebra::catalog::v1::{
    architecture_service_client::ArchitectureServiceClient, build_model_response,
    model_service_client::ModelServiceClient, BuildModelRequest, BuiltModel,
    ListArchitecturesRequest,
};
use vertebra::credentials::{Connection, Credentials};
use vertebra::model::v1::{model_spec, stream_end::Reason, ClassificationTask, ModelSpec, Role};
use vertebra::trainer::v1::{
    dataset_spec, train_event, train_job_service_client::TrainJobServiceClient,
    watch_train_job_response, BundledDigits, CreateTrainJobRequest, DatasetSpec,
    GetTrainJobRequest, JobState, TrainEvent, TrainJobSpec, WatchTrainJobRequest,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().collect();
    let out = match arguments.iter().position(|word| word == "-out") {
        Some(at) => arguments.get(at + 1).ok_or("-out needs a folder")?.as_str(),
        None => ".",
    };
    fs::create_dir_all(out)?;
    let catalog = connect("VERTEBRA_CATALOG_ADDRESS", "localhost:50551").await?;
    let trainer = connect("VERTEBRA_TRAINER_ADDRESS", "localhost:50552").await?;
    list(catalog.clone()).await?;
    let model = build(catalog.clone()).await?;
    save_backbone(catalog, &model, Path::new(out)).await?;
    train(trainer).await
}

async fn connect(variable: &str, usual: &str) -> Result<Connection> {
    let address = env::var(variable).unwrap_or_else(|_| usual.into());
    Ok(Credentials::from_environment()?.connect(&address).await?)
}

async fn list(catalog: Connection) -> Result<()> {
    let request = ListArchitecturesRequest {
        filter: "family = resnet AND is_quantized = false".into(),
        order_by: "num_parameters".into(),
        ..Default::default()
    };
    let answer = ArchitectureServiceClient::new(catalog).list_architectures(request).await?;
    for one in answer.into_inner().architectures {
        println!(
            "{:<10} {:5.1} M parameters",
            one.architecture_id,
            one.num_parameters as f64 / 1e6
        );
    }
    Ok(())
}

async fn build(catalog: Connection) -> Result<BuiltModel> {
    let head =
        ClassificationTask { class_names: vec!["cat".into(), "dog".into()], ..Default::default() };
    let spec = ModelSpec {
        backbone: "resnet18".into(),
        pretrained: Some(false),
        task: Some(model_spec::Task::Classification(head)),
        ..Default::default()
    };
    let request = BuildModelRequest { spec: Some(spec), definition_only: false };
    let mut stream = ModelServiceClient::new(catalog).build_model(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        if let Some(build_model_response::Event::Model(model)) = message.event {
            return Ok(model);
        }
    }
    Err("the stream ended without a model".into())
}

/// Reads a blob, compares every piece with its offset and checksum and the whole with its digest.
async fn save_backbone(catalog: Connection, model: &BuiltModel, out: &Path) -> Result<()> {
    let part = model.parts.iter().find(|part| part.role() == Role::Backbone);
    let blob = part.and_then(|part| part.blob.clone()).ok_or("the model has no backbone")?;
    let request = ReadBlobRequest { name: blob.name.clone(), ..Default::default() };
    let mut stream = BlobServiceClient::new(catalog).read_blob(request).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await? {
        if piece.data.is_empty() {
            continue;
        }
        if piece.offset != bytes.len() as i64 || crc32c::crc32c(&piece.data) != piece.crc32c {
            return Err(format!("a wrong piece at {}", bytes.len()).into());
        }
        bytes.extend(piece.data);
    }
    let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    if format!("sha256:{sha256}") != blob.digest {
        return Err(format!("asked for {}, got sha256:{sha256}", blob.digest).into());
    }
    fs::write(out.join("backbone.safetensors"), &bytes)?;
    println!("built: {:.1} MB in backbone.safetensors", bytes.len() as f64 / 1e6);
    Ok(())
}

async fn train(trainer: Connection) -> Result<()> {
    let mut jobs = TrainJobServiceClient::new(trainer);
    let dataset = DatasetSpec {
        source: Some(dataset_spec::Source::BundledDigits(BundledDigits {})),
        data_ratio: 0.1,
        ..Default::default()
    };
    let model = ModelSpec {
        backbone: "resnet18".into(),
        pretrained: Some(false),
        image_height_px: 32,
        image_width_px: 32,
        ..Default::default()
    };
    let spec = TrainJobSpec {
        model: Some(model),
        dataset: Some(dataset),
        num_epochs: 1,
        ..Default::default()
    };
    let request_id = uuid::Uuid::new_v4().to_string(); // the same id again is the same job
    let request = CreateTrainJobRequest { request_id, spec: Some(spec) };
    let job = jobs.create_train_job(request).await?.into_inner().job.ok_or("no job")?;
    follow(&mut jobs, &job.name).await?;
    let request = GetTrainJobRequest { name: job.name };
    let job = jobs.get_train_job(request).await?.into_inner().job.ok_or("no job")?;
    println!("{}, accuracy {:.3}", word(job.state()), job.metrics["validation/accuracy"]);
    Ok(())
}

/// Reads a job's events in order, each once, opening the stream again where it ends too soon.
async fn follow(jobs: &mut TrainJobServiceClient<Connection>, name: &str) -> Result<()> {
    let (mut log_id, mut seq) = (String::new(), 0);
    loop {
        let request = WatchTrainJobRequest {
            name: name.into(),
            log_id: log_id.clone(),
            after_seq: seq,
            ..Default::default()
        };
        match follow_once(jobs, request, &mut log_id, &mut seq).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(status) if may_pass(&status) => {}
            Err(status) => return Err(status.into()),
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Returns whether the job is over.
async fn follow_once(
    jobs: &mut TrainJobServiceClient<Connection>,
    request: WatchTrainJobRequest,
    log_id: &mut String,
    seq: &mut i64,
) -> std::result::Result<bool, Status> {
    let mut stream = jobs.watch_train_job(request).await?.into_inner();
    while let Some(message) = stream.message().await? {
        *log_id = message.log_id;
        match message.event {
            Some(watch_train_job_response::Event::Events(batch)) => {
                for event in batch.events {
                    if event.seq != *seq + 1 {
                        return Err(Status::data_loss(format!("{} came after {seq}", event.seq)));
                    }
                    *seq = event.seq;
                    tell(event);
                }
            }
            Some(watch_train_job_response::Event::End(end)) => {
                return Ok(end.reason() == Reason::Completed);
            }
            _ => {}
        }
    }
    Ok(false)
}

/// Proxies cut streams with INTERNAL and RST_STREAM.
fn may_pass(status: &Status) -> bool {
    match status.code() {
        Code::Unavailable | Code::Cancelled => true,
        Code::Internal | Code::Unknown => {
            let text = status.message();
            text.contains("RST_STREAM") || text.contains("h2 protocol error")
        }
        _ => false,
    }
}

fn tell(event: TrainEvent) {
    match event.event {
        Some(train_event::Event::StateChanged(change)) => println!("{}", word(change.to_state())),
        Some(train_event::Event::EpochMetrics(epoch)) => {
            println!("epoch {} {}: loss {:.3}", epoch.epoch, epoch.split, epoch.values["loss"])
        }
        _ => {}
    }
}

fn word(state: JobState) -> String {
    state.as_str_name().trim_start_matches("JOB_STATE_").to_lowercase()
}
