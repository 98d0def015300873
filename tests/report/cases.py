"""Real runs on lakeseg-local, one for each way that a run can end, and their
reports."""

import json
import os
import subprocess

from harness import SHORT, Pipe, job, program

COUNT = 2000
PLANS = ("Basic", "Plus", "Family", "Premium")
STATES = ("DE", "FR", "NL", "PL", "IT", "ES", "PT")
SQL = """-- People whose contract ends soon, with what a message to them needs.
WITH recent AS (
    SELECT id, max(clicks) AS clicks /* of all campaigns */
    FROM contacts
    WHERE channel IN ('EMAIL', 'SMS') AND clicks >= 0
    GROUP BY id
)
SELECT c.id AS Id,
       c.channel AS "ChannelType",
       c.address AS "Address",
       c.plan AS "User.UserAttributes.Plan",
       c.state AS "Location.Country",
       c.note AS "Attributes.Note",
       r.clicks AS "Metrics.Clicks"
FROM contacts c
JOIN recent r ON r.id = c.id
WHERE c.id NOT LIKE 'test-%'
ORDER BY 1"""
HOSTILE_NAME = "<img src=x onerror=alert(1)>\u202egpj.exe"
HOSTILE = ("<script>window.pwned=1</script>",
           "\"><svg onload=alert(1)>",
           "\u202e\u2066abc\u2069\u200b\ufeff",
           "=cmd|' /C calc'!A0",
           "javascript:alert(1)",
           "</title></style><h1>broken</h1>",
           "A" * 90,
           "&lt;b&gt; &amp; ' \" `",
           "\u05d0\u05d1\u05d2 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
           "{{constructor.constructor('alert(1)')()}}")


def people(count, bad=0):
    """The lake's table; the first so many have an address that is none."""
    lines = ["id,channel,address,plan,state,note,clicks"]
    for i in range(count):
        address = "person%d@example.com" % i
        channel = "EMAIL"
        if i < bad:
            address = ("0170 5550%03d" % i if i % 2 else "person%d.example" % i)
            channel = "SMS" if i % 2 else "EMAIL"
        lines.append("p-%05d,%s,%s,%s,%s,%s,%d" % (
            i, channel, address, PLANS[(i * i) % 7 % 4],
            STATES[i % 31 % 7], "seen" if i % 3 == 0 else "", i % 17))
    return "\n".join(lines) + "\n"


