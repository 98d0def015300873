"""boto3 as a real client of lakeseg-local's Athena: what is more than a plain
SELECT.

Takes the program's path: test_athena.py PATH/lakeseg-local [test ...]
"""

import gzip
import json
import os
import time
import unittest
import uuid

import models
from common import Case, Server

OUTPUT = {"OutputLocation": "s3://results/athena/"}
STEP = 0.02


class Athena(Case):
    """A server of its own for each class; every test uses its own names. Every
    answer is what the service's model says."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.faults = models.Faults()
        cls.answers = 0
        cls.athena.meta.events.register("before-parse.athena", cls.judge)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        assert cls.answers > 0 or cls is Athena
        assert not cls.faults.list, "\n".join(cls.faults.list)

    @classmethod
    def judge(cls, operation_model, response_dict, **_):
        cls.answers += 1
        body = json.loads(response_dict["body"])
        shape = operation_model.output_shape
        if response_dict["status_code"] >= 300:
            code = body.pop("__type", None)
            errors = {e.name: e for e in operation_model.error_shapes}
            if code not in errors:
                return # common to all services
            shape = errors[code]
        models.check_json(shape, body, operation_model.name, cls.faults)

    def start(self, sql, **arguments):
        arguments.setdefault("ResultConfiguration", OUTPUT)
        arguments.setdefault("QueryExecutionContext", {"Database": "due"})
        arguments = {k: v for k, v in arguments.items() if v is not None}
        return self.athena.start_query_execution(
            QueryString=sql, **arguments)["QueryExecutionId"]

    def get(self, query):
        return self.athena.get_query_execution(
            QueryExecutionId=query)["QueryExecution"]

    def wait(self, query, *states):
        """Until it is in one of these states, by default one of the last."""
        states = states or ("SUCCEEDED", "FAILED", "CANCELLED")
        deadline = time.monotonic() + 60
        while True:
            found = self.get(query)
            if found["Status"]["State"] in states:
                return found
            self.assertLess(time.monotonic(), deadline, found)
            time.sleep(STEP)

    def run_query(self, sql, **arguments):
        found = self.wait(self.start(sql, **arguments))
        self.assertEqual(found["Status"]["State"], "SUCCEEDED", found)
        return found

    def failed(self, sql, kind, words, **arguments):
        found = self.wait(self.start(sql, **arguments))
        status = found["Status"]
        self.assertEqual(status["State"], "FAILED", found)
        self.assertEqual((status["AthenaError"]["ErrorType"],
                          status["AthenaError"]["ErrorCategory"]), (kind, 2))
        self.assertIn(words, status["StateChangeReason"])
        return found

    def object(self, uri):
        bucket, _, key = uri[5:].partition("/")
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, bucket, prefix):
        return [o["Key"] for o in self.s3.list_objects_v2(
            Bucket=bucket, Prefix=prefix).get("Contents", [])]

    def rows(self, query, **arguments):
        page = self.athena.get_query_results(QueryExecutionId=query,
                                             **arguments)
        return [[d.get("VarCharValue") for d in r["Data"]]
                for r in page["ResultSet"]["Rows"]]


class Unload(Athena):
    def unload(self, sql, to, **properties):
        properties.setdefault("format", "'JSON'")
        return "UNLOAD (%s) TO 's3://%s' WITH (%s)" % (sql, to, ", ".join(
            "%s = %s" % pair for pair in properties.items()))

    def parts(self, found):
        """The texts of the parts, by their URIs, in the manifest's order."""
        uris = self.object(found["Statistics"]["DataManifestLocation"])
        return {uri: gzip.decompress(self.object(uri)).decode()
                for uri in uris.decode().splitlines()}

    def lines(self, found):
        return sorted(line for text in self.parts(found).values()
                      for line in text.splitlines())

    def test_json(self):
        found = self.run_query(self.unload(
            "SELECT id AS Id, n, note FROM people", "results/u1/"))
        query = found["QueryExecutionId"]
        self.assertEqual((found["StatementType"], found["SubstatementType"]),
                         ("DML", "UNLOAD"))
        self.assertEqual(
            found["ResultConfiguration"]["OutputLocation"],
            "s3://results/athena/" + query)
        self.assertEqual(
            found["Statistics"]["DataManifestLocation"],
            "s3://results/athena/%s-manifest.csv" % query)
        self.assertEqual(self.lines(found), [
            '{"id":"p1","n":1,"note":"a \\"q\\", b"}',
            '{"id":"p2","note":""}', '{"id":"p3","n":3}'])
        uris = list(self.parts(found))
        self.assertEqual(len(uris), 3) # one row each
        self.assertEqual(sorted(uris), sorted(
            "s3://results/" + key for key in self.keys("results", "u1/")))
        for uri in uris:
            self.assertRegex(uri, r"^s3://results/u1/\d{8}_\d{6}_\d{5}_\w{5}_"
                                  r"[0-9a-f-]{36}\.gz$")
        self.assertEqual(sorted(self.rows(
            query, QueryResultType="DATA_MANIFEST")),
            sorted([uri] for uri in uris))
        self.assertEqual(self.rows(query), [])
        self.assertEqual(self.athena.get_query_results(
            QueryExecutionId=query)["UpdateCount"], 3)

    def test_json_values(self):
        found = self.run_query(self.unload(
            "SELECT true AS a, CAST(-5 AS BIGINT) AS b, 1.50 AS c, "
            "CAST('NaN' AS DOUBLE) AS d, 1e10 AS e, DATE '2026-01-02' AS f, "
            "TIMESTAMP '2026-01-02 03:04:05' AS g, ARRAY[1, NULL] AS h, "
            "MAP(ARRAY['k'], ARRAY[CAST(NULL AS VARCHAR)]) AS i, "
            "CAST(ROW(1, 'x') AS ROW(p INTEGER, q VARCHAR)) AS j, "
            "encode('hi') AS k, '\U0001f600' || chr(10) AS l",
            "results/u2/"))
        (line,) = self.lines(found)
        self.assertEqual(json.loads(line), {
            "a": True, "b": -5, "c": 1.5, "d": "NaN", "e": 1e10,
            "f": "2026-01-02", "g": "2026-01-02 03:04:05.000",
            "h": [1, None], "i": {"k": None}, "j": {"p": 1, "q": "x"},
            "k": "aGk=", "l": "\U0001f600\n"})
        self.assertIn('"c":1.50,', line)

    def test_nulls_on_demand(self):
        self.server.admin("athena", {"unload_nulls": True})
        try:
            found = self.run_query(self.unload(
                "SELECT id, n FROM people WHERE n IS NULL", "results/u3/"))
        finally:
            self.server.admin("athena", {"unload_nulls": False})
        self.assertEqual(self.lines(found), ['{"id":"p2","n":null}'])

    def test_many_parts(self):
        self.server.admin("athena", {"unload_parts": 7})
        try:
            found = self.run_query(self.unload(
                "SELECT i FROM range(5000) t(i)", "results/u4"))
        finally:
            self.server.admin("athena", {"unload_parts": 3})
        parts = self.parts(found)
        self.assertEqual(len(parts), 7)
        self.assertEqual(sorted(json.loads(line)["i"]
                                for line in self.lines(found)),
                         list(range(5000)))
        self.assertEqual(
            sum(len(self.rows(found["QueryExecutionId"],
                              QueryResultType="DATA_MANIFEST", MaxResults=3,
                              **({"NextToken": token} if token else {})))
                for token in (None, "3", "6")), 7)

    def test_no_rows(self):
        found = self.run_query(self.unload("SELECT 1 AS a WHERE false",
                                           "results/u5/"))
        self.assertEqual(self.parts(found), {})
        self.assertEqual(self.keys("results", "u5/"), [])

    def test_text(self):
        found = self.run_query(self.unload(
            "SELECT id, n, note FROM people", "results/u6/",
            format="'TEXTFILE'"))
        self.assertEqual(self.lines(found), [
            'p1\x011\x01a "q", b', "p2\x01\\N\x01", "p3\x013\x01\\N"])
        found = self.run_query(self.unload(
            "SELECT id, n FROM people", "results/u7/", format="'TEXTFILE'",
            field_delimiter="','"))
        self.assertEqual(self.lines(found), ["p1,1", "p2,\\N", "p3,3"])

    def test_parquet(self):
        found = self.run_query(self.unload(
            "SELECT id AS Id, n FROM people -- x\n", "results/u8/",
            format="'PARQUET'"))
        (uri,) = self.object(found["Statistics"]["DataManifestLocation"]
                             ).decode().splitlines()
        body = self.object(uri)
        self.assertEqual((body[:4], body[-4:]), (b"PAR1", b"PAR1"))
        folder = os.path.join(self.server.lake, "copied")
        os.mkdir(folder)
        with open(os.path.join(folder, "a.parquet"), "wb") as file:
            file.write(body)
        query = self.run_query("SELECT * FROM copied ORDER BY id")
        self.assertEqual(self.rows(query["QueryExecutionId"]), [
            ["Id", "n"], ["p1", "1"], ["p2", None], ["p3", "3"]])
        self.assertEqual(os.listdir(os.path.join(self.server.dir, "state",
                                                 "tmp")), [])

    def test_partitions(self):
        found = self.run_query(self.unload(
            "SELECT id, CASE WHEN n = 1 THEN 'a/b' END AS k, 7 AS m "
            "FROM people", "results/u9/", partitioned_by="ARRAY['k', 'm']"))
        folders = {}
        for uri, text in self.parts(found).items():
            folder = uri[len("s3://results/u9/"):].rpartition("/")[0]
            folders.setdefault(folder, []).extend(text.splitlines())
        self.assertEqual(
            {k: sorted(v) for k, v in folders.items()},
            {"k=a%2Fb/m=7": ['{"id":"p1"}'],
             "k=__HIVE_DEFAULT_PARTITION__/m=7":
             ['{"id":"p2"}', '{"id":"p3"}']})
        self.failed(self.unload("SELECT i % 101 AS i, i AS k FROM "
                                "range(1000) t(i)", "results/u10/",
                                partitioned_by="ARRAY['k']"), 1000,
                    "HIVE_TOO_MANY_OPEN_PARTITIONS")
        self.failed(self.unload("SELECT 1 AS k, 2 AS i", "results/u10/",
                                partitioned_by="ARRAY['k']"), 1006,
                    "HIVE_COLUMN_ORDER_MISMATCH")

    def test_refusals(self):
        self.s3.put_object(Bucket="results", Key="used/x", Body=b"")
        for sql, kind, words in (
                (self.unload("SELECT 1 AS a", "results/used"), 1000,
                 "HIVE_PATH_ALREADY_EXISTS"),
                (self.unload("SELECT 1 AS a", "nowhere/x/"), 1306,
                 "bucket does not exist"),
                (self.unload("SELECT 1 AS a", "results/n/", header="'yes'"),
                 1103, "does not exist"),
                (self.unload("SELECT 1 AS a", "results/n/", format="'CSV'"),
                 1103, "format"),
                (self.unload("SELECT 1 AS a", "results/n/", format="'ORC'"),
                 1006, "NOT_SUPPORTED"),
                (self.unload("SELECT 1 + 1", "results/n/"), 1006,
                 "Column name not specified at position 1"),
                (self.unload("SELECT 1 AS a, 2 AS \"A\"", "results/n/"), 1006,
                 "Column name 'a' specified more than once"),
                (self.unload("SELECT now() AS a", "results/n/"), 1006,
                 "Unsupported Hive type: timestamp(3) with time zone"),
                (self.unload("SELECT x FROM people", "results/n/"), 1006,
                 "COLUMN_NOT_FOUND"),
                (self.unload("DROP VIEW people", "results/n/"), 1006, ""),
                (self.unload("SELECT 1 AS a", "results/n/") + ";", 1006,
                 "mismatched input ';'")):
            with self.subTest(sql=sql):
                self.failed(sql, kind, words)
        self.assertEqual(self.keys("results", "n/"), [])

    def test_empty_destination_is_a_folder(self):
        self.s3.put_object(Bucket="results", Key="beside1/x", Body=b"")
        self.run_query(self.unload("SELECT 1 AS a", "results/beside"))

    def test_wrapped_with_comment_and_parameters(self):
        found = self.run_query(self.unload(
            "SELECT * FROM (\nWITH a AS (SELECT id FROM people) SELECT id, ? "
            "FROM a WHERE id = ? -- the end?\n) AS t(c0, c1)", "results/u11/"),
            ExecutionParameters=["'it''s'", "'p1'"])
        self.assertEqual(self.lines(found), ['{"c0":"p1","c1":"it\'s"}'])
        self.assertEqual(found["ExecutionParameters"], ["'it''s'", "'p1'"])

    def test_encryption(self):
        found = self.run_query(
            self.unload("SELECT 1 AS a", "results/u12/"),
            ResultConfiguration={**OUTPUT, "EncryptionConfiguration": {
                "EncryptionOption": "SSE_KMS", "KmsKey": "arn:k"}})
        for key in self.keys("results", "u12/") + [
                found["Statistics"]["DataManifestLocation"][13:]]:
            head = self.s3.head_object(Bucket="results", Key=key)
            self.assertEqual((head["ServerSideEncryption"],
                              head["SSEKMSKeyId"]), ("aws:kms", "arn:k"))


