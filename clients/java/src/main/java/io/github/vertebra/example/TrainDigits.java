package io.github.vertebra.example;

import com.google.protobuf.util.JsonFormat;
import io.github.vertebra.blob.v1.Blob;
import io.github.vertebra.blob.v1.BlobServiceGrpc;
import io.github.vertebra.blob.v1.ReadBlobRequest;
import io.github.vertebra.blob.v1.ReadBlobResponse;
import io.github.vertebra.catalog.v1.Architecture;
import io.github.vertebra.catalog.v1.ArchitectureServiceGrpc;
import io.github.vertebra.catalog.v1.BuildModelRequest;
import io.github.vertebra.catalog.v1.BuildModelResponse;
import io.github.vertebra.catalog.v1.BuiltModel;
import io.github.vertebra.catalog.v1.ListArchitecturesRequest;
import io.github.vertebra.catalog.v1.ModelServiceGrpc;
import io.github.vertebra.catalog.v1.StatePart;
import io.github.vertebra.client.Credentials;
import io.github.vertebra.model.v1.ClassificationTask;
import io.github.vertebra.model.v1.ModelSpec;
import io.github.vertebra.model.v1.Role;
import io.github.vertebra.model.v1.StreamEnd;
import io.github.vertebra.trainer.v1.CreateTrainJobRequest;
import io.github.vertebra.trainer.v1.EpochMetrics;
import io.github.vertebra.trainer.v1.GetTrainJobRequest;
import io.github.vertebra.trainer.v1.JobState;
import io.github.vertebra.trainer.v1.TrainEvent;
import io.github.vertebra.trainer.v1.TrainJob;
import io.github.vertebra.trainer.v1.TrainJobServiceGrpc;
import io.github.vertebra.trainer.v1.TrainJobServiceGrpc.TrainJobServiceBlockingStub;
import io.github.vertebra.trainer.v1.TrainJobSpec;
import io.github.vertebra.trainer.v1.WatchTrainJobRequest;
import io.github.vertebra.trainer.v1.WatchTrainJobResponse;
import io.grpc.Channel;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;

/**
 * Lists, builds a model, saves its backbone, trains it on digits and follows the job.
 *
 * <p>It talks to {@code vertebra up} unless VERTEBRA_CATALOG_ADDRESS and VERTEBRA_TRAINER_ADDRESS
 * say where else the services are; credentials come from VERTEBRA_CA, VERTEBRA_TOKEN_FILE and so
 * on.
 */
public final class TrainDigits {
  private static final String EXPERIMENT =
      """
      {
        "model": {"backbone": "resnet18", "pretrained": false,
                  "imageHeightPx": 32, "imageWidthPx": 32},
        "dataset": {"bundledDigits": {}, "dataRatio": 0.1},
        "numEpochs": 1
      }
      """;

  private TrainDigits() {}

