"""A protoc plugin that writes `*_pb2_grpc.py`: neither buf nor grpcio-tools has one.

Reads a CodeGeneratorRequest on stdin, lets grpcio-tools' own protoc generate the files from its
descriptors, and answers with a CodeGeneratorResponse on stdout.
"""

import pathlib
import sys
import tempfile

from google.protobuf import descriptor_pb2
from google.protobuf.compiler import plugin_pb2
from grpc_tools import protoc


def generate(request: plugin_pb2.CodeGeneratorRequest) -> plugin_pb2.CodeGeneratorResponse:
    """Return one `*_pb2_grpc.py` for each requested file that defines a service."""
    services = {file.name for file in request.proto_file if file.service}
    wanted = [name for name in request.file_to_generate if name in services]
    response = plugin_pb2.CodeGeneratorResponse(
        supported_features=plugin_pb2.CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL
    )
    if not wanted:
        return response
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        descriptors = root / "descriptors.binpb"
        files = descriptor_pb2.FileDescriptorSet(file=request.proto_file)
        descriptors.write_bytes(files.SerializeToString())
        options = [f"--descriptor_set_in={descriptors}", f"--grpc_python_out={root}"]
        if protoc.main(["protoc", *options, *wanted]) != 0:
            sys.exit("grpcio-tools could not generate the service stubs")
        for path in sorted(root.rglob("*_pb2_grpc.py")):
            name = path.relative_to(root).as_posix()
            response.file.add(name=name, content=path.read_text())
    return response


if __name__ == "__main__":
    request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(generate(request).SerializeToString())