class Explain(Athena):
    def test_valid(self):
        found = self.run_query("EXPLAIN (TYPE VALIDATE) SELECT id FROM people")
        query = found["QueryExecutionId"]
        self.assertEqual((found["StatementType"], found["SubstatementType"]),
                         ("UTILITY", "EXPLAIN"))
        self.assertEqual(found["Statistics"]["DataScannedInBytes"], 0)
        uri = found["ResultConfiguration"]["OutputLocation"]
        self.assertEqual(uri, "s3://results/athena/%s.txt" % query)
        self.assertEqual(self.object(uri), b"true\n")
        self.object(uri + ".metadata")
        page = self.athena.get_query_results(QueryExecutionId=query)
        self.assertEqual(page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
                         [0]["Name"], "Valid")
        self.assertEqual(self.rows(query), [["true"]])

    def test_invalid(self):
        for sql, kind, words in (
                ("SELECT id FROM nobody", 1110,
                 "TABLE_NOT_FOUND: line 1:40: Table "
                 "'awsdatacatalog.due.nobody' does not exist"),
                ("SELECT x\nFROM people", 1006, "COLUMN_NOT_FOUND"),
                ("SELECT nofunc(1)", 1006, "FUNCTION_NOT_FOUND"),
                ("SELEC 1", 1006, "SYNTAX_ERROR"),
                ("DROP TABLE people", 1006, "NOT_SUPPORTED")):
            with self.subTest(sql=sql):
                self.failed("EXPLAIN (TYPE VALIDATE) " + sql, kind, words)

    def test_other_forms(self):
        self.failed("EXPLAIN SELECT 1", 1006, "TYPE VALIDATE")
        self.assertEqual(self.wait(self.start("CREATE TABLE x (a int)"))
                         ["StatementType"], "DDL")


