"""A client of ours behind a control plane: calls as often as each line of its input says, and
writes how many calls each server got, by the name that it tells. A program, because gRPC reads its
bootstrap once."""

import json
import sys
from collections import Counter

from vertebra.channel import open_channel
from vertebra.diagnostics.v1.path_service_pb2 import EchoRequest
from vertebra.diagnostics.v1.path_service_pb2_grpc import PathServiceStub

TIMEOUT_S = 60


def main() -> None:
    """Answer until the input ends."""
    with open_channel("xds:///vertebra") as channel:
        stub = PathServiceStub(channel)
        for line in sys.stdin:
            peers: Counter[str] = Counter()
            for _ in range(int(line)):
                answer = stub.Echo(EchoRequest(), timeout=TIMEOUT_S, wait_for_ready=True)
                peers[answer.principal] += 1
            print(json.dumps(peers), flush=True)


if __name__ == "__main__":
    main()
