/*
 * schema.h - a manifest held against docs/manifest.schema.json, which is part
 * of the program. pl_manifest_parse() refuses what no stage could read; this
 * says more: values out of range, words that are none, names that look like a
 * slip of the pen.
 *
 * Of JSON Schema the words that the file uses are read: type, enum, const,
 * minimum, maximum, minLength, maxLength, maxItems, pattern, required,
 * properties, additionalProperties, items, oneOf, $ref to $defs. Its if/then/
 * else concern results only.
 */
#ifndef PL_MANIFEST_SCHEMA_H
#define PL_MANIFEST_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "pipeline/base/err.h"

/* One finding: where ("import.max_jobs") and what, without the value's text.
 * is_error false: a name that lakeseg does not know and passes on. */
typedef int pl_schema_found(void *ctx, const char *path, const char *what,
                            bool is_error, struct pl_err *err);

/* Calls found for each, in the order of the document. -1 when found said so,
 * or out of memory. */
int pl_schema_check(json_t *document, pl_schema_found *found, void *ctx,
                    struct pl_err *err) PL_MUST_CHECK;

#endif
