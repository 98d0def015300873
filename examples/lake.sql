-- A sample customer data lake of made-up people, for DuckDB.
--
-- Run by examples/make-lake, with the working directory in the new lake, where
-- a folder for each table is waiting. Variables:
--   rows  how many people; 2000
--   seed  another seed gives other people; 42
--
-- The same rows and seed give the same people. Times count back from the day
-- on which the lake is made, so that "in the last 24 hours" finds somebody on
-- any day: make a new lake when the old one is older than that.
--
-- Two tables are CSV with a header, one is JSON Lines, the others are
-- Parquet; email_click has two files.

SET TimeZone = 'UTC';
SET VARIABLE people = coalesce(CAST(getvariable('rows') AS BIGINT), 2000);
SET VARIABLE salt = coalesce(CAST(getvariable('seed') AS VARCHAR), '42');
SET VARIABLE moment = CAST(date_trunc('second', now()) AS TIMESTAMP);

-- A number from 0 to 1 that is always the same for the same person and use.
CREATE OR REPLACE TEMP MACRO chance(person, use) AS
    CAST(md5_number_lower(concat_ws('/', getvariable('salt'), use, person))
         % 1000003 AS DOUBLE) / 1000003;
CREATE OR REPLACE TEMP MACRO pick(words, person, use) AS
    words[1 + CAST(floor(chance(person, use) * len(words)) AS BIGINT)];
CREATE OR REPLACE TEMP MACRO ago(days) AS
    getvariable('moment') - to_seconds(CAST(days * 86400.0 AS BIGINT));

CREATE OR REPLACE TEMP TABLE person AS
SELECT n,
       format('ep-{:07d}', n) AS id,
       format('user-{:07d}', n) AS user_id,
       pick(['Ada', 'Bo', 'Cleo', 'Dov', 'Eve', 'Fay', 'Gus', 'Hana', 'Ivo',
             'José', 'Kim', 'Lou', 'Mona', 'Nils', 'Ola', 'Pia', 'Quin',
             'Rae', 'Sol', 'Tess', 'Uma', 'Vic', 'Wren', 'Xenia', 'Yan',
             'Zoë'], n, 'first') AS first_name,
       pick(['Sample', 'Mock', 'Placeholder', 'Example', 'Dummy', 'O''Test',
             'Fixture', 'Synthetic', 'Madeup', 'Nobody'], n, 'last')
           AS last_name,
       pick(['CA', 'NY', 'TX', 'WA', 'IL', 'FL', 'CO', 'MA', 'OR', 'GA'],
            n, 'state') AS state,
       -- How busy: most do a little, few do a lot, some do nothing at all.
       CASE WHEN chance(n, 'idle') < 0.08 THEN 0
            ELSE pow(chance(n, 'busy'), 1.5) END AS busy
FROM range(1, getvariable('people') + 1) AS numbers(n);

COPY (
    SELECT id, user_id, user_id AS username, first_name, last_name,
           lower(concat(user_id, '@example.com')) AS email,
           state, 'US' AS country,
           CAST(round(20 + 12000 * pow(chance(n, 'value'), 3), 2)
                AS DECIMAL(12, 2)) AS lifetime_value,
           CASE WHEN chance(n, 'missed') < 0.8 THEN 0
                ELSE 1 + CAST(floor(chance(n, 'missed2') * 4) AS INTEGER)
           END AS missed_payments,
           chance(n, 'optout') < 0.03 AS opted_out,
           CAST(ago(30 + 1500 * chance(n, 'created')) AS DATE) AS created_date
    FROM person ORDER BY n
) TO 'salesforce_contact/contacts.parquet' (FORMAT parquet);

-- Loans stand for subscriptions: one for most, two for some.
COPY (
    SELECT format('loan-{:07d}-{}', n, k) AS id, person.id AS contact_id,
           pick(['Basic', 'Plus', 'Plus, family'], n * 10 + k, 'product')
               AS product,
           CAST(ago(k * 400 - 305 + 365 * chance(n * 10 + k, 'end')) AS DATE)
               AS end_date,
           chance(n * 10 + k, 'auto') < 0.5 AS auto_renewal
    FROM person, unnest([0, 1]) AS loans(k)
    WHERE chance(n * 10 + k, 'loan') < CASE k WHEN 0 THEN 0.7 ELSE 0.2 END
    ORDER BY n, k
) TO 'salesforce_loan__c/loans.csv' (FORMAT csv, HEADER);

-- A hand-kept export: its numbers are text, and not all of them are numbers.
COPY (
    SELECT id AS endpoint_id,
           CASE WHEN n % 997 = 500 THEN 'n/a'
                ELSE CAST(CAST(floor(busy * 60) AS INTEGER) AS VARCHAR)
           END AS hours_used,
           CAST(1 + floor(chance(n, 'score') * 10) AS INTEGER)
               AS satisfaction_score
    FROM person ORDER BY n
) TO 'some_other_data/export.parquet' (FORMAT parquet);

COPY (
    SELECT user_id AS username,
           ago(365 * chance(n * 1000 + k, 'login')) AS "timestamp"
    FROM person,
         unnest(range(1, 1 + CAST(floor(busy * 24) AS BIGINT))) AS logins(k)
    ORDER BY n, k
) TO 'system_logins/logins.csv' (FORMAT csv, HEADER);

COPY (
    SELECT id AS user_id,
           pick(['/', '/help', '/prices', '/account'], n * 1000 + k, 'page')
               AS page,
           ago(365 * chance(n * 1000 + k, 'visit')) AS "timestamp"
    FROM person,
         unnest(range(1, 1 + CAST(floor(busy * 16) AS BIGINT))) AS visits(k)
    ORDER BY n, k
) TO 'google_analytics/visits.json' (FORMAT json);

CREATE OR REPLACE TEMP TABLE click AS
SELECT id AS endpoint_id,
       pick(['spring', 'renewal', 'news'], n * 1000 + k, 'campaign')
           AS campaign,
       ago(365 * chance(n * 1000 + k, 'click')) AS event_timestamp,
       event_timestamp + INTERVAL 3 SECOND AS ingest_timestamp
FROM person,
     unnest(range(1, 1 + CAST(floor(busy * 8) AS BIGINT))) AS clicks(k)
ORDER BY n, k;

COPY (SELECT * FROM click WHERE event_timestamp < ago(90))
TO 'email_click/part-0.parquet' (FORMAT parquet);
COPY (SELECT * FROM click WHERE event_timestamp >= ago(90))
TO 'email_click/part-1.parquet' (FORMAT parquet);

COPY (
    SELECT id AS endpoint_id,
           format('session-{:07d}-{}', n, k) AS session_id,
           ago(30 * pow(chance(n * 1000 + k, 'session'), 2))
               AS event_timestamp,
           event_timestamp + INTERVAL 2 SECOND AS ingest_timestamp
    FROM person,
         unnest(range(1, 1 + CAST(floor(busy * 5) AS BIGINT))) AS sessions(k)
    ORDER BY n, k
) TO 'session_start/sessions.parquet' (FORMAT parquet);
