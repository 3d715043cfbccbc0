"""`classtap cloud copy` for a cloud over the toy room: python -m tests.cloud.copying FROM TO."""

import json
import sys

from cloud.moving import copy_cloud
from tests.unit.kernel import toy


def main(source: str, target: str) -> None:
    def tell(what: str, rows: int) -> None:
        print(f"{what}: {rows}", file=sys.stderr, flush=True)

    print(json.dumps(copy_cloud(source, target, toy.bus(authority=True), tell=tell)._asdict()))


if __name__ == "__main__":
    main(*sys.argv[1:])
