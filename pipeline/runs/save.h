/* save.h - files of the state folder that are whole or not there, after a
 * power cut, too. */
#ifndef PL_RUNS_SAVE_H
#define PL_RUNS_SAVE_H

#include "pipeline/base/err.h"

/* Writes dir/name (dir ends in "/") by way of dir/.saving: there is one writer,
 * so what a killed one left is overwritten. */
int runs_save(const char *dir, const char *name, const void *data, size_t len,
              struct pl_err *err) PL_MUST_CHECK;
/* Makes dir's names last. */
int runs_sync(const char *dir, struct pl_err *err) PL_MUST_CHECK;

#endif
