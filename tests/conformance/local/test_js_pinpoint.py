"""The JavaScript SDK as a second client of lakeseg-local's Pinpoint: every
operation and every kind of error, through tests/js/client.mjs.

Takes the program's path: test_js_pinpoint.py PATH/lakeseg-local [test ...]
"""

import gzip
import json
import time
import unittest

from javascript import missing
from js_client import JavaScriptCase

WHY_NOT = missing("@aws-sdk/client-pinpoint")
ROLE = "arn:aws:iam::123456789012:role/import"
APP = {"ApplicationId": "app1"}


@unittest.skipIf(WHY_NOT, WHY_NOT)
class JavaScript(JavaScriptCase):
    service = "pinpoint"
    options = ("--import-jobs", "2")

    def good(self, name, status=200, **arguments):
        """The answer's one member, which is the whole body."""
        result = self.call(name, **arguments)
        self.assertEqual(result.get("status"), status, result)
        (member,) = result["answer"].values()
        return member

    def bad(self, name, status, error, **arguments):
        result = self.call(name, **arguments)
        self.assertEqual((result["status"], result["error"]["name"],
                          result["isModelled"]), (status, error, True),
                         result)
        self.assertTrue(result["error"]["message"], result)

    def wait(self, name, job, **arguments):
        deadline = time.monotonic() + 60
        while job["JobStatus"] not in ("COMPLETED", "FAILED"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
            job = self.good(name, JobId=job["Id"], **arguments)
        return job

    def run_import(self, body, app, **request):
        key = "js/%d" % time.monotonic_ns()
        self.s3.put_object(Bucket="results", Key=key, Body=body.encode())
        job = self.good("CreateImportJob", 201, **app, ImportJobRequest={
            "Format": "CSV", "RoleArn": ROLE, "RegisterEndpoints": True,
            "S3Url": "s3://results/" + key, **request})
        return self.wait("GetImportJob", job, **app)

    def new_app(self):
        return {"ApplicationId": self.good(
            "CreateApp", 201, CreateApplicationRequest={"Name": "js"})["Id"]}

    def test_apps(self):
        app = self.new_app()
        self.assertEqual(self.good("GetApp", **app)["Name"], "js")
        self.assertIn(app["ApplicationId"],
                      [a["Id"] for a in self.good("GetApps")["Item"]])

    def test_import_and_segment(self):
        app = self.new_app()
        body = "Id,ChannelType,Address,User.UserId,Attributes.A\n" \
            "a,EMAIL,\u00e9@x.y,u,1\nb/c,SMS,+15,u,2\n"
        job = self.run_import(body, app, DefineSegment=True,
                              SegmentName="caf\u00e9 \"q\"")
        self.assertEqual((job["TotalProcessed"], job["TotalPieces"],
                          job["Type"]), (2, 1, "IMPORT"))
        segment = {"SegmentId": job["Definition"]["SegmentId"], **app}
        shown = self.good("GetSegment", **segment)
        self.assertEqual((shown["Name"], shown["ImportDefinition"]["Size"],
                          shown["ImportDefinition"]["ChannelCounts"]),
                         ("caf\u00e9 \"q\"", 2, {"EMAIL": 1, "SMS": 1}))
        self.run_import("Id,ChannelType,Address\nd,SMS,+16\n", app,
                        DefineSegment=True, SegmentId=segment["SegmentId"])
        self.assertEqual([v["Version"] for v in self.good(
            "GetSegmentVersions", **segment)["Item"]], [2, 1])
        self.assertEqual(self.good("GetSegmentVersion", Version="1",
                                   **segment)["ImportDefinition"]["Size"], 2)
        self.assertEqual(len(self.good("GetSegmentImportJobs",
                                       **segment)["Item"]), 2)
        first = self.good("GetImportJobs", PageSize="1", **app)
        second = self.good("GetImportJobs", PageSize="1",
                           Token=first["NextToken"], **app)
        self.assertEqual(second["Item"][0]["Id"], job["Id"])
        self.assertNotIn("NextToken", second)
        self.assertEqual(len(self.good("GetSegments", **app)["Item"]), 1)
        self.assertEqual(self.good("GetEndpoint", EndpointId="b/c",
                                   **app)["Attributes"], {"A": ["2"]})
        self.assertEqual(len(self.good("GetUserEndpoints", UserId="u",
                                       **app)["Item"]), 2)
        gone = self.good("DeleteEndpoint", 202, EndpointId="b/c", **app)
        self.assertEqual(gone["Id"], "b/c")
        self.good("DeleteSegment", **segment)
        self.bad("GetSegment", 404, "NotFoundException", **segment)

    def test_batch_and_dimensions(self):
        app = self.new_app()
        answer = self.good("UpdateEndpointsBatch", 202, **app,
                           EndpointBatchRequest={"Item": [
                               {"Id": "e", "ChannelType": "EMAIL",
                                "Address": "a@x.y", "User": {
                                    "UserId": "u", "UserAttributes": {
                                        "Has": ["Yes"]}}}]})
        self.assertEqual(answer["Message"], "Accepted")
        made = self.good("CreateSegment", 201, **app, WriteSegmentRequest={
            "Name": "d", "Dimensions": {"UserAttributes": {"Has": {
                "AttributeType": "INCLUSIVE", "Values": ["Yes"]}}}})
        changed = self.good("UpdateSegment", SegmentId=made["Id"], **app,
                            WriteSegmentRequest={"Name": "e",
                                                 "Dimensions": {}})
        self.assertEqual((changed["Name"], changed["Version"]), ("e", 2))

    def test_export(self):
        app = self.new_app()
        self.run_import("Id,ChannelType,Address,User.UserId\n"
                        "a,EMAIL,a@x.y,u1\nb,EMAIL,b@x.y,u2\n", app)
        job = self.good("CreateExportJob", 202, **app, ExportJobRequest={
            "RoleArn": ROLE, "S3UrlPrefix": "s3://results/js-export/"})
        job = self.wait("GetExportJob", job, **app)
        self.assertEqual((job["JobStatus"], job["TotalProcessed"]),
                         ("COMPLETED", 2))
        body = self.s3.get_object(Bucket="results", Key="js-export/%s.gz" %
                                  job["Id"])["Body"].read()
        self.assertEqual([json.loads(line)["User"]["UserId"] for line in
                          gzip.decompress(body).splitlines()], ["u1", "u2"])
        self.assertEqual(len(self.good("GetExportJobs", **app)["Item"]), 1)

    def test_refusals(self):
        request = {"Format": "CSV", "RoleArn": ROLE, "S3Url": "s3://b/k",
                   "RegisterEndpoints": True}
        self.bad("GetApp", 404, "NotFoundException", ApplicationId="no")
        self.bad("GetImportJob", 404, "NotFoundException", JobId="no", **APP)
        self.bad("CreateImportJob", 400, "BadRequestException", **APP,
                 ImportJobRequest={**request, "RegisterEndpoints": False})
        for status, error in ((403, "ForbiddenException"),
                              (413, "PayloadTooLargeException"),
                              (429, "TooManyRequestsException"),
                              (500, "InternalServerErrorException"),
                              (405, "MethodNotAllowedException")):
            self.server.admin("faults", {
                "rule": "pinpoint.CreateImportJob=error:%d:%s" %
                        (status, error)})
            self.bad("CreateImportJob", status, error, **APP,
                     ImportJobRequest=request)
        self.assertEqual(self.server.admin("imports/app1"), [])

    def test_no_more_than_two_jobs(self):
        app = self.new_app()
        self.s3.put_object(Bucket="results", Key="js/quota",
                           Body=b"Id,ChannelType,Address\na,EMAIL,a@x.y\n")
        self.server.admin("faults", {
            "service": "pinpoint", "operation": "ImportJob", "count": 2,
            "outcome": "PROCESSING", "delay_ms": 5000})
        request = {"Format": "CSV", "RoleArn": ROLE,
                   "S3Url": "s3://results/js/quota",
                   "RegisterEndpoints": True}
        jobs = [self.good("CreateImportJob", 201, **app,
                          ImportJobRequest=request) for _ in range(2)]
        self.bad("CreateImportJob", 429, "TooManyRequestsException", **app,
                 ImportJobRequest=request)
        for job in jobs:
            self.assertEqual(self.wait("GetImportJob", job,
                                       **app)["JobStatus"], "COMPLETED")


if __name__ == "__main__":
    unittest.main()
