"""Statements made from Trino's grammar of queries, and broken ones made from
them. Deterministic: the same seed gives the same statements."""

import random
import re

PLAIN = """a b c x y id t u v zone _q1 date year month day count value key first
last limit offset fetch window over filter at all any row array map interval
time timestamp partition range rows groups match_recognize tablesample format
json returning position substring try_cast final running ignore respect nulls
with_x double precision lateral ordinality empty error default show one after
pattern define measures current unbounded preceding following function text
user role session path version plan nested columns keep omit if coalesce""" \
    .split()
RESERVED = """select from where group by having order union intersect except
as on using join cross left right inner full outer natural case when then else
end cast extract exists in is not null like between and or escape distinct
values table with recursive unnest true false trim normalize grouping listagg
rollup cube current_date current_timestamp json_value json_query json_object
json_array json_exists json_table insert delete create drop alter execute
prepare describe into for skip uescape constraint localtime""".split()
SIGNS = """( ) [ ] { } , . ; : + - * / % || = <> != < <= > >= -> => ? | ^ $ {-
-} '' 'x' "q" "Attributes.a" "" 1 2.5 .5 1e3 0x1F 1_0 X'00' X'0' U&'\\0041'
U&'\\00' `b` -- /* */ @ \\ & 9223372036854775807 9223372036854775808""".split()
WORDS = PLAIN + RESERVED + SIGNS
TOKEN = re.compile(
    r"\s+|--[^\n]*|/\*.*?\*/|[UuXx]&?'(?:[^']|'')*'|'(?:[^']|'')*'|"
    r'"(?:[^"]|"")*"|`[^`]*`|[A-Za-z_][A-Za-z_0-9]*|[0-9][0-9A-Za-z_.]*|'
    r"<>|!=|<=|>=|\|\||->|=>|\{-|-\}|::|.", re.S)


