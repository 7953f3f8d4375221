// The example builds a model, saves its numbers, trains it on digits, fetches the backbone and
// registers it, so that any later model can start from it.
//
//	go run ./example -out /tmp/digits
//
// It talks to `vertebra up` unless VERTEBRA_CATALOG_ADDRESS and VERTEBRA_TRAINER_ADDRESS say where
// else the services are; credentials come from VERTEBRA_CA, VERTEBRA_TOKEN_FILE and so on.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	catalogv1 "github.com/vertebra/vertebra/clients/go/catalog/v1"
	modelv1 "github.com/vertebra/vertebra/clients/go/model/v1"
	trainerv1 "github.com/vertebra/vertebra/clients/go/trainer/v1"
	"github.com/vertebra/vertebra/clients/go/vertebra"
)

// experiment is a TrainJobSpec as JSON: the same file that `vertebra train` takes.
const experiment = `{
  "model": {"backbone": "resnet18", "pretrained": false,
            "image_height_px": 32, "image_width_px": 32},
  "dataset": {"bundled_digits": {}, "data_ratio": 0.1},
  "num_epochs": 1
}`

// backbone is the name of the file that training leaves.
const backbone = "backbone.safetensors"

func main() {
	out := flag.String("out", ".", "folder for the state and the backbone")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out); err != nil {
		explain(err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string) error {
	credentials, err := vertebra.CredentialsFromEnvironment()
	if err != nil {
		return err
	}
	options := vertebra.Options{Credentials: credentials}
	catalog, err := vertebra.DialCatalog(
		cmp.Or(os.Getenv("VERTEBRA_CATALOG_ADDRESS"), vertebra.DefaultCatalog), options)
	if err != nil {
		return err
	}
	defer catalog.Close()
	trainer, err := vertebra.DialTrainer(
		cmp.Or(os.Getenv("VERTEBRA_TRAINER_ADDRESS"), vertebra.DefaultTrainer), options)
	if err != nil {
		return err
	}
	defer trainer.Close()
	if err := list(ctx, catalog); err != nil {
		return err
	}
	if err := build(ctx, catalog, out); err != nil {
		return err
	}
	if err := train(ctx, trainer, out); err != nil {
		return err
	}
	return register(ctx, catalog, filepath.Join(out, backbone))
}

func list(ctx context.Context, catalog *vertebra.CatalogClient) error {
	filter := `family = resnet AND is_quantized = false`
	for architecture, err := range catalog.ListArchitectures(ctx, filter, "num_parameters") {
		if err != nil {
			return err
		}
		fmt.Printf("%-10s %5.1f M parameters\n",
			architecture.GetArchitectureId(), float64(architecture.GetNumParameters())/1e6)
	}
	return nil
}

// build asks for a model and saves its state: bytes that were compared with their sha256.
func build(ctx context.Context, catalog *vertebra.CatalogClient, out string) error {
	head := &modelv1.ClassificationTask{ClassNames: []string{"cat", "dog"}}
	spec := &modelv1.ModelSpec{
		Backbone: "resnet18", Pretrained: proto.Bool(false),
		Task: &modelv1.ModelSpec_Classification{Classification: head},
	}
	model, err := catalog.BuildModel(ctx, &catalogv1.BuildModelRequest{Spec: spec}, nil)
	if err != nil {
		return err
	}
	path := filepath.Join(out, "resnet18.safetensors")
	if err := catalog.SaveState(ctx, model, modelv1.Role_ROLE_UNSPECIFIED, "", path); err != nil {
		return err
	}
	file, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("built: %d tensors, %.1f MB in %s\n",
		len(model.GetLayout().GetTensors()), float64(file.Size())/1e6, filepath.Base(path))
	return nil
}

// train follows a job to its end, over restarts and breaks, and fetches what it left.
func train(ctx context.Context, trainer *vertebra.TrainerClient, out string) error {
	spec := &trainerv1.TrainJobSpec{}
	if err := protojson.Unmarshal([]byte(experiment), spec); err != nil {
		return err
	}
	job, err := trainer.CreateTrainJob(ctx, spec)
	if err != nil {
		return err
	}
	job, err = trainer.WaitTrainJob(ctx, job.GetName(), vertebra.WatchOptions{}, tell)
	if err != nil {
		return err
	}
	fmt.Printf("%s, accuracy %.3f\n",
		word(job.GetState()), job.GetMetrics()["validation/accuracy"])
	for export, err := range trainer.ListExports(ctx, job.GetName()) {
		if err != nil {
			return err
		}
		if err := fetchBackbone(ctx, trainer, export, out); err != nil {
			return err
		}
	}
	return nil
}

func word(state trainerv1.JobState) string {
	return strings.ToLower(strings.TrimPrefix(state.String(), "JOB_STATE_"))
}

func tell(event *trainerv1.TrainEvent) {
	if change := event.GetStateChanged(); change != nil {
		fmt.Println(word(change.GetToState()))
	}
	if epoch := event.GetEpochMetrics(); epoch != nil {
		fmt.Printf("epoch %d %s: loss %.3f\n",
			epoch.GetEpoch(), epoch.GetSplit(), epoch.GetValues()["loss"])
	}
}

func fetchBackbone(
	ctx context.Context, trainer *vertebra.TrainerClient, export *trainerv1.Export, out string,
) error {
	for _, file := range export.GetFiles() {
		if file.GetKind() != trainerv1.ExportFile_KIND_BACKBONE_SAFETENSORS {
			continue
		}
		path := filepath.Join(out, backbone)
		if err := trainer.Blobs.Download(ctx, file.GetBlob().GetName(), path); err != nil {
			return err
		}
		fmt.Printf("backbone: %s in %s\n", file.GetBlob().GetDigest()[:19], backbone)
	}
	return nil
}

// register uploads a file, asks what it is and makes a checkpoint of it. It has its content in its
// name: the same file again is the same checkpoint.
func register(ctx context.Context, catalog *vertebra.CatalogClient, path string) error {
	blob, err := catalog.Blobs.Upload(ctx, path, nil)
	if err != nil {
		return err
	}
	told, err := catalog.IdentifyCheckpointFile(ctx, path)
	if err != nil {
		return err
	}
	fmt.Println("identified:", told.GetVerdict())
	checkpoint, err := catalog.RegisterCheckpointFile(ctx, path, &catalogv1.RegisterCheckpointRequest{
		CheckpointId: "from-go-" + blob.GetDigest()[len("sha256:"):][:8],
		Lineage:      &modelv1.Lineage{Dataset: "digits", Method: "supervised"},
	})
	if err != nil {
		return err
	}
	fmt.Printf("registered: %s is a %s\n", checkpoint.GetName(), checkpoint.GetArchitectureId())
	return nil
}

// explain shows what an error of vertebra carries.
func explain(err error) {
	fmt.Fprintln(os.Stderr, "error:", err)
	var failure *vertebra.Error
	if !errors.As(err, &failure) {
		return
	}
	for _, one := range failure.Violations {
		if strings.HasPrefix(failure.Message, one.Field) {
			continue // the sentence says it already
		}
		fmt.Fprintf(os.Stderr, "  %s: %s\n", one.Field, one.Description)
	}
	if failure.RetryAfter != nil {
		fmt.Fprintf(os.Stderr, "  try again in %s\n", failure.RetryAfter.Round(time.Second))
	}
}
