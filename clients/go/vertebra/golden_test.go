package vertebra_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "github.com/vertebra/vertebra/clients/go/diagnostics/v1"
)

type sample struct {
	Message string
	Choice  string
	Wire    []byte
	JSON    json.RawMessage
}

// What Python wrote, this and every earlier release, is read as it was meant, and written the same.
func TestGoldenSamplesAreReadAsTheyWereMeant(t *testing.T) {
	paths, _ := filepath.Glob("../../../protos/golden/*.json")
	if len(paths) == 0 {
		t.Fatal("no golden samples")
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		samples := []sample{}
		if err := json.Unmarshal(text, &samples); err != nil || len(samples) < 200 {
			t.Fatalf("%s: %d samples, %v", path, len(samples), err)
		}
		for _, one := range samples {
			check(t, one)
		}
	}
}

func check(t *testing.T, one sample) {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(one.Message))
	if err != nil {
		t.Fatalf("%s: %v", one.Message, err)
	}
	fromWire, fromJSON := kind.New().Interface(), kind.New().Interface()
	if err := proto.Unmarshal(one.Wire, fromWire); err != nil {
		t.Errorf("%s: %v", one.Message, err)
	}
	if err := protojson.Unmarshal(one.JSON, fromJSON); err != nil {
		t.Errorf("%s: %v", one.Message, err)
	}
	if len(fromWire.ProtoReflect().GetUnknown()) > 0 || !proto.Equal(fromWire, fromJSON) {
		t.Errorf("%s %s: bytes and JSON differ", one.Message, one.Choice)
	}
	if proto.Size(fromWire) != len(one.Wire) {
		t.Errorf("%s %s: written in %d bytes, not %d",
			one.Message, one.Choice, proto.Size(fromWire), len(one.Wire))
	}
}