class Generator:
    """Every method gives the text of one rule of the grammar."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0

    def one(self, *choices):
        return self.random.choice(choices)

    def maybe(self, text, chance=0.3):
        if self.random.random() >= chance:
            return ""
        return text() if callable(text) else text

    def many(self, rule, least=1, most=3, joint=", "):
        count = self.random.randint(least, most)
        return joint.join(rule() for _ in range(count))

    # names and literals

    def name(self):
        roll = self.random.random()
        if roll < 0.7:
            return self.random.choice(PLAIN[:12])
        if roll < 0.88:
            return self.random.choice(PLAIN)
        return self.one('"Attributes.a"', '"q"', '"A""b"', '"from"', "Id", "X")

    def path(self):
        return self.many(self.name, 1, 3, ".")

    def string(self):
        return self.one("'x'", "''", "'it''s'", "'a b'", "U&'\\0041b'",
                        "U&'!0041' UESCAPE '!'", "U&'\\+01F600'")

    def number(self):
        return self.one("1", "0", "42", "-1", "- 3", "1.5", ".5", "5.", "1e3",
                        "1.5E-3", "0xFF", "0b01", "0o17", "1_000",
                        "9223372036854775807", "-9223372036854775808")

    def interval(self):
        unit = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
        return (f"INTERVAL {self.maybe(lambda: self.one('-', '+', '- '))}'1' "
                f"{self.one(*unit)}{self.maybe(lambda: ' TO ' + self.one(*unit))}")

    def literal(self):
        return self.one(
            self.number, self.string, self.interval,
            lambda: self.one("NULL", "TRUE", "false", "X'00 ff'", "?",
                             "CURRENT_DATE", "current_timestamp(3)",
                             "LOCALTIME", "CURRENT_USER", "CURRENT_TIME",
                             "localtimestamp", "current_schema"),
            lambda: self.one("DATE", "TIMESTAMP", "decimal", "json", "char",
                             "DOUBLE PRECISION", self.name()) + " " +
            self.string())()

    # types

    def type(self):
        self.depth += 1
        simple = ("bigint", "varchar", "varchar(10)", "decimal(10, 2)",
                  "double", "DOUBLE PRECISION", "timestamp(3)", "time",
                  "timestamp with time zone", "time(6) WITHOUT TIME ZONE",
                  "interval day to second", "interval year", "json", '"odd"',
                  "ipaddress")
        if self.depth > 5:
            text = self.one(*simple)
        else:
            text = self.one(
                lambda: self.one(*simple), lambda: self.one(*simple),
                lambda: f"array({self.type()})", lambda: f"array<{self.type()}>",
                lambda: f"map({self.type()}, {self.type()})",
                lambda: f"map<{self.type()}, {self.type()}>",
                lambda: f"{self.type()} array",
                lambda: f"row({self.many(self.field)})")()
        self.depth -= 1
        return text

    def field(self):
        return self.maybe(lambda: self.name() + " ", 0.6) + self.type()

    # expressions

    def expression(self):
        self.depth += 1
        if self.depth > 4 or self.random.random() < 0.5:
            text = self.one(self.literal, self.path, self.name)()
        else:
            text = self.one(
                self.value, self.value, self.primary, self.primary,
                self.predicate,
                lambda: f"{self.expression()} {self.one('AND', 'OR')} "
                        f"{self.expression()}",
                lambda: f"NOT {self.expression()}")()
        self.depth -= 1
        return text

    def value(self):
        self.depth += 1
        if self.depth > 4:
            text = self.path()
        else:
            text = self.one(
                self.primary, self.primary,
                lambda: f"{self.value()} "
                        f"{self.one('+', '-', '*', '/', '%', '||')} "
                        f"{self.value()}",
                lambda: f"{self.one('-', '+', '- -')} {self.value()}",
                lambda: f"{self.primary()} AT TIME ZONE "
                        f"{self.one(self.string, self.interval)()}")()
        self.depth -= 1
        return text

    def predicate(self):
        no = self.maybe("NOT ")
        return self.value() + " " + self.one(
            lambda: self.one("=", "<>", "!=", "<", "<=", ">", ">=") + " " +
            self.value(),
            lambda: f"= {self.one('ALL', 'SOME', 'ANY')} ({self.query()})",
            lambda: f"{no}BETWEEN {self.value()} AND {self.value()}",
            lambda: f"{no}IN ({self.many(self.expression)})",
            lambda: f"{no}IN ({self.query()})",
            lambda: f"{no}LIKE {self.value()}"
                    f"{self.maybe(lambda: ' ESCAPE ' + self.value())}",
            lambda: f"IS {no}NULL",
            lambda: f"IS {no}DISTINCT FROM {self.value()}")()

    def primary(self):
        self.depth += 1
        if self.depth > 5:
            text = self.one(self.literal, self.path)()
        else:
            text = self.one(
                self.literal, self.path, self.path, self.call, self.call,
                self.special, self.case,
                lambda: f"({self.expression()})",
                lambda: f"({self.many(self.expression, 2, 3)})",
                lambda: f"ROW({self.many(self.expression)})",
                lambda: f"({self.query()})",
                lambda: f"EXISTS ({self.query()})",
                lambda: f"ARRAY[{self.many(self.expression, 0, 3)}]",
                lambda: f"{self.primary()}[{self.value()}]",
                lambda: f"{self.primary()}.{self.name()}",
                lambda: f"CAST({self.expression()} AS {self.type()})",
                lambda: f"TRY_CAST({self.expression()} AS {self.type()})",
                self.json)()
        self.depth -= 1
        return text

    def case(self):
        when = self.many(lambda: f"WHEN {self.expression()} THEN "
                                 f"{self.expression()}", 1, 2, " ")
        return (f"CASE {self.maybe(lambda: self.expression() + ' ')}{when}"
                f"{self.maybe(lambda: ' ELSE ' + self.expression())} END")

    def lambda_(self):
        return self.one(
            lambda: f"{self.name()} -> {self.expression()}",
            lambda: f"({self.many(self.name, 0, 3)}) -> {self.expression()}")()

    def argument(self):
        return self.one(self.expression, self.expression, self.lambda_)()

    def sort(self):
        return (self.expression() + self.maybe(lambda: self.one(" ASC", " DESC")) +
                self.maybe(lambda: " NULLS " + self.one("FIRST", "LAST"), 0.2))

    def order(self):
        return "ORDER BY " + self.many(self.sort, 1, 2)

    def bound(self):
        return self.one("UNBOUNDED PRECEDING", "CURRENT ROW",
                        "UNBOUNDED FOLLOWING",
                        f"{self.value()} {self.one('PRECEDING', 'FOLLOWING')}")

    def window(self):
        kind = self.one("ROWS", "RANGE", "GROUPS")
        frame = self.one(lambda: f"{kind} {self.bound()}",
                         lambda: f"{kind} BETWEEN {self.bound()} AND "
                                 f"{self.bound()}",
                         lambda: f"MEASURES {self.measures()} {kind} BETWEEN "
                                 f"CURRENT ROW AND UNBOUNDED FOLLOWING "
                                 f"{self.pattern()}")
        return " ".join(filter(None, (
            self.maybe("w", 0.2),
            self.maybe(lambda: "PARTITION BY " + self.many(self.expression, 1, 2)),
            self.maybe(self.order, 0.5), self.maybe(frame))))

    def over(self):
        return " OVER " + self.one(lambda: f"({self.window()})", lambda: "w",
                                   self.name)()

    def call(self):
        inside = self.one(
            lambda: "*", lambda: f"{self.name()}.*",
            lambda: self.many(self.argument, 0, 3),
            lambda: self.many(self.argument, 1, 3),
            lambda: self.one("DISTINCT ", "ALL ") + self.expression(),
            lambda: f"{self.expression()} {self.order()}")()
        treat = ""
        if "*" not in inside[-2:]:
            treat = self.maybe(lambda: self.one(" IGNORE", " RESPECT") +
                               " NULLS" + self.over(), 0.1)
        return (self.maybe(lambda: self.one("FINAL ", "RUNNING "), 0.03) +
                self.one(self.path(), "count", "sum", "transform", "if",
                         "coalesce", "nullif", "try", "format", "concat") +
                f"({inside})" +
                self.maybe(lambda: f" FILTER (WHERE {self.expression()})", 0.1) +
                (treat or self.maybe(self.over, 0.15)))

    def special(self):
        v, e = self.value, self.expression
        return self.one(
            lambda: f"POSITION({v()} IN {v()})",
            lambda: f"SUBSTRING({v()} FROM {v()}"
                    f"{self.maybe(lambda: ' FOR ' + v())})",
            lambda: f"TRIM({v()})", lambda: f"TRIM({v()}, {v()})",
            lambda: f"TRIM({self.one('LEADING ', 'TRAILING ', 'BOTH ', '')}"
                    f"{v()} FROM {v()})",
            lambda: f"TRIM({self.one('LEADING', 'TRAILING', 'BOTH')} FROM {v()})",
            lambda: f"NORMALIZE({v()}{self.maybe(', NFKD')})",
            lambda: f"EXTRACT({self.one('YEAR', 'dow', 'timezone_hour', 'x')} "
                    f"FROM {v()})",
            lambda: f"GROUPING({self.many(self.path, 0, 2)})",
            lambda: f"LISTAGG({self.maybe('DISTINCT ')}{e()}"
                    f"{self.maybe(lambda: ', ' + self.string())}"
                    + self.maybe(" ON OVERFLOW " + self.one(
                        "ERROR", "TRUNCATE '..' WITH COUNT",
                        "TRUNCATE WITHOUT COUNT")) +
                    f") WITHIN GROUP ({self.order()})"
                    f"{self.maybe(' FILTER (WHERE a)', 0.2)}")()

    def json_value(self):
        return self.expression() + self.maybe(
            " FORMAT JSON" + self.maybe(" ENCODING UTF8"), 0.15)

    def json_path(self):
        passing = self.many(lambda: f"{self.json_value()} AS {self.name()}", 1, 2)
        return (f"{self.json_value()}, {self.one(chr(39) + 'lax $.a' + chr(39), self.string())}"
                + self.maybe(lambda: f" AS {self.name()}", 0.1)
                + self.maybe(f" PASSING {passing}", 0.2))

    def value_behaviors(self):
        what = lambda: self.one("ERROR", "NULL", f"DEFAULT {self.expression()}")
        return (self.maybe(lambda: f" {what()} ON EMPTY") +
                self.maybe(lambda: f" {what()} ON ERROR"))

    def query_behaviors(self):
        what = lambda: self.one("ERROR", "NULL", "EMPTY ARRAY", "EMPTY OBJECT")
        return (self.maybe(self.one(
                    " WITHOUT WRAPPER", " WITH WRAPPER",
                    " WITH CONDITIONAL ARRAY WRAPPER",
                    " WITH UNCONDITIONAL WRAPPER", " WITHOUT ARRAY WRAPPER")) +
                self.maybe(self.one(" KEEP QUOTES", " OMIT QUOTES",
                                    " OMIT QUOTES ON SCALAR STRING")) +
                self.maybe(lambda: f" {what()} ON EMPTY") +
                self.maybe(lambda: f" {what()} ON ERROR"))

    def returning(self):
        return self.maybe(lambda: f" RETURNING {self.type()}")

    def member(self):
        return self.one(
            lambda: f"{self.maybe('KEY ')}{self.expression()} VALUE "
                    f"{self.json_value()}",
            lambda: f"{self.expression()} : {self.json_value()}")()

    def json(self):
        null = self.maybe(self.one(" NULL ON NULL", " ABSENT ON NULL"))
        return self.one(
            lambda: f"JSON_EXISTS({self.json_path()}"
                    + self.maybe(" " + self.one("TRUE", "FALSE", "UNKNOWN",
                                                "ERROR") + " ON ERROR") + ")",
            lambda: f"JSON_VALUE({self.json_path()}{self.returning()}"
                    f"{self.value_behaviors()})",
            lambda: f"JSON_QUERY({self.json_path()}{self.returning()}"
                    f"{self.query_behaviors()})",
            lambda: f"JSON_OBJECT({self.many(self.member, 1, 2)}{null}"
                    + self.maybe(" WITH UNIQUE KEYS") + f"{self.returning()})",
            lambda: f"JSON_ARRAY({self.many(self.json_value, 1, 2)}{null}"
                    f"{self.returning()})",
            lambda: f"{self.one('JSON_OBJECT', 'JSON_ARRAY')}"
                    f"({self.returning().strip()})")()

    # relations

    def alias(self):
        return self.maybe(lambda: self.maybe(" AS") + " " + self.name() +
                          self.maybe(lambda: f" ({self.many(self.name)})", 0.2),
                          0.5)

    def rows(self):
        self.depth += 1
        if self.depth > 5:
            text = self.path()
        else:
            text = self.one(
                self.path, self.path, self.path,
                lambda: self.path() + self.maybe(
                    lambda: f" FOR {self.one('TIMESTAMP', 'VERSION')} AS OF "
                            f"{self.value()}"),
                lambda: f"({self.query()})", lambda: f"({self.relation()})",
                lambda: f"UNNEST({self.many(self.expression)})"
                        f"{self.maybe(' WITH ORDINALITY')}",
                lambda: f"LATERAL ({self.query()})",
                self.table_function, self.json_table)()
        self.depth -= 1
        return text

    def json_column(self):
        return self.one(
            lambda: f"{self.name()} FOR ORDINALITY",
            lambda: f"{self.name()} {self.type()}{self.maybe(' PATH ' + self.string())}"
                    f"{self.value_behaviors()}",
            lambda: f"{self.name()} {self.type()} FORMAT JSON"
                    f"{self.maybe(' PATH ' + self.string())}"
                    f"{self.query_behaviors()}",
            lambda: f"NESTED {self.maybe('PATH ')}{self.string()} "
                    f"{self.maybe('AS p ')}COLUMNS ({self.name()} bigint)")()

    def json_table(self):
        plan = self.one("PLAN (p OUTER (q UNION r))", "PLAN (p INNER q)",
                        "PLAN DEFAULT (OUTER, CROSS)", "PLAN DEFAULT (UNION)",
                        "PLAN (p CROSS q CROSS r)")
        return (f"JSON_TABLE({self.json_path()} COLUMNS "
                f"({self.many(self.json_column)}){self.maybe(' ' + plan, 0.2)}"
                + self.maybe(self.one(" ERROR ON ERROR", " EMPTY ON ERROR")) +
                ")")

    def table_argument(self):
        return self.maybe(lambda: f"{self.name()} => ") + self.one(
            self.expression,
            lambda: "DESCRIPTOR(a, b bigint)",
            lambda: f"TABLE({self.one(self.path, self.query)()})" +
                    self.maybe(" AS k") +
                    self.maybe(lambda: " PARTITION BY " + self.one(
                        "()", "(a, b)", self.expression())) +
                    self.maybe(self.one(" PRUNE WHEN EMPTY",
                                        " KEEP WHEN EMPTY")) +
                    self.maybe(lambda: " ORDER BY " + self.one(
                        self.sort(), f"({self.many(self.sort)})")))()

    def table_function(self):
        return (f"TABLE({self.path()}({self.many(self.table_argument, 0, 2)}"
                f"{self.maybe(' COPARTITION (a, b)', 0.1)}))")

    def row_pattern(self):
        self.depth += 1
        atom = lambda: self.one("A", "B", "^", "$", "()", "{- C -}",
                                "PERMUTE(A, B)",
                                f"({self.row_pattern()})" if self.depth < 4
                                else "A")
        text = self.many(lambda: atom() + self.maybe(lambda: self.one(
            "*", "+", "?", "*?", "+?", "??", "{2}", "{2,}", "{,3}", "{2,3}?")),
            1, 3, self.one(" ", " | "))
        self.depth -= 1
        return text

    def measures(self):
        return self.many(lambda: f"{self.expression()} AS {self.name()}", 1, 2)

    def pattern(self):
        skip = self.one("PAST LAST ROW", "TO NEXT ROW", "TO FIRST A",
                        "TO LAST A", "TO A")
        return (self.maybe(f"AFTER MATCH SKIP {skip} ") +
                self.maybe(self.one("INITIAL ", "SEEK "), 0.1) +
                f"PATTERN ({self.row_pattern()}) " +
                self.maybe("SUBSET U = (A, B) ") +
                "DEFINE " + self.many(lambda: f"{self.name()} AS "
                                              f"{self.expression()}", 1, 2))

    def recognize(self):
        rows = self.one("ONE ROW PER MATCH ", "ALL ROWS PER MATCH ",
                        "ALL ROWS PER MATCH SHOW EMPTY MATCHES ",
                        "ALL ROWS PER MATCH OMIT EMPTY MATCHES ",
                        "ALL ROWS PER MATCH WITH UNMATCHED ROWS ")
        return (" MATCH_RECOGNIZE (" +
                self.maybe(lambda: f"PARTITION BY {self.expression()} ") +
                self.maybe(lambda: self.order() + " ") +
                self.maybe(lambda: f"MEASURES {self.measures()} ") +
                self.maybe(rows) + self.pattern() + ")" + self.alias())

    def sampled(self):
        return (self.rows() + self.alias() + self.maybe(self.recognize, 0.06) +
                self.maybe(lambda: f" TABLESAMPLE "
                                   f"{self.one('BERNOULLI', 'SYSTEM')} "
                                   f"({self.expression()})", 0.06))

    def relation(self):
        self.depth += 1
        text = self.sampled()
        while self.depth < 5 and self.random.random() < 0.3:
            kind = self.one("", "INNER ", "LEFT ", "RIGHT OUTER ", "FULL ")
            text += self.one(
                lambda: f" CROSS JOIN {self.sampled()}",
                lambda: f" NATURAL {kind}JOIN {self.sampled()}",
                lambda: f" {kind}JOIN {self.relation()} ON {self.expression()}",
                lambda: f" {kind}JOIN {self.relation()} USING "
                        f"({self.many(self.name)})")()
        self.depth -= 1
        return text

    # queries

    def item(self):
        return self.one(
            lambda: self.expression() + self.maybe(
                lambda: self.maybe(" AS") + " " + self.name(), 0.6),
            lambda: self.expression() + self.maybe(
                lambda: self.maybe(" AS") + " " + self.name(), 0.6),
            lambda: self.expression() + " AS " + self.name(),
            lambda: "*",
            lambda: f"{self.primary()}.*{self.maybe(' AS (a, b)', 0.2)}")()

    def grouping(self):
        sets = lambda: self.many(lambda: self.one(
            "()", f"({self.many(self.expression)})", self.expression()), 1, 2)
        return self.one(
            self.expression, self.expression, lambda: "()",
            lambda: f"({self.many(self.expression)})",
            lambda: f"ROLLUP ({self.many(self.path, 0, 2)})",
            lambda: f"CUBE ({self.many(self.path, 0, 2)})",
            lambda: f"GROUPING SETS ({sets()})")()

    def select(self):
        return ("SELECT " + self.maybe(self.one("DISTINCT ", "ALL "), 0.15) +
                self.many(self.item, 1, 3) +
                self.maybe(lambda: f" FROM {self.many(self.relation, 1, 2)}", 0.8) +
                self.maybe(lambda: f" WHERE {self.expression()}") +
                self.maybe(lambda: " GROUP BY " +
                           self.maybe(self.one("DISTINCT ", "ALL "), 0.1) +
                           self.many(self.grouping, 1, 2), 0.25) +
                self.maybe(lambda: f" HAVING {self.expression()}", 0.1) +
                self.maybe(lambda: f" WINDOW w AS ({self.window()})", 0.08))

    def branch(self):
        return self.one(
            self.select, self.select, self.select, self.select,
            lambda: f"VALUES {self.many(self.expression)}",
            lambda: f"TABLE {self.path()}",
            lambda: f"({self.no_with()})")()

    def no_with(self):
        self.depth += 1
        text = self.branch() if self.depth < 6 else "SELECT 1"
        while self.depth < 5 and self.random.random() < 0.15:
            text += (f" {self.one('UNION', 'INTERSECT', 'EXCEPT')}"
                     f"{self.maybe(self.one(' ALL', ' DISTINCT'))} "
                     f"{self.branch()}")
        text += self.maybe(lambda: " " + self.order(), 0.15)
        text += self.maybe(" OFFSET 5" + self.maybe(self.one(" ROW", " ROWS")), 0.06)
        text += self.maybe(self.one(
            " LIMIT 5", " LIMIT ALL", " LIMIT ?", " FETCH FIRST ROW ONLY",
            " FETCH NEXT 5 ROWS WITH TIES", " FETCH FIRST ? ROWS ONLY"), 0.12)
        self.depth -= 1
        return text

    def query(self):
        self.depth += 1
        text = ""
        if self.random.random() < 0.1 and self.depth < 5:
            named = self.many(lambda: f"{self.name()}"
                              f"{self.maybe(' (a, b)', 0.2)} AS ({self.query()})",
                              1, 2)
            text = f"WITH {self.maybe('RECURSIVE ', 0.2)}{named} "
        text += self.no_with()
        self.depth -= 1
        return text

    # broken ones

    def mutate(self, statement):
        tokens = [t for t in TOKEN.findall(statement)
                  if not t.isspace() and t[:2] not in ("--", "/*")]
        for _ in range(self.random.randint(1, 3)):
            at = self.random.randrange(len(tokens) + 1)
            kind = self.random.random()
            if kind < 0.3 and at < len(tokens):
                del tokens[at]
            elif kind < 0.5:
                tokens.insert(at, self.random.choice(WORDS))
            elif kind < 0.7 and at < len(tokens):
                tokens[at] = self.random.choice(WORDS)
            elif kind < 0.8 and at < len(tokens):
                tokens.insert(at, tokens[at])
            elif kind < 0.9 and at + 1 < len(tokens):
                tokens[at], tokens[at + 1] = tokens[at + 1], tokens[at]
            elif tokens:
                tokens.insert(at, self.random.choice(tokens))
        blank = self.random.choice((" ", "  ", "\n", " /* x */ "))
        return blank.join(tokens)


def statements(seed, count, known):
    """Half of them right, by and large; the other half broken, most of them
    from those, the rest from the known ones."""
    generator = Generator(seed)
    made = []
    for i in range(count):
        if i % 2 == 0:
            generator.depth = 0
            made.append(generator.query())
        elif i % 10 == 1 and known:
            made.append(generator.mutate(generator.random.choice(known)))
        else:
            made.append(generator.mutate(made[generator.random.randrange(
                max(0, len(made) - 50), len(made))]))
    return made