class Start(Athena):
    """Every field of StartQueryExecution and what GetQueryExecution says."""

    def test_echo(self):
        found = self.run_query(
            "SELECT ? AS a", ExecutionParameters=["(-5)"],
            QueryExecutionContext={"Database": "due",
                                   "Catalog": "AwsDataCatalog"},
            ResultConfiguration={
                **OUTPUT, "ExpectedBucketOwner": "123456789012",
                "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
                "AclConfiguration": {
                    "S3AclOption": "BUCKET_OWNER_FULL_CONTROL"}},
            ResultReuseConfiguration={"ResultReuseByAgeConfiguration": {
                "Enabled": False, "MaxAgeInMinutes": 5}}, WorkGroup="primary")
        uri = found["ResultConfiguration"].pop("OutputLocation")
        self.assertEqual(self.object(uri), b'"a"\n"-5"\n')
        self.assertEqual(
            self.s3.head_object(Bucket="results", Key=uri[13:])
            ["ServerSideEncryption"], "AES256")
        statistics = found.pop("Statistics")
        status = found.pop("Status")
        self.assertEqual(found, {
            "QueryExecutionId": uri[20:56], "Query": "SELECT ? AS a",
            "StatementType": "DML", "SubstatementType": "SELECT",
            "ManagedQueryResultsConfiguration": {"Enabled": False},
            "ResultConfiguration": {
                "ExpectedBucketOwner": "123456789012",
                "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
                "AclConfiguration": {
                    "S3AclOption": "BUCKET_OWNER_FULL_CONTROL"}},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {
                "Enabled": False, "MaxAgeInMinutes": 5}},
            "QueryExecutionContext": {"Database": "due",
                                      "Catalog": "AwsDataCatalog"},
            "WorkGroup": "primary", "ExecutionParameters": ["(-5)"],
            "EngineVersion": {
                "SelectedEngineVersion": "AUTO",
                "EffectiveEngineVersion": "Athena engine version 3"}})
        self.assertEqual(set(status), {"State", "SubmissionDateTime",
                                       "CompletionDateTime"})
        self.assertLessEqual(status["SubmissionDateTime"],
                             status["CompletionDateTime"])
        self.assertEqual(
            statistics.pop("ResultReuseInformation"),
            {"ReusedPreviousResult": False})
        self.assertEqual(set(statistics), {
            "EngineExecutionTimeInMillis", "DataScannedInBytes",
            "TotalExecutionTimeInMillis", "QueryQueueTimeInMillis",
            "ServicePreProcessingTimeInMillis", "QueryPlanningTimeInMillis",
            "ServiceProcessingTimeInMillis"})

    def test_refusals(self):
        kms = {"EncryptionOption": "SSE_KMS"}
        for change, words in (
                ({"QueryString": "x" * 262145}, "'queryString'"),
                ({"ClientRequestToken": "x" * 129}, "'clientRequestToken'"),
                ({"WorkGroup": "no such"}, "'workGroup'"),
                ({"WorkGroup": "missing"}, "WorkGroup is not found"),
                ({"QueryExecutionContext": {"Database": "x" * 256}},
                 "'queryExecutionContext.database'"),
                ({"ResultConfiguration": {}}, "No output location"),
                ({"ResultConfiguration": {"OutputLocation": "file:x"}},
                 "not a valid S3 path"),
                ({"ResultConfiguration": {"OutputLocation": "s3://"}},
                 "not a valid S3 path"),
                ({"ResultConfiguration": {"OutputLocation": "s3://no/"}},
                 "Unable to verify/create output bucket no"),
                ({"ResultConfiguration": {
                    **OUTPUT, "ExpectedBucketOwner": "210987654321"}},
                 "Unable to verify/create output bucket"),
                ({"ResultConfiguration": {
                    **OUTPUT, "ExpectedBucketOwner": "12345678901x"}},
                 "'resultConfiguration.expectedBucketOwner'"),
                ({"ResultConfiguration": {
                    **OUTPUT, "EncryptionConfiguration": kms}}, "KmsKey"),
                ({"ResultConfiguration": {
                    **OUTPUT, "EncryptionConfiguration": {
                        "EncryptionOption": "ROT13"}}}, "enum value set"),
                ({"ResultConfiguration": {
                    **OUTPUT, "AclConfiguration": {"S3AclOption": "PUBLIC"}}},
                 "s3AclOption"),
                ({"ExecutionParameters": ["x" * 1025]},
                 "'executionParameters'"),
                ({"ExecutionParameters": ["1"]}, "more parameters"),
                ({"ResultReuseConfiguration": {
                    "ResultReuseByAgeConfiguration": {
                        "Enabled": True, "MaxAgeInMinutes": 10081}}},
                 "less than or equal to 10080")):
            with self.subTest(change=change):
                answer = self.refused(
                    400, "InvalidRequestException",
                    self.athena.start_query_execution,
                    **{"QueryString": "SELECT 1",
                       "ResultConfiguration": OUTPUT, **change})
                self.assertIn(words, answer["Error"]["Message"])
                self.assertEqual(answer["AthenaErrorCode"], "INVALID_INPUT")

    def test_tokens(self):
        token = uuid.uuid4().hex
        first = self.start("SELECT 1", ClientRequestToken=token)
        self.assertEqual(self.start("SELECT 1", ClientRequestToken=token),
                         first)
        for change in ({"WorkGroup": "primary"},
                       {"ResultConfiguration":
                        {"OutputLocation": "s3://results/other/"}},
                       {"QueryExecutionContext": {"Database": "other"}}):
            answer = self.refused(
                400, "InvalidRequestException", self.start, sql="SELECT 1",
                ClientRequestToken=token, **change)
            self.assertEqual(answer["Error"]["Message"],
                             "Idempotent parameters do not match")
        self.refused(400, "InvalidRequestException", self.start,
                     sql="SELECT 2", ClientRequestToken=token)
        self.assertNotEqual(
            self.start("SELECT 1", ClientRequestToken=token[::-1]), first)

    def test_parameters(self):
        found = self.run_query(
            "SELECT ? AS a, ? AS b, ? AS c, ? AS d, ? AS e, '?' AS f, "
            "\"?\" AS g FROM (SELECT 1 AS \"?\") -- ?",
            ExecutionParameters=["'it''s'", "5", "1.5", "1E+2", "null"])
        self.assertEqual(self.rows(found["QueryExecutionId"])[1],
                         ["it's", "5", "1.5", "100.0", None, "?", "1"])
        self.failed("SELECT ? AS a, ? AS b", 1006, "number of parameters",
                    ExecutionParameters=["1"])

    def test_reuse(self):
        def again(minutes, sql="SELECT 'reuse', count(*) FROM people",
                  **arguments):
            return self.run_query(
                sql, ResultReuseConfiguration={
                    "ResultReuseByAgeConfiguration": {
                        "Enabled": True, "MaxAgeInMinutes": minutes}},
                **arguments)

        def reused(found):
            return found["Statistics"]["ResultReuseInformation"][
                "ReusedPreviousResult"]
        first = again(60)
        self.assertFalse(reused(first))
        self.assertGreater(first["Statistics"]["DataScannedInBytes"], 0)
        second = again(60)
        self.assertTrue(reused(second))
        self.assertEqual(second["Statistics"]["DataScannedInBytes"], 0)
        self.assertEqual(second["ResultConfiguration"],
                         first["ResultConfiguration"])
        self.assertNotEqual(second["QueryExecutionId"],
                            first["QueryExecutionId"])
        self.assertEqual(self.rows(second["QueryExecutionId"]),
                         self.rows(first["QueryExecutionId"]))
        self.assertTrue(reused(again(60)))
        self.server.admin("workgroups", {"Name": "elsewhere"})
        for change in ({"sql": "SELECT 'reuse',  count(*) FROM people"},
                       {"WorkGroup": "elsewhere"},
                       {"QueryExecutionContext": {"Database": "other"}},
                       {"ResultConfiguration": {
                           "OutputLocation": "s3://results/b/"}}):
            self.assertFalse(reused(again(60, **change)), change)
        key = first["ResultConfiguration"]["OutputLocation"][13:]
        self.s3.delete_object(Bucket="results", Key=key)
        for found in self.athena.list_query_executions()["QueryExecutionIds"]:
            place = self.get(found)["ResultConfiguration"]["OutputLocation"]
            if place.endswith(".csv"):
                self.s3.delete_object(Bucket="results", Key=place[13:])
        self.assertFalse(reused(again(60)))

    def test_unsent_token(self):
        """Other clients must send it; boto3 always does."""
        event = "before-call.athena.StartQueryExecution"

        def drop(params, **_):
            body = json.loads(params["body"])
            del body["ClientRequestToken"]
            params["body"] = json.dumps(body).encode()
        self.athena.meta.events.register(event, drop)
        try:
            self.refused(400, "InvalidRequestException", self.start,
                         sql="SELECT 1")
        finally:
            self.athena.meta.events.unregister(event, drop)

    def test_wrong_types(self):
        event = "before-call.athena.StartQueryExecution"

        def spoil(params, **_):
            params["body"] = params["body"].replace(b'"SELECT 1"', b"1")
        self.athena.meta.events.register(event, spoil)
        try:
            self.refused(400, "SerializationException", self.start,
                         sql="SELECT 1")
        finally:
            self.athena.meta.events.unregister(event, spoil)


