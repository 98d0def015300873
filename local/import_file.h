/*
 * import_file.h - the strict reader of Pinpoint's import files (sources 1):
 * CSV after RFC 4180 and JSON lines, both to the same records.
 *
 * Written apart from pipeline/csv on purpose. It knows the format only, not
 * the endpoints: what a record means for them is the store's business.
 */
#ifndef LOCAL_IMPORT_FILE_H
#define LOCAL_IMPORT_FILE_H

#include <jansson.h>

#include "pipeline/base/io.h"

enum local_column {
    LOCAL_COL_ID,
    LOCAL_COL_CHANNEL,
    LOCAL_COL_ADDRESS,
    LOCAL_COL_USER_ID,
    LOCAL_COL_ATTRIBUTE,
    LOCAL_COL_METRIC,
    LOCAL_COL_USER_ATTRIBUTE,
    LOCAL_COL_COORDINATE, /* Location.Latitude and .Longitude */
    LOCAL_COL_OPT_OUT,
    LOCAL_COL_TEXT, /* the other ones */
    LOCAL_COL_BAD
};

/* One value of a record. Empty ones are left out: they set nothing. */
struct local_cell {
    enum local_column kind;
    const char *column; /* the full name, "Attributes.Interests" */
    const char *value;
    size_t len;
};

struct local_import_sink {
    void *ctx;
    int (*record)(void *ctx, const struct local_cell *cells, size_t count,
                  uint64_t line, struct pl_err *err);
    /* A record that cannot be imported; the file goes on. */
    int (*bad)(void *ctx, uint64_t line, const char *why, struct pl_err *err);
};

/* The kind of a column by its name, exact in case. */
enum local_column local_column_kind(const char *name);
#define LOCAL_CHANNELS_MAX 13
/* 0..12, or -1 for what is no channel. */
int local_channel(const char *name, size_t len);
const char *local_channel_name(int channel);
/* NULL, or why a value cannot stand in its column. */
const char *local_cell_fault(const struct local_cell *cell);

/* -1 with PL_DATA_INVALID: the file as such is wrong. */
int local_import_csv(const struct pl_source *source,
                     const struct local_import_sink *sink,
                     struct pl_err *err) PL_MUST_CHECK;
int local_import_json(const struct pl_source *source,
                      const struct local_import_sink *sink,
                      struct pl_err *err) PL_MUST_CHECK;
/* One endpoint as JSON. Calls sink once, with record or bad. */
int local_import_object(const json_t *object, uint64_t line,
                        const struct local_import_sink *sink,
                        struct pl_err *err) PL_MUST_CHECK;

#endif
