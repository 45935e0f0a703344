"""A service in another language that takes notices: subscribes, answers what is left to it, and ends when its replies are told.

Knows no generated code: every message type comes from the server's own descriptors. Writes one JSON object per line: what it said and heard.

    notices.py HOST:PORT COUNT CODE
"""

import json
import queue
import sys

import grpc
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

STREAM_SECONDS = 60


def tell(**what):
    print(json.dumps(what), flush=True)


def main():
    address, count, code = sys.argv[1:]
    with grpc.insecure_channel(address) as channel:
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName("pabal.v1.Gateway").methods_by_name["Serve"]
        request_type = message_factory.GetMessageClass(method.input_type)
        response_type = message_factory.GetMessageClass(method.output_type)
        reports = pool.FindEnumTypeByName("pabal.v1.ReplyReport").values_by_number
        reasons = pool.FindEnumTypeByName("pabal.v1.Reason").values_by_number
        said = queue.SimpleQueue()
        first = request_type()
        first.subscribe.institution = "hecto"
        first.subscribe.notices.append("deposit")
        said.put(first)
        serve = channel.stream_stream(
            "/pabal.v1.Gateway/Serve",
            request_serializer=request_type.SerializeToString,
            response_deserializer=response_type.FromString,
        )
        heard = serve(iter(said.get, None), timeout=STREAM_SECONDS, metadata=[("x-pabal-caller", "python")])
        left, replied = int(count), set()
        for response in heard:
            kind = response.WhichOneof("event")
            if kind == "subscribed":
                tell(subscribed=list(response.subscribed.notices))
                # A reply to what it was not given is refused in band, and the stream goes on.
                wrong = request_type()
                wrong.reply.notice_id = "no id"
                wrong.reply.response_code = code
                said.put(wrong)
            elif kind == "reply_refused":
                tell(refused=reasons[response.reply_refused.reason].name, text=response.reply_refused.text)
            elif kind == "notice":
                notice = response.notice
                tell(
                    notice=notice.notice_id,
                    name=notice.notice,
                    number=notice.number,
                    amount=notice.fields["tx_amt"].value.int64,
                    repeated=notice.repeated,
                    traced=len(notice.trace_id) == 32,
                )
                answer = request_type()
                answer.reply.notice_id = notice.notice_id
                answer.reply.response_code = code
                said.put(answer)
                left -= 1
                replied.add(notice.notice_id)
            elif kind == "replied":
                tell(replied=response.replied.notice_id, report=reports[response.replied.report].name)
                replied.discard(response.replied.notice_id)
            if left <= 0 and not replied:
                # The end of its side: what was said is told, then the stream ends.
                said.put(None)
        tell(ended=True)


if __name__ == "__main__":
    main()