  public static void main(String[] arguments) throws Exception {
    Path out = Path.of(arguments.length == 2 ? arguments[1] : ".");
    ManagedChannel catalog = dial("VERTEBRA_CATALOG_ADDRESS", "localhost:50551");
    ManagedChannel trainer = dial("VERTEBRA_TRAINER_ADDRESS", "localhost:50552");
    try {
      list(catalog);
      saveBackbone(catalog, build(catalog), out);
      train(trainer);
    } finally {
      catalog.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
      trainer.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  private static ManagedChannel dial(String variable, String usual) throws IOException {
    Map<String, String> variables = System.getenv();
    String address = variables.getOrDefault(variable, usual);
    return Credentials.fromEnvironment(variables).channel(address);
  }

  private static void list(Channel catalog) {
    ListArchitecturesRequest request =
        ListArchitecturesRequest.newBuilder()
            .setFilter("family = resnet AND is_quantized = false")
            .setOrderBy("num_parameters")
            .build();
    for (Architecture one :
        ArchitectureServiceGrpc.newBlockingStub(catalog)
            .listArchitectures(request)
            .getArchitecturesList()) {
      double millions = one.getNumParameters() / 1e6;
      System.out.printf(
          Locale.ROOT, "%-10s %5.1f M parameters%n", one.getArchitectureId(), millions);
    }
  }

  private static BuiltModel build(Channel catalog) throws IOException {
    ModelSpec spec =
        ModelSpec.newBuilder()
            .setBackbone("resnet18")
            .setPretrained(false)
            .setClassification(
                ClassificationTask.newBuilder().addClassNames("cat").addClassNames("dog"))
            .build();
    BuildModelRequest request = BuildModelRequest.newBuilder().setSpec(spec).build();
    Iterator<BuildModelResponse> messages =
        ModelServiceGrpc.newBlockingStub(catalog).buildModel(request);
    BuiltModel model = null;
    while (messages.hasNext()) {
      BuildModelResponse message = messages.next();
      model = message.hasModel() ? message.getModel() : model;
    }
    if (model == null) {
      throw new IOException("the stream ended without a model");
    }
    return model;
  }

  /** Compares every piece with its offset and checksum, and the whole with its digest. */
  private static void saveBackbone(Channel catalog, BuiltModel model, Path out)
      throws IOException, GeneralSecurityException {
    Blob blob =
        model.getPartsList().stream()
            .filter(part -> part.getRole() == Role.ROLE_BACKBONE)
            .map(StatePart::getBlob)
            .findFirst()
            .orElseThrow();
    Files.createDirectories(out);
    Path part = out.resolve(".backbone.safetensors.part");
    MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
    long offset = 0;
    ReadBlobRequest request = ReadBlobRequest.newBuilder().setName(blob.getName()).build();
    Iterator<ReadBlobResponse> pieces = BlobServiceGrpc.newBlockingStub(catalog).readBlob(request);
    try (OutputStream file = Files.newOutputStream(part)) {
      while (pieces.hasNext()) {
        byte[] data = checked(pieces.next(), offset);
        sha256.update(data);
        file.write(data);
        offset += data.length;
      }
    }
    String digest = "sha256:" + HexFormat.of().formatHex(sha256.digest());
    if (!digest.equals(blob.getDigest())) {
      throw new IOException("asked for " + blob.getDigest() + ", got " + digest);
    }
    Files.move(
        part,
        out.resolve("backbone.safetensors"),
        StandardCopyOption.REPLACE_EXISTING);
    System.out.printf(Locale.ROOT, "built: %.1f MB in backbone.safetensors%n", offset / 1e6);
  }

  private static byte[] checked(ReadBlobResponse piece, long offset) throws IOException {
    byte[] data = piece.getData().toByteArray();
    CRC32C checksum = new CRC32C();
    checksum.update(data);
    boolean isRight =
        piece.getOffset() == offset && (int) checksum.getValue() == piece.getCrc32C();
    if (data.length > 0 && !isRight) {
      throw new IOException("a wrong piece at " + offset);
    }
    return data;
  }

  private static void train(Channel trainer) throws IOException, InterruptedException {
    TrainJobServiceBlockingStub jobs = TrainJobServiceGrpc.newBlockingStub(trainer);
    TrainJobSpec.Builder spec = TrainJobSpec.newBuilder();
    JsonFormat.parser().merge(EXPERIMENT, spec);
    CreateTrainJobRequest request =
        CreateTrainJobRequest.newBuilder()
            .setRequestId(UUID.randomUUID().toString()) // the same id again is the same job
            .setSpec(spec)
            .build();
    String name = jobs.createTrainJob(request).getJob().getName();
    follow(jobs, name);
    TrainJob job =
        jobs.getTrainJob(GetTrainJobRequest.newBuilder().setName(name).build()).getJob();
    double accuracy = job.getMetricsOrThrow("validation/accuracy");
    System.out.printf(Locale.ROOT, "%s, accuracy %.3f%n", word(job.getState()), accuracy);
  }

  /** Reads a job's events in order, each once, opening the stream again where it ends too soon. */
  private static void follow(TrainJobServiceBlockingStub jobs, String name)
      throws IOException, InterruptedException {
    WatchTrainJobRequest.Builder next = WatchTrainJobRequest.newBuilder().setName(name);
    while (true) {
      try {
        if (followOnce(jobs, next)) {
          return;
        }
      } catch (StatusRuntimeException failure) {
        if (!mayPass(failure.getStatus())) {
          throw failure;
        }
      }
      TimeUnit.MILLISECONDS.sleep(200);
    }
  }

  /** Returns whether the job is over; {@code next} asks for what has not come yet. */
  private static boolean followOnce(
      TrainJobServiceBlockingStub jobs, WatchTrainJobRequest.Builder next) throws IOException {
    Iterator<WatchTrainJobResponse> messages = jobs.watchTrainJob(next.build());
    boolean isOver = false;
    while (messages.hasNext()) {
      WatchTrainJobResponse message = messages.next();
      next.setLogId(message.getLogId());
      for (TrainEvent event : message.getEvents().getEventsList()) {
        if (event.getSeq() != next.getAfterSeq() + 1) {
          throw new IOException(event.getSeq() + " came after " + next.getAfterSeq());
        }
        next.setAfterSeq(event.getSeq());
        tell(event);
      }
      isOver = message.getEnd().getReason() == StreamEnd.Reason.REASON_COMPLETED;
    }
    return isOver;
  }

  /** Proxies cut streams with INTERNAL and RST_STREAM. */
  private static boolean mayPass(Status status) {
    String text = String.valueOf(status.getDescription());
    return switch (status.getCode()) {
      case UNAVAILABLE, CANCELLED -> true;
      case INTERNAL -> text.contains("RST_STREAM") || text.contains("Rst Stream");
      default -> false;
    };
  }

  private static void tell(TrainEvent event) {
    if (event.hasStateChanged()) {
      System.out.println(word(event.getStateChanged().getToState()));
    }
    if (event.hasEpochMetrics()) {
      EpochMetrics epoch = event.getEpochMetrics();
      System.out.printf(
          Locale.ROOT,
          "epoch %d %s: loss %.3f%n",
          epoch.getEpoch(),
          epoch.getSplit(),
          epoch.getValuesOrThrow("loss"));
    }
  }

  private static String word(JobState state) {
    return state.name().replaceFirst("JOB_STATE_", "").toLowerCase(Locale.ROOT);
  }
}
