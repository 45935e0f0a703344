"""A service in another language: lists what the gateway offers by reflection, and makes a transfer with named fields.

Knows no generated code: every message type comes from the server's own descriptors. Writes one JSON object to standard output.

    transfer.py HOST:PORT NAME=VALUE ...
"""

import json
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

# Longer than the institution may take to answer: a caller who leaves earlier has to say so.
CALL_SECONDS = 40


def main():
    address, *fields = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        services = sorted(database.get_services())
        pool = descriptor_pool.DescriptorPool(database)
        gateway = pool.FindServiceByName("pabal.v1.Gateway")
        method = gateway.methods_by_name["Exchange"]
        request_type = message_factory.GetMessageClass(method.input_type)
        response_type = message_factory.GetMessageClass(method.output_type)
        request = request_type(institution="hecto", exchange="transfer", idempotency_key="python-1")
        for field in fields:
            name, value = field.split("=", 1)
            request.fields.values[name].text = value
        call = channel.unary_unary(
            "/pabal.v1.Gateway/Exchange",
            request_serializer=request_type.SerializeToString,
            response_deserializer=response_type.FromString,
        )
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        response = call(
            request,
            timeout=CALL_SECONDS,
            metadata=[("x-pabal-caller", "python"), ("traceparent", f"00-{trace}-00f067aa0ba902b7-01")],
        )
        outcomes = pool.FindEnumTypeByName("pabal.v1.Outcome").values_by_number
        print(
            json.dumps(
                {
                    "services": services,
                    "methods": sorted(m.name for m in gateway.methods),
                    "outcome": outcomes[response.outcome].name,
                    "response_code": response.response_code,
                    "balance_after": response.fields["balance_after"].value.int64,
                    "trace_id": response.trace_id,
                    "same_trace": response.trace_id == trace,
                }
            )
        )


if __name__ == "__main__":
    main()
