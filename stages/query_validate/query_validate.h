/*
 * query_validate.h - judges the SQL of a manifest, or of a file, before it is
 * paid for. No network.
 */
#ifndef QUERY_VALIDATE_H
#define QUERY_VALIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/base/buf.h"
#include "pipeline/manifest/manifest.h"

struct query_validate_config {
    /* options; NULL: as the manifest says, or else the default */
    const char *target;
    const char *key_column;
    const char *key_field;
    const char *id_map;
    bool takes_prepared; /* EXECUTE of a prepared statement passes too */
};

/*
 * Judges query.sql for validate.target (else import.destination, else
 * pinpoint) and fills query.verdict: {"valid": true, "target": "pinpoint",
 * "columns": ["id"], "columns_known": true, "notes": ["..."]}, or {"valid":
 * false, "target": "pinpoint", "message": "...", "hint": "...", "line": 2,
 * "column": 5, "offset": 20, "length": 3}.
 *
 * Fails with PL_QUERY_INVALID, or PL_CONFIG_INVALID for a target that is
 * unknown or not the import's, and for a key that the query does not give;
 * query.verdict is then set all the same when the query was looked at.
 */
int query_validate_run(const struct query_validate_config *cfg,
                       struct pl_manifest *m, struct pl_err *err) PL_MUST_CHECK;

/*
 * Judges len bytes of SQL and appends the verdict to out for a person: the
 * message, the line of the query and a mark below the place. is_json: one
 * JSON object on a line, as above with "offset" in bytes, for editors. name
 * is what the text is called ("query.sql"). The line shown may hold literals
 * of the query: it is meant for whoever wrote it, not for a log.
 *
 * Fails as above when the verdict is no; out is filled then too.
 */
int query_validate_text(const struct query_validate_config *cfg,
                        const char *name, const char *sql, size_t len,
                        bool is_json, struct pl_buf *out,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
