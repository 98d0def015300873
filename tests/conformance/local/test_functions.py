"""Trino's functions in lakeseg-local's Athena, one statement for each line of
functions.txt; docs/local.md lists exactly those that are there.

Takes the program's path: test_functions.py PATH/lakeseg-local [test ...]
With --write before it, only the list in docs/local.md is written anew.
"""

import os
import re
import sys
import time
import unittest

WRITE = "--write" in sys.argv and not sys.argv.remove("--write")

from common import Case  # noqa: E402: it takes its argument itself

HERE = os.path.dirname(os.path.abspath(__file__))
DOCS = os.path.join(HERE, "..", "..", "..", "docs", "local.md")
MARKS = re.compile("(<!-- functions -->\n)(.*?)(<!-- end -->\n)", re.DOTALL)


def lines():
    with open(os.path.join(HERE, "functions.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, rest = line.rstrip("\n").split(" | ", 1)
                sql, want = re.fullmatch(r"(.*) \|(?: (.*))?", rest).groups()
                yield name, sql, "" if want == '""' else want


def listed():
    text, width = "", 0
    for name in sorted({name for name, _, _ in lines()}):
        width += len(name) + 4
        text += "`%s`" % name + (",\n" if width > 80 else ", ")
        width = 0 if width > 80 else width
    return text.rstrip(", \n") + "\n"


class Functions(Case):
    def test_table(self):
        started = []
        for name, sql, want in lines():
            query = sql if sql.startswith("SELECT ") else "SELECT " + sql
            started.append((sql, want, self.athena.start_query_execution(
                QueryString=query, ResultConfiguration={
                    "OutputLocation": "s3://results/"})["QueryExecutionId"]))
            while len(started) % 50 == 0 and self.is_busy():
                time.sleep(0.02) # too many at once are refused
        for sql, want, query in started:
            with self.subTest(sql=sql):
                while self.state(query)["State"] in ("QUEUED", "RUNNING"):
                    time.sleep(0.02)
                status = self.state(query)
                self.assertEqual(status["State"], "SUCCEEDED",
                                 status.get("StateChangeReason"))
                rows = self.athena.get_query_results(
                    QueryExecutionId=query)["ResultSet"]["Rows"]
                self.assertEqual([d.get("VarCharValue") for row in rows[1:]
                                  for d in row["Data"]], [want])

    def is_busy(self):
        ids = self.athena.list_query_executions(
            MaxResults=50)["QueryExecutionIds"]
        found = self.athena.batch_get_query_execution(QueryExecutionIds=ids)
        return any(q["Status"]["State"] in ("QUEUED", "RUNNING")
                   for q in found["QueryExecutions"])

    def state(self, query):
        return self.athena.get_query_execution(
            QueryExecutionId=query)["QueryExecution"]["Status"]

    def test_documentation(self):
        with open(DOCS, encoding="utf-8") as file:
            found = MARKS.search(file.read())
        self.assertIsNotNone(found)
        self.assertEqual(found.group(2), listed())

    def test_order(self):
        names = [name for name, _, _ in lines()]
        self.assertEqual(names, sorted(names))


if __name__ == "__main__":
    if WRITE:
        with open(DOCS, encoding="utf-8") as docs:
            text = docs.read()
        with open(DOCS, "w", encoding="utf-8") as docs:
            docs.write(MARKS.sub(r"\1%s\3" % listed(), text))
    else:
        unittest.main()
