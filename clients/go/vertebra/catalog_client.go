package vertebra

import (
	"context"
	"iter"

	blobv1 "github.com/vertebra/vertebra/clients/go/blob/v1"
	catalogv1 "github.com/vertebra/vertebra/clients/go/catalog/v1"
	modelv1 "github.com/vertebra/vertebra/clients/go/model/v1"
)

// DefaultCatalog is where `vertebra up` has the catalog.
const DefaultCatalog = "localhost:50551"

// CatalogClient is a connection to one catalog. The stubs are the contract as it is; their unary
// calls are repeated, identified and explained by the connection.
type CatalogClient struct {
	*Connection
	Architectures catalogv1.ArchitectureServiceClient
	Models        catalogv1.ModelServiceClient
	Weights       catalogv1.WeightsServiceClient
	Checkpoints   catalogv1.CheckpointServiceClient
	Storage       catalogv1.StorageServiceClient
	Blobs         *BlobClient
}

// DialCatalog returns a client of the catalog at host:port. Close it.
func DialCatalog(address string, options Options) (*CatalogClient, error) {
	connection, err := Dial(address, options)
	if err != nil {
		return nil, err
	}
	return &CatalogClient{
		Connection:    connection,
		Architectures: catalogv1.NewArchitectureServiceClient(connection),
		Models:        catalogv1.NewModelServiceClient(connection),
		Weights:       catalogv1.NewWeightsServiceClient(connection),
		Checkpoints:   catalogv1.NewCheckpointServiceClient(connection),
		Storage:       catalogv1.NewStorageServiceClient(connection),
		Blobs:         NewBlobClient(connection),
	}, nil
}

// ListArchitectures yields all matching architectures. An empty filter is all of them.
//
// Errors: FILTER_INVALID, ORDER_INVALID.
func (c *CatalogClient) ListArchitectures(
	ctx context.Context, filter, orderBy string,
) iter.Seq2[*catalogv1.Architecture, error] {
	return Pages(func(token string) (Page[*catalogv1.Architecture], error) {
		answer, err := c.Architectures.ListArchitectures(ctx, &catalogv1.ListArchitecturesRequest{
			Filter: filter, OrderBy: orderBy, PageSize: pageSize, PageToken: token,
		})
		return Page[*catalogv1.Architecture]{answer.GetArchitectures(), answer.GetNextPageToken()}, err
	})
}

// ListWeights yields all matching weights, without their categories.
//
// Errors: FILTER_INVALID, ORDER_INVALID.
func (c *CatalogClient) ListWeights(
	ctx context.Context, filter, orderBy string,
) iter.Seq2[*catalogv1.Weights, error] {
	return Pages(func(token string) (Page[*catalogv1.Weights], error) {
		answer, err := c.Weights.ListWeights(ctx, &catalogv1.ListWeightsRequest{
			Filter: filter, OrderBy: orderBy, PageSize: pageSize, PageToken: token,
		})
		return Page[*catalogv1.Weights]{answer.GetWeights(), answer.GetNextPageToken()}, err
	})
}

// BuildModel returns the model that a spec asks for, once its state is in the catalog's store. A
// stream that breaks is opened again. onProgress may be nil.
//
// Errors: as ModelService.BuildModel in the contract says.
func (c *CatalogClient) BuildModel(
	ctx context.Context, request *catalogv1.BuildModelRequest,
	onProgress func(*catalogv1.BuildProgress),
) (*catalogv1.BuiltModel, error) {
	cursor := &building{
		what: "the build",
		call: func(ctx context.Context) (messages[*catalogv1.BuildModelResponse], error) {
			return c.Models.BuildModel(ctx, request)
		},
		progressOf: (*catalogv1.BuildModelResponse).GetProgress,
		resultOf:   (*catalogv1.BuildModelResponse).GetModel,
	}
	return resultOf(ctx, c.Connection, cursor, onProgress)
}

// EnsureWeights returns a weight once it is in the catalog's store: downloaded, proven, converted.
// A stream that breaks is opened again; the catalog's transfer goes on meanwhile.
//
// Errors: as WeightsService.EnsureWeights in the contract says; Metadata has the trail as step.1,
// step.2, ..., Links a page to visit.
func (c *CatalogClient) EnsureWeights(
	ctx context.Context, name string, onProgress func(*catalogv1.EnsureProgress),
) (*catalogv1.EnsuredWeights, error) {
	request := &catalogv1.EnsureWeightsRequest{Name: name}
	cursor := &ensuring{
		what: name,
		call: func(ctx context.Context) (messages[*catalogv1.EnsureWeightsResponse], error) {
			return c.Weights.EnsureWeights(ctx, request)
		},
		progressOf: (*catalogv1.EnsureWeightsResponse).GetProgress,
		resultOf:   (*catalogv1.EnsureWeightsResponse).GetWeights,
	}
	return resultOf(ctx, c.Connection, cursor, onProgress)
}

// SaveState gives path the state of a built model as one verified safetensors file.
// ROLE_UNSPECIFIED is all of it; dtype is F32, F16 or BF16, or empty for as it is.
//
// Errors: as BlobClient.SaveTensors.
func (c *CatalogClient) SaveState(
	ctx context.Context, model *catalogv1.BuiltModel, role modelv1.Role, dtype, path string,
) error {
	request := &blobv1.ReadTensorsRequest{Name: model.GetName(), Role: role, Dtype: dtype}
	return c.Blobs.SaveTensors(ctx, request, path)
}
