"""s3_crt.py get KEY FILE | put FILE KEY: one object of the bucket "bench" by
s3transfer over the CRT, which is what `aws s3 cp` of AWS CLI 2 uses then; that
one is in no registry. The CRT chooses how many requests it has at once."""

import os
import sys

import botocore.session
from botocore.config import Config
from s3transfer.crt import (BotocoreCRTCredentialsWrapper,
                            BotocoreCRTRequestSerializer, CRTTransferManager,
                            create_s3_crt_client)

session = botocore.session.get_session()
keys = BotocoreCRTCredentialsWrapper(session.get_credentials())
client = create_s3_crt_client(
    "us-east-1", keys.to_crt_credentials_provider(), use_ssl=False)
serializer = BotocoreCRTRequestSerializer(
    session, {"endpoint_url": os.environ["AWS_ENDPOINT_URL"],
              "region_name": "us-east-1",
              "config": Config(s3={"addressing_style": "path"})})
with CRTTransferManager(client, serializer) as manager:
    if sys.argv[1] == "get":
        manager.download("bench", sys.argv[2], sys.argv[3]).result()
    else:
        manager.upload(sys.argv[2], "bench", sys.argv[3]).result()
