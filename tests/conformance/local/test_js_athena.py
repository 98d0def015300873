"""The JavaScript SDK as a second client of lakeseg-local's Athena: every
operation and every kind of error, through tests/js/client.mjs.

Takes the program's path: test_js_athena.py PATH/lakeseg-local [test ...]
"""

import time
import unittest

from javascript import missing
from js_client import JavaScriptCase

WHY_NOT = missing("@aws-sdk/client-athena")
OUTPUT = {"OutputLocation": "s3://results/js/"}


@unittest.skipIf(WHY_NOT, WHY_NOT)
class JavaScript(JavaScriptCase):
    service = "athena"

    def good(self, name, **arguments):
        result = self.call(name, **arguments)
        self.assertEqual(result.get("status"), 200, result)
        return result["answer"]

    def bad(self, error, name, **arguments):
        result = self.call(name, **arguments)
        self.assertEqual((result["status"], result["error"]["name"]),
                         (400, error), result)
        return result

    def run_query(self, sql, **arguments):
        arguments.setdefault("ResultConfiguration", OUTPUT)
        query = self.good("StartQueryExecution", QueryString=sql,
                          **arguments)["QueryExecutionId"]
        deadline = time.monotonic() + 60
        while True:
            found = self.good("GetQueryExecution",
                              QueryExecutionId=query)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return found
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)

    def rows(self, query, **arguments):
        page = self.good("GetQueryResults", QueryExecutionId=query,
                         **arguments)
        return [[d.get("VarCharValue") for d in row["Data"]]
                for row in page["ResultSet"]["Rows"]]

    def test_select(self):
        found = self.run_query("SELECT id, n, note FROM people ORDER BY id")
        self.assertEqual(found["Status"]["State"], "SUCCEEDED", found)
        query = found["QueryExecutionId"]
        # times came as numbers and were taken for times
        self.assertRegex(found["Status"]["SubmissionDateTime"],
                         r"^\d{4}-\d\d-\d\dT.*Z$")
        self.assertFalse(found["Statistics"]["ResultReuseInformation"][
            "ReusedPreviousResult"])
        rows = self.rows(query)
        self.assertEqual(rows, [["id", "n", "note"], ["p1", "1", 'a "q", b'],
                                ["p2", None, ""], ["p3", "3", None]])
        page = self.good("GetQueryResults", QueryExecutionId=query,
                         MaxResults=3)
        self.assertEqual(self.rows(query, NextToken=page["NextToken"]),
                         rows[3:])
        self.assertEqual(
            [q["QueryExecutionId"] for q in self.good(
                "BatchGetQueryExecution", QueryExecutionIds=[query])[
                    "QueryExecutions"]], [query])
        self.assertIn(query, self.good("ListQueryExecutions")[
            "QueryExecutionIds"])
        self.good("StopQueryExecution", QueryExecutionId=query)

    def test_unload_and_explain(self):
        found = self.run_query("UNLOAD (SELECT ? AS a) TO 's3://results/u/' "
                               "WITH (format = 'JSON')",
                               ExecutionParameters=["'x'"])
        self.assertEqual(found["SubstatementType"], "UNLOAD")
        self.assertTrue(found["Statistics"]["DataManifestLocation"])
        self.assertEqual(len(self.rows(
            found["QueryExecutionId"], QueryResultType="DATA_MANIFEST")), 1)
        found = self.run_query("EXPLAIN (TYPE VALIDATE) SELECT x FROM people")
        self.assertEqual(found["Status"]["AthenaError"]["ErrorType"], 1006)

    def test_workgroups(self):
        self.good("CreateWorkGroup", Name="js", Configuration={
            "ManagedQueryResultsConfiguration": {"Enabled": True},
            "BytesScannedCutoffPerQuery": 10000000})
        group = self.good("GetWorkGroup", WorkGroup="js")["WorkGroup"]
        self.assertTrue(group["Configuration"][
            "ManagedQueryResultsConfiguration"]["Enabled"])
        self.assertRegex(group["CreationTime"], r"^\d{4}-\d\d-\d\dT.*Z$")
        found = self.run_query("SELECT 1 AS a", WorkGroup="js",
                               ResultConfiguration={})
        self.assertEqual(self.rows(found["QueryExecutionId"]),
                         [["a"], ["1"]])
        self.good("UpdateWorkGroup", WorkGroup="js", State="DISABLED")
        self.bad("InvalidRequestException", "StartQueryExecution",
                 QueryString="SELECT 1", WorkGroup="js")
        self.assertIn("js", [g["Name"] for g in self.good("ListWorkGroups")[
            "WorkGroups"]])
        self.good("DeleteWorkGroup", WorkGroup="js",
                  RecursiveDeleteOption=True)
        self.bad("InvalidRequestException", "GetWorkGroup", WorkGroup="js")

    def test_errors(self):
        result = self.bad("InvalidRequestException", "GetQueryExecution",
                          QueryExecutionId="nobody")
        self.assertTrue(result["isModelled"])
        self.assertEqual(result["error"]["AthenaErrorCode"], "INVALID_INPUT")
        self.assertIn("nobody", result["error"]["message"])
        for name, arguments in (
                ("StartQueryExecution", {"QueryString": "",
                                         "ResultConfiguration": OUTPUT}),
                ("StartQueryExecution", {"QueryString": "SELECT 1"}),
                ("StopQueryExecution", {"QueryExecutionId": "nobody"}),
                ("GetQueryResults", {"QueryExecutionId": "nobody"}),
                ("BatchGetQueryExecution", {"QueryExecutionIds": []}),
                ("ListQueryExecutions", {"MaxResults": 51}),
                ("CreateWorkGroup", {"Name": "a b"}),
                ("CreateWorkGroup", {"Name": "primary"}),
                ("CreateWorkGroup", {"Name": "low", "Configuration": {
                    "BytesScannedCutoffPerQuery": 9999999}}),
                ("UpdateWorkGroup", {"WorkGroup": "nobody"}),
                ("DeleteWorkGroup", {"WorkGroup": "primary"}),
                ("ListWorkGroups", {"MaxResults": 51})):
            with self.subTest(name=name, arguments=arguments):
                self.bad("InvalidRequestException", name, **arguments)
        self.server.admin("athena", {"max_active": 1})
        self.server.admin("queries", {"running_ms": 60000})
        try:
            query = self.good("StartQueryExecution", QueryString="SELECT 1",
                              ResultConfiguration=OUTPUT)["QueryExecutionId"]
            result = self.bad("TooManyRequestsException",
                              "StartQueryExecution", QueryString="SELECT 1",
                              ResultConfiguration=OUTPUT)
            self.assertEqual(result["error"]["Reason"],
                             "CONCURRENT_QUERY_LIMIT_EXCEEDED")
            self.good("StopQueryExecution", QueryExecutionId=query)
        finally:
            self.server.admin("athena", {"max_active": 200})
        self.server.admin("faults", {
            "rule": "athena.GetQueryExecution=error:400:ThrottlingException"})
        result = self.bad("ThrottlingException", "GetQueryExecution",
                          QueryExecutionId=query)
        self.assertEqual(result["error"]["message"], "Rate exceeded")
        self.server.admin("faults", {
            "rule": "athena.GetQueryExecution="
                    "error:500:InternalServerException"})
        result = self.call("GetQueryExecution", QueryExecutionId=query)
        self.assertEqual((result["status"], result["error"]["name"],
                          result["isModelled"]),
                         (500, "InternalServerException", True))


if __name__ == "__main__":
    unittest.main()
