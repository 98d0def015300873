/*
 * id_map.h - the file that tells each endpoint's user: CSV with the columns Id
 * and User.UserId, whatever else it has, as a last export of Pinpoint gives it.
 */
#ifndef PL_PROFILE_ID_MAP_H
#define PL_PROFILE_ID_MAP_H

#include "pipeline/base/io.h"
#include "pipeline/base/sorter.h"
#include "pipeline/csv/reader.h"

/* What sorts the entries of an Id before its rows. */
enum pl_id_map_kind { PL_ID_MAP_ENTRY, PL_ID_MAP_ROW };

/* The key of an Id for a sorter: without blanks around it and in lower case
 * (Ids are the same without case: sources 1.8), a NUL, and the kind. */
int pl_id_map_key(const char *id, size_t len, enum pl_id_map_kind kind,
                  struct pl_buf *key, struct pl_err *err) PL_MUST_CHECK;

/* Adds an entry for each line that has both; *entries counts them.
 * PL_DATA_INVALID, with the record's number, for what is no such file. */
int pl_id_map_read(const struct pl_source *in, struct pl_sorter *to,
                   uint64_t *entries, struct pl_err *err) PL_MUST_CHECK;

#endif