class Lists(Athena):
    def test_batch_and_list(self):
        ids = [self.start("SELECT %d" % i) for i in range(3)]
        batch = self.athena.batch_get_query_execution(
            QueryExecutionIds=[ids[1], "nobody", ids[0]])
        self.assertEqual([q["QueryExecutionId"] for q in
                          batch["QueryExecutions"]], [ids[1], ids[0]])
        self.assertEqual([q["QueryExecutionId"] for q in
                          batch["UnprocessedQueryExecutionIds"]], ["nobody"])
        pages = self.athena.get_paginator("list_query_executions").paginate(
            PaginationConfig={"PageSize": 2})
        self.assertEqual([i for p in pages for i in p["QueryExecutionIds"]],
                         ids[::-1])
        self.refused(400, "InvalidRequestException",
                     self.athena.list_query_executions, MaxResults=51)

    def test_unknown_ids(self):
        for call in (self.athena.get_query_execution,
                     self.athena.stop_query_execution,
                     self.athena.get_query_results):
            answer = self.refused(400, "InvalidRequestException", call,
                                  QueryExecutionId="nobody")
            self.assertIn("nobody" if call != self.athena.get_query_results
                          else "not found", answer["Error"]["Message"])


class Results(Athena):
    def test_columns(self):
        found = self.run_query(
            "SELECT 'a' AS v, CAST(1 AS BIGINT) AS b, 1 AS i, 1e0 AS d, "
            "CAST(1 AS DECIMAL(10,2)) AS n, true AS t, "
            "TIMESTAMP '2026-01-02 03:04:05' AS s, ARRAY[1] AS l")
        info = self.athena.get_query_results(
            QueryExecutionId=found["QueryExecutionId"])["ResultSet"][
                "ResultSetMetadata"]["ColumnInfo"]
        self.assertEqual(
            [(c["Name"], c["Type"], c["Precision"], c["Scale"],
              c["CaseSensitive"]) for c in info],
            [("v", "varchar", 2147483647, 0, True),
             ("b", "bigint", 19, 0, False), ("i", "integer", 10, 0, False),
             ("d", "double", 17, 0, False), ("n", "decimal", 10, 2, False),
             ("t", "boolean", 0, 0, False),
             ("s", "timestamp", 3, 0, False), ("l", "array", 0, 0, False)])
        for c in info:
            self.assertEqual((c["CatalogName"], c["Nullable"], c["Label"]),
                             ("hive", "UNKNOWN", c["Name"]))

    def test_every_page_size(self):
        query = self.run_query(
            "SELECT i AS id, CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE "
            "'a\n\"b\",' END AS v FROM range(20) t(i) ORDER BY i")[
                "QueryExecutionId"]
        whole = self.rows(query)
        self.assertEqual(len(whole), 21)
        self.assertEqual(whole[:4], [["id", "v"], ["0", None], ["1", ""],
                                     ["2", 'a\n"b",']])
        for size in range(1, 23):
            pages = self.athena.get_paginator("get_query_results").paginate(
                QueryExecutionId=query, PaginationConfig={"PageSize": size})
            self.assertEqual([[d.get("VarCharValue") for d in r["Data"]]
                              for p in pages
                              for r in p["ResultSet"]["Rows"]], whole)

    def test_refusals(self):
        query = self.run_query("SELECT 1")["QueryExecutionId"]
        for change in ({"MaxResults": 1001}, {"NextToken": "x"},
                       {"QueryResultType": "DATA_MANIFEST"},
                       {"QueryResultType": "DATA_LAKE"}):
            self.refused(400, "InvalidRequestException",
                         self.athena.get_query_results,
                         QueryExecutionId=query, **change)
        self.s3.delete_object(Bucket="results",
                              Key="athena/%s.csv" % query)
        answer = self.refused(400, "InvalidRequestException",
                              self.athena.get_query_results,
                              QueryExecutionId=query)
        self.assertEqual(answer["Error"]["Message"], "Could not find results")


