package vertebra

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	catalogv1 "github.com/vertebra/vertebra/clients/go/catalog/v1"
)

// ListCheckpoints yields all matching checkpoints, newest first unless orderBy says otherwise.
//
// Errors: FILTER_INVALID, ORDER_INVALID.
func (c *CatalogClient) ListCheckpoints(
	ctx context.Context, filter, orderBy string,
) iter.Seq2[*catalogv1.Checkpoint, error] {
	return Pages(func(token string) (Page[*catalogv1.Checkpoint], error) {
		answer, err := c.Checkpoints.ListCheckpoints(ctx, &catalogv1.ListCheckpointsRequest{
			Filter: filter, OrderBy: orderBy, PageSize: pageSize, PageToken: token,
		})
		return Page[*catalogv1.Checkpoint]{answer.GetCheckpoints(), answer.GetNextPageToken()}, err
	})
}

// IdentifyCheckpointFile uploads the file at path, where the catalog does not have it, and returns
// which architectures its backbone could be, from the names and shapes of its tensors alone.
//
// Errors: as BlobClient.Upload and CheckpointService.IdentifyCheckpoint in the contract say.
func (c *CatalogClient) IdentifyCheckpointFile(
	ctx context.Context, path string,
) (*catalogv1.IdentifyCheckpointResponse, error) {
	blob, err := c.Blobs.Upload(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	file := &catalogv1.IdentifyCheckpointRequest_BlobName{BlobName: blob.GetName()}
	request := &catalogv1.IdentifyCheckpointRequest{File: file}
	answer, err := c.Checkpoints.IdentifyCheckpoint(ctx, request)
	return answer, calledByItsName(err, blob.GetName(), path)
}

// RegisterCheckpointFile uploads the file at path, where the catalog does not have it, and returns
// the backbone in it as a checkpoint that any later model can start from. The request says its
// checkpoint_id and what else is known; without an architecture the catalog identifies it.
//
// Errors: as BlobClient.Upload and CheckpointService.RegisterCheckpoint in the contract say:
// CHECKPOINT_EXISTS, STATE_MISMATCH, CHECKPOINT_AMBIGUOUS, FILE_UNREADABLE.
func (c *CatalogClient) RegisterCheckpointFile(
	ctx context.Context, path string, request *catalogv1.RegisterCheckpointRequest,
) (*catalogv1.Checkpoint, error) {
	blob, err := c.Blobs.Upload(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	request = proto.Clone(request).(*catalogv1.RegisterCheckpointRequest)
	request.BlobName = blob.GetName()
	answer, err := c.Checkpoints.RegisterCheckpoint(ctx, request)
	return answer.GetCheckpoint(), calledByItsName(err, blob.GetName(), path)
}

// calledByItsName has a refusal name the file, which a person knows, in place of its digest.
func calledByItsName(err error, blobName, path string) error {
	var failure *Error
	if errors.As(err, &failure) {
		file, digits := filepath.Base(path), blobName[strings.LastIndex(blobName, ":")+1:]
		failure.Message = strings.NewReplacer(blobName, file, digits, file).Replace(failure.Message)
	}
	return err
}
