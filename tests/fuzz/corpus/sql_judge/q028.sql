SELECT endpoint_id AS Id, CAST(count(*) AS varchar) AS "Attributes.SessionsLast24Hours"
FROM session_start
WHERE from_unixtime(event_timestamp) > now() - interval '1' day
GROUP BY endpoint_id