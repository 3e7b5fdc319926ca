"""``aws SERVICE OPERATION --member value ...``: what the AWS CLI does, by the botocore both stand on."""

import json
import sys

import boto3
from botocore import xform_name


def main(service: str, operation: str, *options: str) -> None:
    client = boto3.client(service)
    method = operation.replace("-", "_")
    shape = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[method]).input_shape
    members = {f"--{xform_name(name, '-')}": name for name in shape.members}
    arguments = {members[name]: value for name, value in zip(options[::2], options[1::2], strict=True)}
    answer = getattr(client, method)(**arguments)
    answer.pop("ResponseMetadata")
    print(json.dumps(answer, indent=4, default=str))


if __name__ == "__main__":
    main(*sys.argv[1:])