class Lake(Athena):
    """What a CSV file's columns are taken for."""

    def table(self, name, text, schema=None):
        folder = os.path.join(self.server.lake, name)
        os.mkdir(folder)
        with open(os.path.join(folder, "a.csv"), "w",
                  encoding="utf-8") as file:
            file.write(text)
        if schema is not None:
            with open(os.path.join(folder, "_schema.json"), "w",
                      encoding="utf-8") as file:
                json.dump(schema, file)

    def all(self, name):
        query = self.run_query("SELECT * FROM " + name)["QueryExecutionId"]
        page = self.athena.get_query_results(QueryExecutionId=query)
        types = [c["Type"] for c in page["ResultSet"]["ResultSetMetadata"][
            "ColumnInfo"]]
        return types, self.rows(query)[1:]

    def test_what_looks_like_a_number(self):
        self.table("phones", "phone\n+4915112345678\n+4915112345679\n")
        self.assertEqual(self.all("phones"), (["varchar"], [
            ["+4915112345678"], ["+4915112345679"]]))
        self.table("codes", "zip,n,d,f,z\n01067,1,2026-01-02,0.5,0\n"
                            "99999,-2,2026-01-03,-0.25,\n")
        self.assertEqual(self.all("codes"), (
            ["varchar", "bigint", "date", "double", "bigint"],
            [["01067", "1", "2026-01-02", "0.5", "0"],
             ["99999", "-2", "2026-01-03", "-0.25", None]]))

    def test_schema(self):
        text = "a,b\n1,2\n3,4\n"
        self.table("plain", text)
        self.assertEqual(self.all("plain")[0], ["bigint", "bigint"])
        self.table("told", text, {"a": "VARCHAR", "b": "DOUBLE"})
        self.assertEqual(self.all("told"), (
            ["varchar", "double"], [["1", "2.0"], ["3", "4.0"]]))
        self.table("insisted", "p\n+49\n", {"p": "BIGINT"})
        self.assertEqual(self.all("insisted"), (["bigint"], [["49"]]))
        self.table("broken", text, ["a"])
        self.assertEqual(self.all("broken")[0], ["bigint", "bigint"])