class Cases:
    """Runs, by their names: manifest, path of the report, text, seconds."""

    def __init__(self, local, folder):
        self.local = local
        self.folder = folder
        self.state = os.path.join(local.dir, "lakeseg-state")
        self.made = {}
        os.makedirs(folder, exist_ok=True)

    def environment(self, **changes):
        return self.local.environment(**{
            "LAKESEG_STATE": self.state, "LAKESEG_PRICE_PER_TB": "5",
            "COLUMNS": "80", "LC_ALL": "C.UTF-8", **changes})

    def report(self, *words, stdin=None, status=0, **changes):
        done = subprocess.run(
            [program("lakeseg"), "report", *words], input=stdin,
            capture_output=True, env=self.environment(**changes), timeout=60,
            check=False)
        assert done.returncode == status, done.stderr.decode()
        return done

    def pipe(self, programs, document, **environment):
        return Pipe(programs, self.environment(**environment),
                    json.dumps(document).encode()).end().manifest

    def keep(self, name, manifest, *options):
        """Writes manifest and page; what they hold is looked at later."""
        path = os.path.join(self.folder, name + ".json")
        page = os.path.join(self.folder, name + ".html")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(manifest, file)
        self.report(path, *options, "--output", page)
        self.made[name] = (manifest, page)

    def remember(self, manifest):
        """As the supervisor keeps a run (docs/runs.md)."""
        run = os.path.join(self.state, "runs", manifest["run"]["id"])
        os.makedirs(os.path.join(run, "manifests"))
        for name in ("job.json", "receipt.json"):
            with open(os.path.join(run, name), "w", encoding="utf-8") as file:
                json.dump(manifest, file)

    def run_all(self):
        self.local.table("contacts", people(COUNT, 12))
        self.good()
        self.changed()
        self.failures()
        self.ends_early()
        self.hostile()
        self.wide()

    def good(self):
        document = job(SQL, run={"name": "renewal-30d"},
                       validate={"rules": {"raw": True}})
        small = job(SQL.replace("NOT LIKE 'test-%'", "< 'p-01900'"),
                    run={"name": "renewal-30d"})
        self.before = self.pipe(SHORT, small)
        self.remember(self.before)
        manifest = self.pipe(SHORT, document)
        self.remember(manifest)
        self.keep("good", manifest)
        self.keep("good-values", manifest, "--show-values")

    def changed(self):
        """Only what changed since the run before is sent."""
        for name, sql, table in (
                ("all-new", SQL, people(COUNT, 12)),
                ("changed", SQL.replace("NOT LIKE 'test-%'", "< 'p-01900'"),
                 people(COUNT, 12).replace("Basic", "Basics", 300))):
            self.local.table("contacts", table)
            self.keep(name, self.pipe(SHORT, job(
                sql, run={"name": "changes"}, import_={"mode": "changed"})))
        self.local.table("contacts", people(COUNT, 12))

    def failures(self):
        self.keep("query-invalid", self.pipe(SHORT, job(
            SQL.replace("c.id AS Id", "c.id AS Identifier"),
            run={"name": "renewal-30d"})))
        self.keep("query-failed", self.pipe(SHORT, job(
            "SELECT id AS Id, CAST(address AS integer) AS "
            "\"Attributes.Number\" FROM contacts",
            run={"name": "numbers"})))
        self.keep("limit", self.pipe(SHORT, job(
            SQL, run={"name": "renewal-30d"},
            validate={"limits": {"max_reject_percent": 0.1}})))
        self.local.fault(rule="pinpoint.ImportJob=outcome:FAILED")
        self.keep("import-failed", self.pipe(SHORT, job(
            SQL, run={"name": "renewal-30d"})))
        self.local.admin("faults", method="DELETE")
        # the sixteenth endpoint of a user is refused
        self.keep("import-partial", self.pipe(SHORT, job(
            "SELECT id AS Id, channel AS \"ChannelType\", address AS "
            "\"Address\", 'all' AS \"User.UserId\" FROM contacts "
            "WHERE id BETWEEN 'p-00100' AND 'p-00120'",
            run={"name": "families"},
            validate={"rules": {"user-endpoints": "off"}})))
        self.keep("access-denied", self.refused())

    def refused(self):
        self.local.fault(rule="pinpoint.CreateImportJob="
                              "error:403:AccessDeniedException,count=0")
        manifest = self.pipe(SHORT, job(SQL, run={"name": "renewal-30d"}))
        self.local.admin("faults", method="DELETE")
        return manifest

    def ends_early(self):
        self.keep("empty", self.pipe(SHORT, job(
            SQL.replace("'test-%'", "'%'"), run={"name": "nobody"},
            validate={"limits": {"min_rows": 0}})))
        self.keep("incomplete", self.pipe(
            ["athena-exec"], job(SQL, run={"name": "cut-off"})))
        self.keep("job", job(SQL, run={"name": "not started"}))

    def hostile(self):
        """Not of Athena's making: a file that nobody should have written."""
        path = os.path.join(self.folder, "hostile.csv")
        header = "Id,Attributes.A,Attributes.<script>x</script>,Attributes.B\n"
        with open(path, "wb") as file:
            file.write(header.encode())
            for i in range(300):
                value = HOSTILE[i % len(HOSTILE)].replace('"', '""')
                file.write(('id-%d,"%s","%s",%d\n' % (
                    i, value, value, i % 3)).encode())
            file.write(b"bad-1,\xff\xfe<script>,x,1\n")
            file.write(b"bad-2,a\x00b,x,1\n")
            file.write(b"bad-3," + b"<b>" * 33334 + b",x,1\n")
            file.write("<script>,\u202ex,too,many,cells\n".encode())
        document = job("SELECT '</pre><script>alert(1)</script>' AS Id -- "
                       "\u202e<!--", run={"name": HOSTILE_NAME},
                       validate={"rules": {"raw": True, "nested-value": "off"},
                                 "limits": {"max_reject_percent": 50}})
        document["data"] = [{"uri": path, "role": "query-result",
                             "format": "csv"}]
        document["status"] = "pending"
        document["mine"] = {"api_token": "do-not-show", "x": "<!-- -->]]>",
                            "long": "<i>" * 40000}
        manifest = self.pipe(["csv-validate"], document)
        self.keep("hostile", manifest)
        self.keep("hostile-values", manifest, "--show-values")

    def wide(self):
        columns = ", ".join(
            "concat('class ', CAST((clicks * %d) %% 11 AS varchar)) AS "
            "\"%sAttributes.Column%02d\"" % (
                i + 1, "User.User" if i % 2 else "", i) for i in range(57))
        self.keep("wide", self.pipe(SHORT, job(
            "SELECT id AS Id, channel AS \"ChannelType\", address AS "
            "\"Address\", " + columns + " FROM contacts",
            run={"name": "sixty columns"})))
