/*
 * file.h - whole small files: read with a limit, written so that a reader
 * sees the old content or the new, never half of it. For bulk data see io.h.
 */
#ifndef PL_BASE_FILE_H
#define PL_BASE_FILE_H

#include "pipeline/base/buf.h"

/* Appends the file to buf; more than buf's maximum is PL_FILE_ERROR. */
int pl_file_read(const char *path, struct pl_buf *buf,
                 struct pl_err *err) PL_MUST_CHECK;
/* The same from a descriptor, to its end. */
int pl_fd_read_all(int fd, const char *name, struct pl_buf *buf,
                   struct pl_err *err) PL_MUST_CHECK;
/* Writes a temporary name beside path, syncs it, renames it over path. */
int pl_file_write(const char *path, const void *data, size_t len,
                  struct pl_err *err) PL_MUST_CHECK;
int pl_fd_write_all(int fd, const void *data, size_t len,
                    struct pl_err *err) PL_MUST_CHECK;
/*
 * A new file beside path, to be renamed over it; temp gets its name. The
 * descriptor, or -1. It is locked while it is open: what a killed program left
 * of the same path is known by that nobody holds it, and is removed.
 */
int pl_file_temporary(const char *path, struct pl_buf *temp,
                      struct pl_err *err) PL_MUST_CHECK;
/* A temporary file without a name, read and written, gone when it is closed:
 * in dir, or where NULL in TMPDIR or /tmp. The descriptor, or -1. */
int pl_file_nameless(const char *dir, struct pl_err *err) PL_MUST_CHECK;
/* Makes the directory and its missing parents, mode 0777 less umask. */
int pl_mkdirs(const char *path, struct pl_err *err) PL_MUST_CHECK;
/* Makes the missing parents of a file's path. */
int pl_mkdirs_for(const char *path, struct pl_err *err) PL_MUST_CHECK;

#endif