class WorkGroups(Athena):
    options = Case.options + (
        "--workgroup", "placed,output=s3://results/placed/;off,disabled;"
        "insists,output=s3://results/insists/,enforce;managed,managed")

    def test_life(self):
        self.athena.create_work_group(
            Name="life", Description="one", Configuration={
                "BytesScannedCutoffPerQuery": 10000000})
        group = self.athena.get_work_group(WorkGroup="life")["WorkGroup"]
        self.assertEqual(
            (group["Name"], group["State"], group["Description"],
             group["Configuration"]["BytesScannedCutoffPerQuery"],
             group["Configuration"]["EnforceWorkGroupConfiguration"]),
            ("life", "ENABLED", "one", 10000000, True))
        answer = self.refused(400, "InvalidRequestException",
                              self.athena.create_work_group, Name="life")
        self.assertIn("already created", answer["Error"]["Message"])
        self.athena.update_work_group(
            WorkGroup="life", State="DISABLED", Description="two",
            ConfigurationUpdates={
                "EnforceWorkGroupConfiguration": False,
                "RemoveBytesScannedCutoffPerQuery": True,
                "ResultConfigurationUpdates": {
                    "OutputLocation": "s3://results/life/",
                    "EncryptionConfiguration": {
                        "EncryptionOption": "SSE_S3"}}})
        group = self.athena.get_work_group(WorkGroup="life")["WorkGroup"]
        self.assertEqual((group["State"], group["Description"]),
                         ("DISABLED", "two"))
        conf = group["Configuration"]
        self.assertNotIn("BytesScannedCutoffPerQuery", conf)
        self.assertEqual(conf["ResultConfiguration"], {
            "OutputLocation": "s3://results/life/",
            "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}})
        self.athena.update_work_group(
            WorkGroup="life", State="ENABLED", ConfigurationUpdates={
                "ResultConfigurationUpdates": {
                    "RemoveOutputLocation": True,
                    "RemoveEncryptionConfiguration": True}})
        conf = self.athena.get_work_group(WorkGroup="life")["WorkGroup"][
            "Configuration"]
        self.assertEqual(conf["ResultConfiguration"], {})
        query = self.start("SELECT 1", WorkGroup="life")
        answer = self.refused(400, "InvalidRequestException",
                              self.athena.delete_work_group, WorkGroup="life")
        self.assertIn("not empty", answer["Error"]["Message"])
        self.athena.delete_work_group(WorkGroup="life",
                                      RecursiveDeleteOption=True)
        for call, arguments in (
                (self.athena.get_work_group, {"WorkGroup": "life"}),
                (self.athena.update_work_group, {"WorkGroup": "life"}),
                (self.athena.delete_work_group, {"WorkGroup": "life"}),
                (self.athena.delete_work_group, {"WorkGroup": "primary"}),
                (self.athena.get_query_execution,
                 {"QueryExecutionId": query})):
            self.refused(400, "InvalidRequestException", call, **arguments)

    def test_list(self):
        names = [g["Name"] for g in
                 self.athena.list_work_groups()["WorkGroups"]]
        self.assertTrue({"primary", "placed", "off", "insists",
                         "managed"} <= set(names), names)
        found, token = [], {}
        while token is not None:
            page = self.athena.list_work_groups(MaxResults=2, **token)
            self.assertLessEqual(len(page["WorkGroups"]), 2)
            found += [g["Name"] for g in page["WorkGroups"]]
            token = {"NextToken": page["NextToken"]} \
                if "NextToken" in page else None
        self.assertEqual(found, names)

    def test_refused_settings(self):
        for configuration in (
                {"BytesScannedCutoffPerQuery": 9999999},
                {"ResultConfiguration": {"OutputLocation": "x"}},
                {"ResultConfiguration": {"ExpectedBucketOwner":
                                         "12345678901x"}},
                {"ResultConfiguration": OUTPUT,
                 "ManagedQueryResultsConfiguration": {"Enabled": True}}):
            # boto3 knows some of the bounds itself
            client = self.server.client("athena", parameter_validation=False)
            self.refused(400, "InvalidRequestException",
                         client.create_work_group, Name="never",
                         Configuration=configuration)
        self.refused(400, "InvalidRequestException",
                     self.athena.create_work_group, Name="a b")
        self.refused(400, "InvalidRequestException",
                     self.athena.get_work_group, WorkGroup="never")

    def test_places(self):
        for group, own, want in (
                ("placed", None, "placed"), ("placed", OUTPUT, "athena"),
                ("insists", None, "insists"), ("insists", OUTPUT, "insists")):
            found = self.run_query("SELECT 1", WorkGroup=group,
                                   ResultConfiguration=own)
            uri = found["ResultConfiguration"]["OutputLocation"]
            self.assertEqual(uri, "s3://results/%s/%s.csv" % (
                want, found["QueryExecutionId"]))
            self.object(uri)

    def test_enforced_encryption(self):
        self.server.admin("workgroups", {"Name": "enc", "Configuration": {
            "EnforceWorkGroupConfiguration": True, "ResultConfiguration": {
                **OUTPUT, "EncryptionConfiguration": {
                    "EncryptionOption": "SSE_S3"}}}})
        found = self.run_query("SELECT 1", WorkGroup="enc",
                               ResultConfiguration={
                                   "ExpectedBucketOwner": "999999999999"})
        self.assertEqual(found["ResultConfiguration"], {
            "OutputLocation": "s3://results/athena/%s.csv" %
            found["QueryExecutionId"],
            "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}})

    def test_disabled(self):
        answer = self.refused(400, "InvalidRequestException", self.start,
                              sql="SELECT 1", WorkGroup="off")
        self.assertIn("disabled", answer["Error"]["Message"])

    def test_managed(self):
        answer = self.refused(400, "InvalidRequestException", self.start,
                              sql="SELECT 1", WorkGroup="managed")
        self.assertIn("OutputLocation must not be set",
                      answer["Error"]["Message"])
        before = self.keys("results", "")
        found = self.run_query("SELECT id, n FROM people ORDER BY id",
                               WorkGroup="managed", ResultConfiguration=None)
        self.assertEqual(found["ManagedQueryResultsConfiguration"],
                         {"Enabled": True})
        self.assertNotIn("ResultConfiguration", found)
        self.assertEqual(self.rows(found["QueryExecutionId"]), [
            ["id", "n"], ["p1", "1"], ["p2", None], ["p3", "3"]])
        self.assertEqual(self.keys("results", ""), before)
        found = self.run_query(
            "UNLOAD (SELECT id FROM people) TO 's3://results/m/' WITH "
            "(format='JSON')", WorkGroup="managed", ResultConfiguration=None)
        self.assertNotIn("DataManifestLocation", found["Statistics"])
        self.assertEqual(
            sorted(self.rows(found["QueryExecutionId"],
                             QueryResultType="DATA_MANIFEST")),
            [["s3://results/" + key] for key in self.keys("results", "m/")])
        found = self.run_query("EXPLAIN (TYPE VALIDATE) SELECT 1",
                               WorkGroup="managed", ResultConfiguration=None)
        self.assertEqual(self.rows(found["QueryExecutionId"]), [["true"]])

    def test_cutoff(self):
        size = os.path.getsize(os.path.join(self.server.lake, "people",
                                            "a.csv"))
        for cutoff, state in ((size, "SUCCEEDED"), (size - 1, "CANCELLED")):
            self.server.admin("workgroups", {
                "Name": "capped", "Configuration": {
                    "BytesScannedCutoffPerQuery": cutoff}})
            found = self.wait(self.start("SELECT * FROM people",
                                         WorkGroup="capped"))
            self.assertEqual(found["Status"]["State"], state)
            if state == "CANCELLED":
                self.assertEqual(found["Status"]["StateChangeReason"],
                                 "Bytes scanned limit was exceeded")
                self.assertNotIn("AthenaError", found["Status"])
            self.assertEqual(found["Statistics"]["DataScannedInBytes"], size)
        self.refused(400, "InvalidRequestException",
                     self.athena.get_query_results,
                     QueryExecutionId=found["QueryExecutionId"])


class OnDemand(Athena):
    """Slow and failing queries, as a test wants them."""

    def setUp(self):
        self.server.admin("queries", method="DELETE")

    def rule(self, **rule):
        self.server.admin("queries", rule)

    def test_failure_once(self):
        self.rule(match="/*once*/", state="FAILED", category=1, type=1402,
                  retryable=True, message="try again")
        found = self.wait(self.start("/*once*/ SELECT 1"))
        self.assertEqual(found["Status"]["AthenaError"], {
            "ErrorCategory": 1, "ErrorType": 1402, "Retryable": True,
            "ErrorMessage": "try again"})
        self.assertEqual(found["Status"]["StateChangeReason"], "try again")
        self.run_query("/*once*/ SELECT 1")

    def test_cancelled(self):
        self.rule(state="CANCELLED", message="no reason", count=2, skip=1)
        self.run_query("SELECT 1")
        for _ in range(2):
            found = self.wait(self.start("SELECT 1"))
            self.assertEqual((found["Status"]["State"],
                              found["Status"]["StateChangeReason"]),
                             ("CANCELLED", "no reason"))
        self.run_query("SELECT 1")

    def test_states_in_their_order(self):
        self.rule(queued_ms=400, running_ms=800, requeued_ms=400)
        query = self.start("SELECT 1")
        seen = []
        while not seen or seen[-1] not in ("SUCCEEDED", "FAILED"):
            found = self.get(query)
            state = found["Status"]["State"]
            if not seen or seen[-1] != state:
                seen.append(state)
            time.sleep(STEP)
        # a loaded machine may miss some, but sees none in another order
        order = iter(["QUEUED", "RUNNING", "QUEUED", "RUNNING", "SUCCEEDED"])
        self.assertTrue(all(state in order for state in seen), seen)
        self.assertGreaterEqual(
            found["Statistics"]["QueryQueueTimeInMillis"], 800)
        self.assertGreaterEqual(
            found["Statistics"]["EngineExecutionTimeInMillis"], 1200)

    def test_stop_in_every_state(self):
        for rule, state in (({"queued_ms": 60000}, "QUEUED"),
                            ({"running_ms": 60000}, "RUNNING")):
            self.rule(**rule)
            query = self.start("SELECT 1")
            self.wait(query, state)
            self.athena.stop_query_execution(QueryExecutionId=query)
            found = self.get(query)
            self.assertEqual((found["Status"]["State"],
                              found["Status"]["StateChangeReason"]),
                             ("CANCELLED", "Query cancelled by user"))
            self.athena.stop_query_execution(QueryExecutionId=query)
        done = self.run_query("SELECT 1")["QueryExecutionId"]
        self.athena.stop_query_execution(QueryExecutionId=done)
        self.assertEqual(self.get(done)["Status"]["State"], "SUCCEEDED")

    def test_results_before_the_end(self):
        self.rule(running_ms=60000)
        query = self.start("SELECT 1")
        self.wait(query, "RUNNING")
        answer = self.refused(400, "InvalidRequestException",
                              self.athena.get_query_results,
                              QueryExecutionId=query)
        self.assertIn("Current state: RUNNING", answer["Error"]["Message"])
        self.athena.stop_query_execution(QueryExecutionId=query)

    def test_scanned_bytes_grow(self):
        size = os.path.getsize(os.path.join(self.server.lake, "people",
                                            "a.csv"))
        self.rule(running_ms=60000)
        query = self.start("SELECT * FROM people")
        self.wait(query, "RUNNING")
        seen = []
        deadline = time.monotonic() + 60
        while len(set(seen)) < 2 and time.monotonic() < deadline:
            seen.append(self.get(query)["Statistics"]["DataScannedInBytes"])
            time.sleep(STEP)
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(len(set(seen)), 1)
        self.assertLess(seen[0], size)
        self.athena.stop_query_execution(QueryExecutionId=query)
        self.assertLess(self.get(query)["Statistics"]["DataScannedInBytes"],
                        size)

    def test_too_many_queries(self):
        self.server.admin("athena", {"max_active": 2})
        try:
            self.rule(running_ms=60000, count=2)
            queries = [self.start("SELECT 1") for _ in range(2)]
            answer = self.refused(400, "TooManyRequestsException", self.start,
                                  sql="SELECT 1")
            self.assertEqual(answer["Reason"],
                             "CONCURRENT_QUERY_LIMIT_EXCEEDED")
            for query in queries:
                self.athena.stop_query_execution(QueryExecutionId=query)
            self.run_query("SELECT 1")
        finally:
            self.server.admin("athena", {"max_active": 200})

    def test_throttling(self):
        self.server.admin("faults", {
            "rule": "athena.StartQueryExecution=error:400:ThrottlingException"})
        answer = self.refused(400, "ThrottlingException", self.start,
                              sql="SELECT 1")
        self.assertEqual(answer["Error"]["Message"], "Rate exceeded")
        self.run_query("SELECT 1")

    def test_rules_that_are_none(self):
        for path, rule in (("queries", {"nothing": 1}), ("queries", []),
                           ("queries", {"state": "SUCCEEDED"}),
                           ("queries", {"type": 10000}),
                           ("queries", {"retryable": 1}),
                           ("athena", {"max_active": 0}),
                           ("workgroups", {"State": "ENABLED"})):
            with self.assertRaises(OSError, msg=rule):
                self.server.admin(path, rule)


class CommandLine(unittest.TestCase):
    def test_wrong_workgroups(self):
        for text in ("a,what", "a,cutoff=x", "a,cutoff=0", ",managed",
                     "a,managed,output=s3://results/", "a,output=x"):
            with self.assertRaises(RuntimeError, msg=text):
                Server("--workgroup", text)


if __name__ == "__main__":
    unittest.main()
