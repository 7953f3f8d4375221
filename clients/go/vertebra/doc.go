// Package vertebra talks to the two services of vertebra: the catalog, which builds pretrained
// vision models, and the trainer, which fine-tunes them.
//
// The generated stubs (packages catalogv1, trainerv1, blobv1, modelv1) are the whole contract; the
// comments of the protos are its text. This package gives them a connection whose unary calls are
// repeated when only the way there broke, with a request id on every call that changes something,
// and errors that carry reason and details. Streams are read by helpers that open them again where
// they break and refuse what cannot be true: bytes out of line, events that are missing or came
// twice.
package vertebra
